"""Options that several subcommands share, above all the shape of the core."""

import functools
import inspect
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import pointwise as pw
from pointwise.hw.contract.config import PRESETS, CoreConfig

if TYPE_CHECKING:
    from rich.console import JustifyMethod

    from pointwise.model.parallel import Executor

MOST_SEED = 2**64 - 1
"""The greatest seed that torch takes; 0 is the least."""
_SHAPE = "Core"


Config = Annotated[
    str | None,
    typer.Option(
        help=f"A preset ({', '.join(PRESETS)}) or a JSON file; the options below change it.",
        rich_help_panel=_SHAPE,
    ),
]
CORE_OPTIONS: dict[str, object] = {
    name: Annotated[int | None, typer.Option(help=text, rich_help_panel=_SHAPE)]
    for name, text in {
        "rows": "R, input channels of a tile.",
        "cols": "C, output channels of a tile.",
        "post_lanes": "Epilogue lanes; 0 for the widest.",
        "max_tokens": "The most tokens of a convolution.",
        "act_kib": "int8 activation SRAM in KiB.",
        "act_banks": "Banks of the activation SRAM.",
        "res_kib": "int16 residual SRAM in KiB.",
        "axi_data_width": "Bits of the AXI4 data bus.",
    }.items()
}
"""Parameters of ``CoreConfig`` that have an option."""
Out = Annotated[Path | None, typer.Option(help="Folder for what is written.")]
Threads = Annotated[int, typer.Option(min=1, max=1024, help="Processor threads.")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="A Dask cluster that does the work: the address of its scheduler, such as tcp://host:8786, or "
        "its scheduler file.",
        envvar="POINTWISE_SCHEDULER",
        show_default=False,
        show_envvar=False,
    ),
]
Workers = Annotated[
    int | None, typer.Option(help="Processes on this machine; one a core unless given.", show_default=False)
]
Preprocess = Annotated[
    str | None,
    typer.Option(
        help="Preparation of images: authors, timm, timm_vit, plain, or a preprocessor_config.json; that of "
        "the integers or of the checkpoint unless given.",
        show_default=False,
    ),
]


def _no_number(path: Path | None) -> Path | None:
    """``--images`` was a number once."""
    if path is not None and str(path).isdecimal() and not path.exists():
        raise typer.BadParameter(
            f"there is no folder or list of images {path}; if you mean how many, say --count {path}"
        )
    return path


def images(about: str) -> Any:
    """The option ``--images``: where the pictures lie that a command works on.

    Args:
        about: what they are for; what is taken in their place.
    """
    return typer.Option(
        help=f"{about} A folder of classes, a folder, or a list.", callback=_no_number, show_default=False
    )


def count(about: str) -> Any:
    """The option ``--count``: how many images a command works on."""
    return typer.Option(min=1, help=about, show_default=False)


def with_core(function: Callable[..., None]) -> Callable[..., None]:
    """Give a subcommand, in place of its parameter ``core``, the options that describe a core."""
    kinds = {"config": (Config, None), **{name: (kind, None) for name, kind in CORE_OPTIONS.items()}}
    return with_options(function, "core", kinds, core_config)


def with_options(
    function: Callable[..., None],
    parameter: str,
    kinds: Mapping[str, tuple[object, object]],
    made: Callable[..., object],
    first: bool = False,
) -> Callable[..., None]:
    """Give a subcommand several options in place of one parameter, which is made of them.

    typer reads a function's signature, so the wrapper has one in which the options stand instead.

    Args:
        kinds: by the names of options their types and what they are unless given.
        made: called with all of them by name. first: they stand before the others in the help.
    """
    kept = [one for name, one in inspect.signature(function).parameters.items() if name != parameter]
    given = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in kinds.items()
    ]
    kept = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in kept]
    every = [*given, *kept] if first else [*kept, *given]

    def called(**values: Any) -> None:
        function(**{parameter: made(**{name: values.pop(name) for name in kinds})}, **values)

    wrapper: Any = functools.wraps(function)(called)
    wrapper.__signature__ = inspect.Signature(every)
    wrapper.__annotations__ = {one.name: one.annotation for one in every}
    return wrapper


def new_table(title: str | None, *columns: "tuple[str, JustifyMethod]") -> Table:
    """A table without rows yet, of columns with a heading and where their text stands."""
    table = Table(title=title, title_justify="left")
    for heading, justify in columns:
        table.add_column(heading, justify=justify)
    return table


def filled_table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    """A table of names, which stand to the left, and of figures."""
    table = new_table(None, (columns[0], "left"))
    for name in columns[1:]:
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(*line)
    return table


def parts(console: Console) -> Progress:
    """The progress of work of many parts: done, rate, time left, and who is at it."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[at]}", style="dim"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def bar(progress: Progress, what: str, executor: "Executor | None" = None) -> Callable[[int, int], None]:
    """A bar of ``progress``, as the function (done, in all) that long work calls; an executor's workers and
    what they do a second stand beside it."""
    task = progress.add_task(what, total=None, at="")
    started: list[tuple[float, int]] = []

    def update(done: int, total: int) -> None:
        # What earlier runs did is no speed of this one.
        if not started:
            started.append((time.monotonic(), done))
        seconds = time.monotonic() - started[0][0]
        at = f"{executor.workers} workers" if executor else ""
        if executor and seconds > 0 and done > started[0][1]:
            at = f"{(done - started[0][1]) / seconds:.3g}/s, {at}"
        progress.update(task, completed=done, total=total, at=at)

    return update


def note(progress: Progress) -> Callable[[str], None]:
    """A function that prints a line above the bars."""
    return lambda text: progress.console.print(text, style="yellow", soft_wrap=True)


def core_config(config: str | None, **changes: int | None) -> CoreConfig:
    """The core that the options describe: a preset or a file, with single parameters changed.

    Raises:
        PointwiseError: an unknown preset, an unreadable file, or a parameter out of range.
    """
    return pw.core(config, **{name: value for name, value in changes.items() if value is not None})


def core_words(config: CoreConfig) -> str:
    """The array's shape for people."""
    return f"{config.rows}×{config.cols}"


def core_name(config: CoreConfig) -> str:
    """A short name for folders: the array's shape."""
    return f"{config.rows}x{config.cols}"
