"""``load``: a network of real numbers, of whatever people have it in."""

from pathlib import Path

from pointwise.model.checkpoints import MICRO_DIGITS, Checkpoint, load_checkpoint
from pointwise.model.frontends import DeiTNetwork, FloatNetwork, GraphNetwork
from pointwise.model.graph import Graph


def load(
    source: str | Path | Checkpoint | Graph = MICRO_DIGITS,
    *,
    name: str | None = None,
    heads: int | None = None,
) -> FloatNetwork:
    """Take a network of real numbers.

    Args:
        source: the path of a checkpoint, a file or folder of any layout that
            ``pointwise.model.checkpoints.load_checkpoint`` knows; one that was loaded; or a graph of
            operators with real weights. The micro-DeiT that ships unless given.
        name: for reports and file names; the file's or graph's unless given.
        heads: of a checkpoint's attention, where neither it nor the published networks tell.

    Raises:
        PointwiseError: a file cannot be read, holds another network than it says, or one that is not known;
            or the graph does not fit together.
    """
    if isinstance(source, Graph):
        return GraphNetwork(source)
    if isinstance(source, Checkpoint):
        return DeiTNetwork.of(source, name or "deit")
    path = Path(source)
    return DeiTNetwork.of(load_checkpoint(path, heads=heads), name or path.resolve().stem)
