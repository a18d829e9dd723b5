"""What commands say beside their tables: of images, and that long work goes on."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pointwise.model.evaluate.weighed import Weighed
    from pointwise.model.graph import Graph
    from pointwise.sim.pictures import Preparation

EVERY_S = 20.0
"""Seconds after which a long step says that it is still at work, where there is no bar that moves."""


class Beat:
    """Lines about the steps of long work where the output is no terminal, and so shows no bar.

    Args:
        console: where they go. every: seconds between two lines about the same step.
    """

    def __init__(self, console: Console, every: float = EVERY_S) -> None:
        self._console, self._every = console, every
        self._text, self._begun = "", time.monotonic()
        self._changed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def begin(self, text: str) -> None:
        """Say what is done from now on."""
        self._text, self._begun = text, time.monotonic()
        self._console.print(f"… {text}", soft_wrap=True)
        self._changed.set()

    def __enter__(self) -> "Beat":
        return self

    def __exit__(self, *error: object) -> None:
        self._text = ""
        self._changed.set()

    def _run(self) -> None:
        while True:
            if self._changed.wait(self._every):
                self._changed.clear()
                if not self._text:
                    return
            elif self._text:
                seconds = time.monotonic() - self._begun
                self._console.print(f"… {self._text}, {seconds:.0f} s so far", soft_wrap=True)


def weighed(console: Console, found: "Weighed", count: int) -> None:
    """Say what the default keeps of inputs that were held out, beside plain choices, and which was taken."""
    ours, plain = f"{found.kept_db:.1f} dB", f"{found.plain_db:.1f} dB"
    taken = "which were taken" if found.plain else "which were not taken"
    console.print(
        f"on {count} others the default keeps {ours}, plain choices {plain}, {taken}",
        style="yellow" if found.plain else None,
        soft_wrap=True,
    )


def preparation(console: Console, prepared: "Preparation | None") -> None:
    """Say how images in files are prepared, and that it is a guess where it is one."""
    if prepared is not None:
        text = str(prepared)
        style = "yellow" if prepared.guess else None
        console.print(f"{text[:1].upper()}{text[1:]}", style=style, soft_wrap=True)


def made_up(console: Console, wanted: bool) -> None:
    """Say that integers of real weights were calibrated on made-up images, if that is ``wanted``."""
    if wanted:
        console.print(
            "The integers were calibrated on made-up images, and are worth as much; give those that "
            "pointwise quantise made of yours with --network",
            style="yellow",
            soft_wrap=True,
        )


def given(console: Console, network: "Graph") -> None:
    """Say what became of the integers that the network's file had, in a table where any were changed."""
    from pointwise.model.quantise.taken import changes_of

    taken, changes = changes_of(network)
    if not taken and not changes:
        return
    console.print(
        f"{taken} of the {taken + len(changes)} values and weights that the file rounds have its integers",
        soft_wrap=True,
    )
    if changes:
        columns = ("value", "in the file", "here", "because it")
        table = Table(*columns)
        for one in changes:
            table.add_row(one.name, one.given, one.made, one.reason)
        console.print(table)


def tenths(console: Console, what: str) -> Callable[[int, int], None]:
    """A function (done, in all) that prints a line at every tenth, where the output shows no bar."""
    said = 0

    def update(done: int, total: int) -> None:
        nonlocal said
        tenth = 10 * done // total if total else 10
        if tenth > said:
            said = tenth
            console.print(f"… {what}, {10 * tenth} %", soft_wrap=True)

    return update


FEW = 100
"""Images below which figures are called rough: of eight, decibels were off by five."""


def few(console: Console, images: int) -> None:
    """Say that figures of so few images are rough, where they are few."""
    if images < FEW:
        console.print(
            f"{images} images are few, so that the figures are rough; take {FEW} or more to compare networks",
            style="yellow",
            soft_wrap=True,
        )


def unreadable(console: Console, names: Sequence[str], shown: int = 5) -> None:
    """Count the images that could not be read, and name the first of them."""
    if names:
        more = f" and {len(names) - shown} more" if len(names) > shown else ""
        named = ", ".join(names[:shown])
        console.print(f"{len(names)} images could not be read: {named}{more}", style="yellow", soft_wrap=True)
