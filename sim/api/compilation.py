"""``compile``, ``save`` and ``export``: what becomes of a network of integers outside of this program."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pointwise.cores import core as core_of
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file

if TYPE_CHECKING:
    import numpy as np

    from pointwise.model.compiler import Compiled
    from pointwise.model.graph import Graph

INPUT = "input.bin"
"""The input block beside an image."""


def compile(
    network: "Graph",
    core: CoreConfig | str | Path | None = None,
    *,
    trace: bool = False,
    **parameters: int,
) -> "Compiled":
    """Compile a network of integers to a memory image for a core.

    Args:
        network: as ``quantise`` or ``load_network`` gives it. core, parameters: see ``core``.
        trace: store the result of every convolution in the output block.

    Raises:
        PointwiseError: the core is none, or the network does not fit it; the sentence says what would do.
    """
    from pointwise.model.compiler import compile_network

    return compile_network(network, core_of(core, **parameters), trace)


def save(made: "Graph | Compiled", path: str | Path, *, block: bytes | None = None) -> list[Path]:
    """Write a network of integers as one file, or a compiled one as a folder.

    The folder holds ``image.bin``, ``image.hex``, ``manifest.json`` and ``config.json``.

    Args:
        path: a file that ends in .safetensors; or a folder, made where it is missing.
        block: an input of the compiled network (``Compiled.pack_input``), written as ``input.bin``. One that
            lies there is of another network, whose numbers have other scales: without a block it goes.

    Returns:
        What was written.

    Raises:
        PointwiseError: another ending, or a file cannot be written.
    """
    from pointwise.model.compiler import Compiled, write
    from pointwise.model.quantise.io import save_network

    path = Path(path)
    if not isinstance(made, Compiled):
        save_network(path, made)
        return [path]
    paths = list(write(made, path).values())
    if block is None:
        (path / INPUT).unlink(missing_ok=True)
    else:
        write_file(path / INPUT, block)
        paths.append(path / INPUT)
    return paths


def load_network(path: str | Path) -> "Graph":
    """Read a network of integers that ``save`` wrote.

    Raises:
        PointwiseError: the file is missing, damaged, of another kind or of another version.
    """
    from pointwise.model.quantise.io import load_network

    return load_network(path)


def export(
    network: "Graph",
    folder: str | Path,
    formats: Sequence[str] = (),
    *,
    core: CoreConfig | str | Path | None = None,
    inputs: "np.ndarray | None" = None,
    word_bits: int | None = None,
    tensors: bool = False,
    vectors: bool = False,
    progress: Callable[[int, int], None] | None = None,
    **parameters: int,
) -> list[Path]:
    """Write a network, or its memory image for a core, in the formats of other tools.

    Args:
        network: of integers. folder: made where it is missing.
        formats: names of ``pointwise.model.export.FORMATS``, or "all"; one for each kind of reader unless
            given. Memory files hold the image that the core runs, the others the network.
        core, parameters: see ``core``; for memory files alone.
        inputs: (B, …) as the network takes them; the first becomes a memory file too.
        word_bits: of a word of memory files; the width of the bus, or with ``tensors`` one element.
        tensors: a memory file for each integer tensor in place of the image.
        vectors: write in place of the formats, of the first of ``inputs``, the operands and results of each
            operation of the core, and the weights as ``torch.qint8`` (``pointwise.model.export.vectors``).
        progress: called with (files done, files in all).

    Returns:
        The files, in the order in which they were written.

    Raises:
        PointwiseError: an unknown format, vectors without inputs, the network does not fit the core or has no
            form in a format, or a file cannot be written.
    """
    from pointwise.model import export as exports
    from pointwise.model.export.contents import image_memory, input_memory, tensor_memories
    from pointwise.model.export.formats import DEFAULT

    if vectors:
        return _vectors(network, Path(folder), inputs, progress)
    forms, memories = exports.named(list(formats or DEFAULT)), []
    if any(form.memory for form in forms) and tensors:
        memories = list(tensor_memories(network, word_bits))
    elif any(form.memory for form in forms):
        compiled = compile(network, core_of(core, **parameters))
        width = compiled.config.axi_data_width if word_bits is None else word_bits
        memories = [image_memory(compiled.image, network.name, width)]
        if inputs is not None:
            from pointwise.model.quantise import patchify

            rows = patchify(network, inputs[:1])[0]
            memories.append(input_memory(compiled.pack_input(rows), network.name, width))
    count, done = sum(len(memories) if form.memory else 1 for form in forms), 0

    def written(path: Path) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, count)

    return exports.export(network, memories, forms, Path(folder), written)


def _vectors(
    network: "Graph",
    folder: Path,
    inputs: "np.ndarray | None",
    progress: Callable[[int, int], None] | None,
) -> list[Path]:
    """Operands and results of an input, and the weights by themselves."""
    from pointwise.model import export as exports
    from pointwise.model.engine import fuse
    from pointwise.model.export.vectors import write_vectors
    from pointwise.model.quantise import patchify

    if inputs is None:
        raise PointwiseError(
            "Vectors are what the core reads and makes of an image, and none was given; give inputs of the "
            "network (--images on the command line)."
        )
    count, ended = len(fuse(network)), 0

    def written(path: Path) -> None:
        nonlocal ended
        if progress and path.name.endswith(".result.hex"):
            ended += 1
            progress(ended, count)

    paths = write_vectors(network, patchify(network, inputs[:1])[0], folder, written)
    return [*paths, *exports.export(network, [], exports.named(["qint8"]), folder)]
