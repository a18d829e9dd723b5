"""Numbers that no command can do anything with are refused with the command line."""

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
    assert option in capsys.readouterr().err.partition("Error")[2]
