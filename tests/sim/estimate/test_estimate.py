"""``pointwise estimate``: table, sweep, files, and what is said about wrong input."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.estimate import Estimate
from pointwise.model.graph import Graph
from pointwise.sim.cli import main


def test_one_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    """The table names cycles, time at the clock, causes and memory."""
    assert main(["estimate", "--model", "deit_tiny", "--clock", "200"]) == 0
    text = capsys.readouterr().out
    for wanted in (
        "deit_tiny on a 16×16 core, estimated",
        "4,954,",
        "24.77",
        "200 MHz",
        "of 208 KiB",
        "128 bits",
    ):
        assert wanted in text


def test_sweep_writes_table_csv_json_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every combination has a line everywhere; what does not fit says why, and the others are there."""
    arguments = [
        "estimate",
        "--sweep",
        "--rows",
        "4,8,12",
        "--cols",
        "8",
        "--latency",
        "40,200",
        "--max-tokens",
        "8,64",
    ]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "one must divide the other" in text
    assert "the core takes max_tokens = 8" in text
    points = json.loads((tmp_path / "sweep.json").read_text())["points"]
    with (tmp_path / "sweep.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(points) == len(lines) == 3 * 2 * 2
    for point, line in zip(points, lines, strict=True):
        assert all(int(line[axis]) == value for axis, value in point["values"].items())
        fits = point["values"]["rows"] != 12 and point["values"]["max_tokens"] == 64
        assert point["fits"] == fits == bool(line["cycles"]) == (not line["reason"])
        if fits:
            assert int(line["cycles"]) == point["cycles"]
            names = ("stream", "depend", "tile", "short", "output", "bank", "idle")
            assert sum(int(line[name]) for name in names) == point["cycles"]
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rows", "8,16"], "--rows has 2 values; add --sweep to compare them"),
        (["--rows", "many"], "--rows is 'many'; expected a whole number, or several with commas between"),
        (["--clock", "0"], "a clock of 0 MHz was asked for; give a frequency above 0, such as 100"),
        (["--stall", "95"], "stalls in 95% of the cycles were asked for; give 0 to 90 %"),
        (["--model", "deit_tiny", "--max-tokens", "64"], "the core takes max_tokens = 64"),
        (["--model", "deit_huge"], "deit_huge"),
        (["--network", "missing.safetensors"], "missing.safetensors"),
    ],
)
def test_errors_are_sentences(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence on stderr, exit status 1, nothing on stdout."""
    monkeypatch.delenv("POINTWISE_TRACEBACK", raising=False)
    assert main(["estimate", *arguments]) == 1
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert not captured.out


def test_a_sweep_of_nothing_that_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All reasons and a figure without bars, and no failure."""
    arguments = ["estimate", "--model", "deit_tiny", "--max-tokens", "64", "--sweep", "--rows", "8,16"]
    arguments += ["--out", str(tmp_path)]
    assert main(arguments) == 0
    assert "the core takes max_tokens = 64" in capsys.readouterr().out
    assert not any(point["fits"] for point in json.loads((tmp_path / "sweep.json").read_text())["points"])


@pytest.mark.slow
def test_memories_are_chosen_where_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence says which; a memory that is named is kept, and what would do is said."""
    assert main(["estimate", "--model", "deit_base"]) == 0
    text = capsys.readouterr().out
    assert "deit_base does not fit the default memories (208 and 80 KiB); taken: res_kib = 320" in text
    assert "of 320 KiB" in text
    assert main(["estimate", "--model", "deit_base", "--res-kib", "80"]) == 1
    assert "214 KiB are needed; build a core with act_kib = 214 or more" in capsys.readouterr().err
    assert main(["estimate", "--model", "deit_tiny"]) == 0
    assert "taken:" not in capsys.readouterr().out


def test_a_transformer_needs_no_torch() -> None:
    """Whose import takes longer than the estimate."""
    code = (
        "import sys; from pointwise.sim.cli import main; "
        "main(['estimate', '--model', 'micro']); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_an_interrupted_sweep_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known before Ctrl-C is shown and kept, and not estimated again."""
    from pointwise.sim.estimate import sweep

    done: list[CoreConfig] = []

    def estimate(network: Graph, config: CoreConfig, *others: Any) -> Estimate:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(config)
        return real(network, config, *others)

    real = sweep.estimate
    monkeypatch.setattr(sweep, "estimate", estimate)
    arguments = ["estimate", "--sweep", "--rows", "4,8,16", "--cols", "16", "--workers", "1"]
    arguments += ["--out", str(tmp_path)]
    assert main(arguments) == 130
    captured = capsys.readouterr()
    assert "2 of 3 parts are done and kept in" in captured.err
    assert len([line for line in captured.out.splitlines() if "%" in line]) == 2
    monkeypatch.setattr(sweep, "estimate", real)
    assert main(arguments) == 0
    assert len([line for line in capsys.readouterr().out.splitlines() if "%" in line]) == 3
    assert [config.rows for config in done] == [4, 8]
    assert len(json.loads((tmp_path / "sweep.json").read_text())["points"]) == 3


def test_lines_of_a_sweep_fit_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "estimate",
        "--model",
        "deit_small",
        "--sweep",
        "--rows",
        "8,16",
        "--axi-data-width",
        "64,128",
    ]
    assert (
        main([*arguments, "--cols", "16", "--act-kib", "512", "--res-kib", "256", "--out", str(tmp_path)])
        == 0
    )
    lines = [line for line in capsys.readouterr().out.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80
