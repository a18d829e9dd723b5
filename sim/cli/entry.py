"""Entry point of ``pointwise``: the table of subcommands, and what becomes of an error.

A subcommand is one module of this package, named like it, with a function ``command`` whose signature typer
reads, and one line in ``COMMANDS``. PyTorch and Amaranth take seconds to import, so only the module of the
subcommand that is asked for is imported; the list of all of them is made from the table.
"""

import errno
import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pointwise.hw.contract.errors import Interrupted, PointwiseError

from . import help, usage

COMMANDS: dict[str, str] = {
    "doctor": "Say which tools are there, which are missing and what to do about it.",
    "train": "Train a network on the bundled digits and write a checkpoint.",
    "qat": "Train a network aware of its quantisation and write its integers.",
    "finetune": "Train a new last layer on images of your own.",
    "quantise": "Quantise a checkpoint to INT8.",
    "compile": "Quantise a network and compile it to a memory image for a core.",
    "blocks": "Make input blocks of images for a compiled network, and read results.",
    "export": "Write a quantised network in the formats of other tools.",
    "operators": "Put the operators of Scaled Quantization beside ours.",
    "ablation": "Tell what each method of quantisation buys, one after the other.",
    "accuracy": "Measure a trained DINOv2 on photographs, beside ONNX Runtime's INT8.",
    "coverage": "Try the architectures of timm and torchvision, one by one.",
    "evaluate": "Compare the float network with the integer model.",
    "speed": "Time the integer model beside the same network in float32.",
    "verilog": "Write the Verilog of a core and its configuration.",
    "sim": "Simulate a core on a network and compare every bit with the integer model.",
    "fuzz": "Run random networks on random cores and compare every tensor.",
    "mutate": "Change the sources one place at a time, and tell whether a test notices.",
    "estimate": "Estimate cycles, memory and area without simulating.",
    "explore": "Search cores and bits of each layer for cycles, area and accuracy.",
    "bitstream": "Build a core for an FPGA board.",
    "board": "Talk to a core on a board: load, run, status.",
    "report": "Report on a quantised network layer by layer; make the pages of a run anew.",
}
"""Subcommands in the order of ``pointwise --help``."""

REMEDIES: dict[int, str] = {
    errno.ENOSPC: "free some space on the disk that is written to and run it again",
    errno.EDQUOT: "free some of your quota on the disk that is written to and run it again",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "give yourself the permission, or choose another place",
    errno.EPERM: "give yourself the permission, or choose another place",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "name a file, not a folder",
}
"""What to do about the commonest refusals of the operating system."""

MOST_WORD, SOME = 1000, 100
"""Characters of a word in a sentence; of a longer one, so many are shown. Paths may have some hundred."""
WRONG = 2
"""Exit status after a wrong command line."""
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of the signal, as shells have it."""
COLLECT_AFTER = 50_000
"""New objects between two searches for garbage. With Python's own 700 a short command spends a tenth of its
time searching what its imports have just made."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``pointwise`` and return its exit status.

    Args:
        arguments: the command line without the program's name; ``sys.argv`` unless given.

    Returns:
        0 when all went well, 1 after an error that was told in one sentence on stderr, 2 for a wrong command
        line, 130 after an interruption. Any other exception is a bug and leaves with its traceback, and so
        do all where ``POINTWISE_TRACEBACK`` is set.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    gc.set_threshold(COLLECT_AFTER)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Paths and names may have letters that the output has not (PYTHONIOENCODING, old terminals).
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _run(arguments)
        if status == INTERRUPTED:
            _complain("interrupted")
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; Python must not find that out again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except Interrupted as error:
        _complain(f"interrupted: {sentence_of(error)}")
        return INTERRUPTED
    except (PointwiseError, OSError, MemoryError, ModuleNotFoundError) as error:
        sentence = sentence_of(error)
        if sentence is None or os.environ.get("POINTWISE_TRACEBACK"):
            raise
        _complain(sentence)
        return 1


def sentence_of(error: Exception) -> str | None:
    """What to tell a person about an error, or None for one that is a bug of ours.

    Names from files are in it, which may be endless or hold what a terminal obeys.
    """
    sentence = _sentence_of(error)
    if sentence is None:
        return None
    words = (word if len(word) <= MOST_WORD else f"{word[:SOME]}…" for word in sentence.split(" "))
    return "".join(one if one.isprintable() else _escaped(one) for one in " ".join(words))


def _escaped(character: str) -> str:
    """A character that cannot be printed, as Python and JSON write it."""
    return character.encode("unicode_escape").decode()


def _sentence_of(error: Exception) -> str | None:
    if isinstance(error, PointwiseError):
        return str(error)
    if isinstance(error, MemoryError):
        return "the machine has not enough memory for this; close other programs or choose something smaller"
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in ("", "pointwise"):
            return None
        return f"the Python package {package} is not installed; run make setup (make doctor tells more)"
    if not isinstance(error, OSError) or error.errno is None:
        return None
    where = f"{error.filename2 or error.filename}: " if error.filename else ""
    remedy = f"; {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
    build = sys.modules.get("pointwise.sim.build")
    if build and error.errno in (errno.EACCES, errno.EROFS) and where.startswith(str(build.build_root())):
        remedy = f"; set {build.VARIABLE} to a folder that can be written, or run it in one"
    return f"{where}{error.strerror}{remedy}"


def _run(arguments: list[str]) -> int:
    """Hand the command line to typer; returns the exit status."""
    try:
        # Without a command, the help is what was wanted.
        application = _application(_asked_for(arguments))
        ended = application(arguments or ["--help"], prog_name="pointwise", standalone_mode=False)
    except usage.UsageError as error:
        _complain(usage.sentence_of_usage(error))
        return WRONG
    except typer.Abort:
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        if locks := sys.modules.get("pointwise.sim.locks"):
            locks.release()
    return ended if isinstance(ended, int) else 0


def _asked_for(arguments: list[str]) -> str | None:
    """The subcommand of a command line: its first word that is not an option."""
    return next((word for word in arguments if not word.startswith("-")), None)


def _application(asked_for: str | None) -> typer.Typer:
    """The typer application, in which only one subcommand is real and the others are lines of the help."""
    application = typer.Typer(
        cls=help.Group,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(_pointwise)
    for name, line in COMMANDS.items():
        if name == asked_for:
            module = importlib.import_module(f"{__package__}.{name}")
            application.command(name, cls=help.Command)(module.command)
        else:
            application.command(name, cls=help.Command, help=line)(_nothing)
    return application


def _nothing() -> None:
    """Stands for a subcommand that was not asked for."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from pointwise.sim.version import version

        print(f"pointwise {version()}")
        raise typer.Exit


def _pointwise(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Vision Transformers on one INT8 systolic array, from a checkpoint to gates, bit for bit."""


def _complain(sentence: str) -> None:
    """Print one sentence on stderr, in red where that is a terminal."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text(f"pointwise: {sentence}", style="red"))
