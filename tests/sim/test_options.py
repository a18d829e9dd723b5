"""Numbers that no command can do anything with are refused with the command line."""

import re

import pytest

from sim.cli import main


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
