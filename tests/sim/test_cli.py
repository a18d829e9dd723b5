"""The command `pointwise`: what it imports, and how every kind of error reaches a person."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.cli import doctor, entry, main
from pointwise.sim.version import version

ROOT = Path(__file__).parents[2]
POINTWISE = [sys.executable, "-c", "import sys; from pointwise.sim.cli import main; sys.exit(main())"]


def pointwise(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with this tree's packages."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [*POINTWISE, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Lets `pointwise doctor` raise what a test gives it."""

    def fail_with(error: BaseException) -> None:
        def command() -> None:
            raise error

        monkeypatch.setattr(doctor, "command", command)

    return fail_with


def test_help_lists_the_commands_that_exist_and_needs_no_heavy_import() -> None:
    code = (
        "import sys; from pointwise.sim.cli import main; status = main(['--help'])\n"
        "unwanted = ('torch', 'amaranth', 'numpy', 'pointwise.sim.cli.')\n"
        "print([name for name in sys.modules if name.startswith(unwanted)]); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = [f"pointwise.sim.cli.{name}" for name in ("help", "usage", "entry")]
    assert done.stdout.strip().endswith(str(imported))
    listed = re.findall(r"^  (\w+) ", done.stdout.partition("Commands:")[2], re.MULTILINE)
    there = [name for name in entry.COMMANDS if (ROOT / "sim" / "cli" / f"{name}.py").exists()]
    assert listed == there
    assert "doctor" in there


@pytest.mark.parametrize("name", [name for name in entry.COMMANDS if (ROOT / f"sim/cli/{name}.py").exists()])
def test_every_command_explains_itself(name: str) -> None:
    done = pointwise(name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"pointwise {name}" in done.stdout


def test_every_module_with_a_command_is_in_the_table() -> None:
    modules = (ROOT / "sim" / "cli").glob("*.py")
    commands = {path.stem for path in modules if "def command(" in path.read_text()}
    assert commands <= set(entry.COMMANDS)


def test_version_is_that_of_the_project() -> None:
    assert pointwise("--version").stdout == f"pointwise {version()}\n"


def test_unknown_command_ends_with_status_2_and_no_traceback() -> None:
    done = pointwise("synthesize")
    assert done.returncode == 2
    assert done.stderr == "pointwise: no such command 'synthesize'; pointwise --help lists what there is\n"


def test_works_from_any_directory(tmp_path: Path) -> None:
    assert pointwise("doctor", cwd=tmp_path).returncode == pointwise("doctor").returncode
    assert list(tmp_path.iterdir()) == []


def test_pointwise_error_is_one_sentence_and_status_1(failing, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "core parameter rows = 0 is out of range; expected 1 to 64 [see docs], " + "x" * 200
    failing(PointwiseError(sentence))
    assert main(["doctor"]) == 1
    assert capsys.readouterr() == ("", f"pointwise: {sentence}\n")


def test_refusal_of_the_operating_system_names_the_file(
    failing, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number in (*entry.REMEDIES, errno.EMFILE):
        failing(OSError(number, os.strerror(number), str(tmp_path / "core.v")))
        assert main(["doctor"]) == 1
        told = capsys.readouterr().err
        assert told.startswith(f"pointwise: {tmp_path}/core.v: {os.strerror(number)}")
        assert entry.REMEDIES.get(number, "") in told
        assert told.count("\n") == 1


def test_missing_package_is_named_but_a_missing_module_of_ours_is_a_bug(
    failing, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"))
    assert main(["doctor"]) == 1
    assert "package torch is not installed; run make setup" in capsys.readouterr().err
    failing(ModuleNotFoundError("No module named 'pointwise.model.nothing'", name="pointwise.model.nothing"))
    with pytest.raises(ModuleNotFoundError):
        main(["doctor"])


def test_bug_keeps_its_traceback(failing) -> None:
    failing(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])


def test_traceback_can_be_asked_for(failing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTWISE_TRACEBACK", "1")
    failing(PointwiseError("anything"))
    with pytest.raises(PointwiseError):
        main(["doctor"])


def test_full_disk_is_told_in_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*POINTWISE, "doctor"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == f"pointwise: No space left on device; {entry.REMEDIES[errno.ENOSPC]}\n"


def test_reader_that_goes_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*POINTWISE, "doctor"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_interruption_ends_with_status_130() -> None:
    code = (
        "import sys, time; from pointwise.sim.cli import doctor, main\n"
        "def command() -> None:\n    print('sleeping', flush=True); time.sleep(60)\n"
        "doctor.command = command; sys.exit(main(['doctor']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == "sleeping\n"
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, stderr) == (130, "pointwise: interrupted\n")
