"""Options that several subcommands share, above all the shape of the core."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from hw.contract.config import PRESETS, CoreConfig

_SHAPE = {"rich_help_panel": "Core"}

Config = Annotated[
    str | None,
    typer.Option(help=f"A preset ({', '.join(PRESETS)}) or a JSON file; the options below change it.", **_SHAPE),
]
Rows = Annotated[int | None, typer.Option(help="R, input channels of a tile.", **_SHAPE)]
Cols = Annotated[int | None, typer.Option(help="C, output channels of a tile.", **_SHAPE)]
PostLanes = Annotated[int | None, typer.Option(help="Epilogue lanes; 0 for the widest.", **_SHAPE)]
MaxTokens = Annotated[int | None, typer.Option(help="The most tokens of a convolution.", **_SHAPE)]
ActKib = Annotated[int | None, typer.Option(help="int8 activation SRAM in KiB.", **_SHAPE)]
ActBanks = Annotated[int | None, typer.Option(help="Banks of the activation SRAM.", **_SHAPE)]
ResKib = Annotated[int | None, typer.Option(help="int16 residual SRAM in KiB.", **_SHAPE)]
AxiDataWidth = Annotated[int | None, typer.Option(help="Bits of the AXI4 data bus.", **_SHAPE)]
Out = Annotated[Path | None, typer.Option(help="Folder for what is written.")]
Model = Annotated[str, typer.Option(help="Network: micro, deit_tiny, deit_small, deit_base, …")]
Checkpoint = Annotated[Path | None, typer.Option(help="Weights (.safetensors or .pth) instead of the usual ones.")]


def core_config(config: str | None, **changes: int | None) -> CoreConfig:
    """The core that the options describe: a preset or a file, with single parameters changed.

    Changing the array's shape without naming ``post_lanes`` chooses the epilogue's width anew.

    Raises:
        PointwiseError: an unknown preset, an unreadable file, or a parameter out of range.
    """
    if config is None:
        base = CoreConfig()
    elif config in PRESETS:
        base = PRESETS[config]
    else:
        base = CoreConfig.from_json(Path(config))
    given = {name: value for name, value in changes.items() if value is not None}
    if ("rows" in given or "cols" in given) and "post_lanes" not in given:
        given["post_lanes"] = 0
    return dataclasses.replace(base, **given)


def core_name(config: CoreConfig) -> str:
    """A short name for folders: the array's shape."""
    return f"{config.rows}x{config.cols}"
