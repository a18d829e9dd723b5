"""The file and the tables of ``pointwise accuracy``: what quantisers keep of a trained network's features."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from rich.table import Table

from pointwise.hw.contract.form import Form
from pointwise.model.real.measure import OURS, Result

from . import recorded

KIND = "accuracy"
"""Tells such a file from other results."""
COLUMNS = ("integers", "class token", "worst image", "least cosine", "all tokens", "same neighbour")
Decibels = Annotated[float, Field(allow_inf_nan=True)]
"""Infinite where there is no noise at all."""


class _Result(Form):
    what: str
    seed: Annotated[int, Field(ge=0)]
    sqnr_db: Decibels
    worst_db: Decibels
    cosine: Annotated[float, Field(ge=-1.001, le=1.001)]
    tokens_db: Decibels
    neighbours: Annotated[float, Field(ge=0, le=100)]


class _Accuracy(Form):
    kind: Literal["accuracy"]
    network: str
    calibration_images: Annotated[int, Field(ge=1)]
    images: Annotated[int, Field(ge=1)]
    command: str
    results: Annotated[list[_Result], Field(min_length=1)]


def save(path: Path, counts: tuple[int, int], command: str, results: Sequence[Result]) -> None:
    """Write what there is so far; the file is whole or not there at all.

    Args:
        counts: crops to calibrate and to measure on, of each seed. command: that made it.
    """
    recorded.save(path, KIND, "dinov2_small", counts, command, results)


def read(path: Path) -> dict[str, Any]:
    """Return the contents of such a file.

    Raises:
        PointwiseError: it cannot be read, is of another kind, or is damaged.
    """
    return recorded.read(path, _Accuracy, "result of pointwise accuracy")


def rows(results: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The cells of a table under ``COLUMNS``: for each quantiser the mean of the seeds, and the worst."""
    lines = []
    for what in dict.fromkeys(result["what"] for result in results):
        of_one = [result for result in results if result["what"] == what]
        name = what if what == OURS else f"ONNX Runtime, {what}"
        lines.append((name, *(_cell(key, [result[key] for result in of_one]) for key in _UNITS)))
    return lines


_UNITS = {
    "sqnr_db": "{:.1f} dB",
    "worst_db": "{:.1f} dB",
    "cosine": "{:.4f}",
    "tokens_db": "{:.1f} dB",
    "neighbours": "{:.0f} %",
}


def _cell(key: str, values: list[float]) -> str:
    """``24.1 dB (23.0 dB)``: the mean, and the least where there are several."""
    mean = _UNITS[key].format(np.mean(values))
    return f"{mean} ({_UNITS[key].format(min(values)).split(' ')[0]})" if len(values) > 1 else mean


def table(counts: tuple[int, int], results: Sequence[Result]) -> Table:
    """For the terminal."""
    seeds = len({result.seed for result in results})
    title = (
        f"DINOv2-Small, {counts[0]} crops to calibrate, {counts[1]} to measure, {seeds} seeds: mean (worst)"
    )
    shown = Table(title=title, title_justify="left")
    for index, column in enumerate(COLUMNS):
        shown.add_column(column, justify="right" if index else "left")
    for row in rows([result.to_dict() for result in results]):
        shown.add_row(*row)
    return shown
