"""``load``: a network of real numbers, of whatever people have it in."""

from pathlib import Path

from torch import Tensor, nn

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import MICRO_DIGITS, Checkpoint, load_checkpoint
from pointwise.model.frontends import DeiTNetwork, FloatNetwork, GraphNetwork, capture_module, network_in_onnx
from pointwise.model.graph import Graph
from pointwise.model.hub import located, name_of
from pointwise.model.models.recognise import convolutional


def load(
    source: str | Path | Checkpoint | Graph | nn.Module | None = None,
    example: Tensor | None = None,
    *,
    name: str | None = None,
    heads: int | None = None,
    ema: bool = False,
) -> FloatNetwork:
    """Take a network of real numbers.

    Args:
        source: the path of a checkpoint, a file or folder of any layout that
            ``pointwise.model.checkpoints.load_checkpoint`` knows, also of a convolutional network
            (``pointwise.model.models.recognise``), or of an ONNX file; the name of a checkpoint on the hub
            (``pointwise.model.hub``); a checkpoint that was loaded; a module of PyTorch with its weights; or
            a graph of operators. The micro-DeiT that ships unless given.
        example: of a module: one input, as it takes it, with a batch of 1; also of an ONNX file that leaves
            sizes free.
        name: for reports and file names; the file's or graph's unless given.
        heads: of a checkpoint's attention, where neither it nor the published networks tell.
        ema: take the averaged weights that a checkpoint holds beside the trained ones.

    Raises:
        PointwiseError: a file cannot be read, holds another network than it says, or one that is not known; a
            module does something that is not known, whose place is named; or a graph does not fit together.
    """
    if isinstance(source, nn.Module):
        if example is None:
            raise PointwiseError("A module is captured with one input; give it as pw.load(module, example).")
        return capture_module(source, example, name or type(source).__name__)
    onnx = isinstance(source, str | Path) and Path(source).suffix.lower() == ".onnx"
    if example is not None and not onnx:
        raise PointwiseError("An example was given, but no module of PyTorch nor an ONNX file; leave it out.")
    if isinstance(source, Graph):
        return GraphNetwork(source)
    if isinstance(source, Checkpoint):
        return DeiTNetwork.of(source, name or "deit")
    path = MICRO_DIGITS if source is None else located(Path(source))
    if path.suffix.lower() == ".onnx":
        return network_in_onnx(path, name, example)
    if heads is None and (pictured := convolutional(path, name, ema)) is not None:
        return pictured.source
    return DeiTNetwork.of(load_checkpoint(path, heads=heads, ema=ema), name or name_of(path))
