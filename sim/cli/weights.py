"""Options that name weights, which all commands share that work on a network's."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from pointwise.hw.contract.errors import PointwiseError

from .options import with_options


class Weights(NamedTuple):
    """What names them, in the order in which ``load_weights`` and its like take it.

    Attributes:
        model: a network by name. checkpoint: a file or folder. heads: of its attention.
        ema: its averaged weights, in place of the others.
    """

    model: str | None = None
    checkpoint: Path | None = None
    heads: int | None = None
    ema: bool = False

    @property
    def named(self) -> bool:
        """Whether anything names them."""
        return self != Weights()

    @property
    def alone(self) -> bool:
        """Whether nothing but the name of a network does, if anything."""
        return self == Weights(self.model)


def _located(checkpoint: Path | None) -> Path | None:
    """A name on the hub is fetched."""
    from pointwise.model.hub import located

    return None if checkpoint is None else located(checkpoint)


Model = Annotated[
    str | None,
    typer.Option(
        help="Network: micro, deit_tiny, resnet18 and others; the checkpoint's, or micro.",
        show_default=False,
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="Weights of your own: .safetensors, .pth, a folder of Hugging Face's or timm's, or "
        "owner/name on the hub.",
        callback=_located,
        show_default=False,
    ),
]
Heads = Annotated[
    int | None,
    typer.Option(min=1, help="Attention heads, where neither file nor --model tells.", show_default=False),
]
Ema = Annotated[
    bool, typer.Option("--ema", help="The averaged weights that the checkpoint holds beside the others.")
]


def with_weights(function: Callable[..., None]) -> Callable[..., None]:
    """Give a subcommand, in place of its parameter ``weights``, the options that name some."""
    kinds = {
        "model": (Model, None),
        "checkpoint": (Checkpoint, None),
        "heads": (Heads, None),
        "ema": (Ema, False),
    }
    return with_options(function, "weights", kinds, _weights, first=True)


def _weights(**given: object) -> Weights:
    """The options as one.

    Raises:
        PointwiseError: averaged weights of no checkpoint.
    """
    made = Weights(**given)  # type: ignore[arg-type]
    if made.ema and made.checkpoint is None:
        raise PointwiseError("--ema chooses among the weights of a checkpoint; give one with --checkpoint")
    return made
