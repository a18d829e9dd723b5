"""The file and the table of ``pointwise speed``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pointwise.hw.contract.form import Form
from pointwise.model.evaluate.speed import Speed

from . import recorded

KIND = "speed"
"""Tells such a file from other results."""
Seconds = Annotated[float, Field(gt=0)]


class _Row(Form):
    network: str
    batch: Annotated[int, Field(ge=1)]
    float_s: Seconds
    integer_s: Seconds


class _Speed(Form):
    kind: Literal["speed"]
    command: str
    threads: Annotated[int, Field(ge=1)]
    rows: Annotated[list[_Row], Field(min_length=1)]


def save(path: Path, command: str, threads: int, rows: Sequence[Speed]) -> None:
    """Write what was measured; the file is whole or not there at all.

    Args:
        command: that made it. threads: of torch.
    """
    contents = {
        "kind": KIND,
        "command": command,
        "threads": threads,
        "rows": [row.to_dict() for row in rows],
    }
    recorded.write(path, contents)


def read(path: Path) -> dict[str, Any]:
    """Return the contents of such a file, its rows as ``Speed``.

    Raises:
        PointwiseError: it cannot be read, or is something else.
    """
    found = recorded.read(path, _Speed, "result of pointwise speed")
    return found | {"rows": [Speed(**row) for row in found["rows"]]}


def table(rows: Sequence[Speed]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and lines: a network a line, with the ratio of each batch."""
    batches = sorted({row.batch for row in rows})
    names = dict.fromkeys(row.network for row in rows)
    ratios = {(row.network, row.batch): f"{row.ratio:.2f}" for row in rows}
    columns = ("integers over float32", *(f"{batch} at a time" for batch in batches))
    return columns, [(name, *(ratios.get((name, batch), "–") for batch in batches)) for name in names]
