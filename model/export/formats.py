"""All formats by name: the one place to add another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from pointwise.hw.contract.errors import PointwiseError

from .memory import Memory

if TYPE_CHECKING:
    from pointwise.model.graph import Graph


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes:
        name: on the command line. about: one line for people.
        module: of this package, with ``encode``; imported when it is used, since some bring large libraries.
        suffix: of its files.
        memory: it takes a ``Memory``; otherwise a ``Graph``.
    """

    name: str
    about: str
    module: str
    suffix: str
    memory: bool

    def encode(self, content: "Memory | Graph") -> bytes:
        """The file's bytes."""
        encoder: Callable[[Memory | Graph], bytes]
        encoder = import_module(f".{self.module}", __package__).encode
        return encoder(content)


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("hex", "hexadecimal words for $readmemh", "hexadecimal", ".hex", True),
        Format("binary", "binary words for $readmemb", "binary", ".binary", True),
        Format("mem", "Vivado .mem, for XPM memories and updatemem", "vivado_mem", ".mem", True),
        Format("coe", "Vivado .coe, for the Block Memory Generator", "coe", ".coe", True),
        Format("mif", "Quartus .mif", "mif", ".mif", True),
        Format("c", "C header with a constant array", "c_header", ".h", True),
        Format("raw", "raw bytes", "raw", ".bin", True),
        Format("numpy", "NumPy .npz of all arrays", "numpy_file", ".npz", False),
        Format("torch", "PyTorch file, int8 tensors by the names of the DeiT", "torch_file", ".pt", False),
        Format("qint8", "PyTorch file of torch.qint8 weights by operator", "qint8_file", ".qint8.pt", False),
        Format("onnx", "ONNX with QuantizeLinear and DequantizeLinear", "onnx_file", ".onnx", False),
        Format("onnx-int", "ONNX in integers, equal on every bit", "onnx_int", ".int.onnx", False),
    )
}
DEFAULT = ("hex", "raw", "numpy", "torch", "onnx")
"""What is written where nothing is asked for: one file for each kind of reader."""


def named(names: Sequence[str]) -> list[Format]:
    """The formats of these names, each once, in the order of ``FORMATS``; ``all`` names all.

    Raises:
        PointwiseError: an unknown name, or none.
    """
    if not names:
        raise PointwiseError(f"No export format was named; choose among {', '.join(FORMATS)}, or all.")
    for name in names:
        if name not in FORMATS and name != "all":
            raise PointwiseError(
                f"There is no export format {name!r}; choose among {', '.join(FORMATS)}, or all."
            )
    return [form for form in FORMATS.values() if form.name in names or "all" in names]
