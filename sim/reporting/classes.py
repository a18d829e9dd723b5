"""The file and the table of ``pointwise accuracy`` for a network that makes classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from rich.table import Table

from pointwise.hw.contract.form import Form
from pointwise.model.real.classes import Classes

from . import recorded

KIND = "classes"
"""Tells such a file from other results."""
COLUMNS = ("network", "same class", "logits", "worst crop", "of the other classes within the noise")
Decibels = Annotated[float, Field(allow_inf_nan=True)]
"""Infinite where there is no noise at all."""
PerCent = Annotated[float, Field(ge=0, le=100)]


class _Result(Form):
    seed: Annotated[int, Field(ge=0)]
    sqnr_db: Decibels
    worst_db: Decibels
    agreement: PerCent
    close: PerCent


class _Classes(Form):
    kind: Literal["classes"]
    network: str
    calibration_images: Annotated[int, Field(ge=1)]
    images: Annotated[int, Field(ge=1)]
    command: str
    results: Annotated[list[_Result], Field(min_length=1)]


def save(path: Path, network: str, counts: tuple[int, int], command: str, results: Sequence[Classes]) -> None:
    """Write what there is so far; the file is whole or not there at all.

    Args:
        counts: crops to calibrate and to measure on, of each seed. command: that made it.
    """
    recorded.save(path, KIND, network, counts, command, results)


def read(path: Path) -> dict[str, Any]:
    """Return the contents of such a file.

    Raises:
        PointwiseError: it cannot be read, is of another kind, or is damaged.
    """
    return recorded.read(path, _Classes, "result of pointwise accuracy for classes")


def row(network: str, results: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The cells of a table under ``COLUMNS``: the mean of the seeds, and the worst."""
    units = {"agreement": "{:.1f} %", "sqnr_db": "{:.1f} dB", "worst_db": "{:.1f} dB", "close": "{:.0f} %"}
    cells = []
    for key, unit in units.items():
        values = [result[key] for result in results]
        mean = unit.format(np.mean(values))
        cells.append(f"{mean} ({unit.format(min(values)).split(' ')[0]})" if len(values) > 1 else mean)
    return (network, *cells)


def table(counts: tuple[int, int], results: Sequence[Classes]) -> Table:
    """For the terminal."""
    title = f"{counts[0]} crops to calibrate, {counts[1]} to measure, {len(results)} seeds: mean (worst)"
    shown = Table(title=title, title_justify="left")
    for index, column in enumerate(COLUMNS):
        shown.add_column(column, justify="right" if index else "left")
    shown.add_row(*row("efficientnet_lite0", [result.to_dict() for result in results]))
    return shown
