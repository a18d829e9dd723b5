"""Numbers that no command can do anything with are refused with the command line."""

import importlib
import io
import re
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from pointwise.sim.cli import main
from pointwise.sim.cli.entry import COMMANDS
from pointwise.sim.cli.evaluate import _known
from pointwise.sim.cli.tell import Beat, few, tenths
from pointwise.sim.cli.usage import RENAMED


def made(command: str) -> Any:
    """A subcommand as typer makes it."""
    application = typer.Typer(add_completion=False)
    application.command(command)(importlib.import_module(f"pointwise.sim.cli.{command}").command)
    return typer.main.get_command(application)


def options_of(command: str) -> set[str]:
    return {name for parameter in made(command).params for name in parameter.opts}


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("train", "--threads", "0"),
        ("train", "--seed", str(2**64)),
        ("qat", "--threads", "0"),
        ("qat", "--seed", str(-(2**70))),
        ("finetune", "--seed", str(2**64)),
        ("operators", "--seed", "-1"),
        ("quantise", "--heads", "0"),
    ],
)
def test_number_out_of_range_is_a_wrong_command_line(
    command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = ["--checkpoint", "a.pth", "--images", "a", "--out", "a.pth"] if command == "finetune" else []
    assert main([command, *needed, option, value]) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(
        rf'pointwise: {option} is "{value}", but at (least|most) \d+ was expected; pointwise {command} '
        r"--help lists what there is\n",
        told,
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("verilog --rows abc", '--rows is "abc", but a whole number was expected; pointwise verilog --help'),
        ("verilog --rows=1.5", '--rows is "1.5", but a whole number was expected'),
        ("board status --timeout x", '--timeout is "x", but a number was expected'),
        ("board", "ACTION is missing; pointwise board --help"),
        ("board fly", "ACTION: 'fly' is not one of 'load', 'run'"),
        ("verilog --raws 3", "no such option: --raws"),
        ("verilog --rows", "--rows"),
    ],
)
def test_a_wrong_command_line_is_told_in_a_sentence(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"pointwise: {words[:1].lower()}{words[1:]}") or words in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(("command", "old"), RENAMED)
def test_what_options_were_called_before_names_the_new_ones(
    command: str, old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, old, "1"]) == 2
    new = RENAMED[command, old]
    told = f"{old} is called {new} now; pointwise {command} --help lists what there is"
    assert capsys.readouterr().err == f"pointwise: {told}\n"
    assert new in options_of(command) and old not in options_of(command)


@pytest.mark.parametrize("command", ["sim", "report", "evaluate", "ablation", "explore", "compile", "blocks"])
def test_a_number_is_no_place_of_images(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = {"report": ["n.safetensors"], "blocks": ["make", "image"]}.get(command, [])
    assert main([command, *needed, "--images", "4"]) == 2
    assert "no folder or list of images 4; if you mean how many, say --count 4" in capsys.readouterr().err


def test_a_word_means_the_same_in_all_commands() -> None:
    """Where pictures lie, and how many of them; ``--count`` counts nothing else."""
    meant: dict[str, set[type]] = {}
    for command in COMMANDS:
        for parameter in made(command).params:
            for name in parameter.opts:
                meant.setdefault(name, set()).add(
                    type(parameter.default) if parameter.default else type(None)
                )
                about = getattr(parameter, "help", "") or ""
                if name == "--images":
                    assert "A folder of classes, a folder, or a list." in about, command
                if name == "--count":
                    assert re.search("How many|Crops|images", about), (command, about)
    assert meant["--images"] == {type(None)}
    assert "--files" not in meant and "--limit" not in meant


def test_a_long_step_says_that_it_is_at_work() -> None:
    text = io.StringIO()
    with Beat(Console(file=text), every=0.05) as beat:
        beat.begin("simulator")
        time.sleep(0.3)
        beat.begin("comparison")
    time.sleep(0.15)
    lines = text.getvalue().splitlines()
    assert lines[0] == "… simulator" and lines[-1] == "… comparison"
    assert len(lines) > 3 and all(re.fullmatch(r"… simulator, \d+ s so far", line) for line in lines[1:-1])


def test_without_a_bar_every_tenth_is_said() -> None:
    text = io.StringIO()
    update = tenths(Console(file=text), "image")
    for done in range(0, 1001, 7):
        update(done, 1000)
    update(1000, 1000)
    assert text.getvalue().splitlines() == [f"… image, {percent} %" for percent in range(10, 101, 10)]


@pytest.mark.parametrize(("count", "told"), [(1, True), (99, True), (100, False), (50_000, False)])
def test_few_images_are_called_few(count: int, told: bool) -> None:
    text = io.StringIO()
    few(Console(file=text), count)
    assert (f"{count} images are few" in text.getvalue()) == told


def test_five_classes_have_no_first_five() -> None:
    figures = {"images": 3, "top1_float": 50.0, "top5_float": 100.0, "top5_integer": 100.0}
    assert _known(figures, 5) == figures | {"top5_float": None, "top5_integer": None}
    assert _known(figures, 6) == figures
