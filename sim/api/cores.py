"""``core``: the configuration of a core."""

from dataclasses import replace
from pathlib import Path

from pointwise.hw.contract.config import PRESETS, CoreConfig


def core(base: CoreConfig | str | Path | None = None, **parameters: int) -> CoreConfig:
    """A core: the default one, a preset, or that of a JSON file, with single parameters changed.

    Changing the array's shape without naming ``post_lanes`` chooses the epilogue's width anew.

    Args:
        base: a ``CoreConfig``; the name of a preset; or the path of a ``config.json``.
        parameters: fields of ``CoreConfig``: ``rows=8, cols=8``.

    Raises:
        PointwiseError: an unknown preset, an unreadable file, or a parameter out of range.
    """
    if isinstance(base, str | Path):
        base = PRESETS[str(base)] if str(base) in PRESETS else CoreConfig.from_json(Path(base))
    if ("rows" in parameters or "cols" in parameters) and "post_lanes" not in parameters:
        parameters["post_lanes"] = 0
    return replace(base or CoreConfig(), **parameters)
