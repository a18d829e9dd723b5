"""Writing the files of an export."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pointwise.hw.contract.files import write_file

from .formats import Format
from .memory import Memory

if TYPE_CHECKING:
    from pointwise.model.graph import Graph


def export(
    network: "Graph",
    memories: Iterable[Memory],
    formats: Sequence[Format],
    folder: Path,
    progress: Callable[[Path], None] = lambda path: None,
) -> list[Path]:
    """Write ``network``, and what memories hold, in each of the formats; no file is ever seen half-written.

    Args:
        memories: see ``contents``; each becomes a file of its name in every memory format.
        formats: from ``formats.named``. folder: made where it is missing.
        progress: told of each file when it is there.

    Returns:
        The files, in the order in which they were written.

    Raises:
        PointwiseError: the network has no form in a format, or a file cannot be written.
    """
    paths: list[Path] = []

    def write(name: str, form: Format, content: "Memory | Graph") -> None:
        path = folder / f"{name}{form.suffix}"
        write_file(path, form.encode(content))
        paths.append(path)
        progress(path)

    for form in formats:
        if not form.memory:
            write(network.name, form, network)
    for memory in memories:
        for form in formats:
            if form.memory:
                write(memory.name, form, memory)
    return paths
