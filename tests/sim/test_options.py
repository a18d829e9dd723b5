"""Numbers that no command can do anything with are refused with the command line."""

import io
import re
import time

import pytest
from rich.console import Console

from pointwise.sim.cli import main
from pointwise.sim.cli.evaluate import _known
from pointwise.sim.cli.options import Beat, tell_few


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


@pytest.mark.parametrize(("count", "told"), [(1, True), (99, True), (100, False), (50_000, False)])
def test_few_images_are_called_few(count: int, told: bool) -> None:
    text = io.StringIO()
    tell_few(Console(file=text), count)
    assert (f"{count} images are few" in text.getvalue()) == told


def test_five_classes_have_no_first_five() -> None:
    figures = {"images": 3, "top1_float": 50.0, "top5_float": 100.0, "top5_integer": 100.0}
    assert _known(figures, 5) == figures | {"top5_float": None, "top5_integer": None}
    assert _known(figures, 6) == figures
