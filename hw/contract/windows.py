"""Windows: the parts of memory that a run may use, and what of an instruction leaves them.

The registers give a window for each ``Base``, a base and a length. The image and the input are only read; the
output is read and written. The bus masters of the core compare every transfer with its window as a whole.
"""

from collections.abc import Mapping

from .config import CoreConfig
from .errors import Refused
from .isa import Base, Conv, Dma, Space
from .registers import Error

WRITABLE = Base.OUTPUT


def lies_inside(offset: int, beats: int, window_bytes: int, config: CoreConfig) -> bool:
    """Whether ``beats`` from byte ``offset`` (down to a beat) lie in a window, each as a whole."""
    return offset // config.bus_bytes + beats <= window_bytes // config.bus_bytes


def row_beats(dma: Dma, config: CoreConfig) -> int:
    """Beats of a row of a block in DRAM; the last one may be filled up."""
    word_bytes = config.res_word_bytes if dma.space == Space.RESIDUAL else config.act_word_bytes
    return -(-dma.words * word_bytes // config.bus_bytes)


def check_row(
    dma: Dma, row: int, windows: Mapping[Base, int], config: CoreConfig, index: int | None = None
) -> None:
    """Check a row of a LOAD or STORE, as the core does before it asks for it.

    Args:
        row: from 0 on. windows: lengths in bytes. index: place of the instruction in its program.

    Raises:
        Refused: the row does not lie in its window, or is a write to one that is only read.
    """
    offset, beats = dma.dram_offset + row * dma.dram_stride, row_beats(dma, config)
    name, window = dma.base.name.lower(), windows[dma.base]
    who = f"instruction {index}: a {'STORE' if dma.store else 'LOAD'}"
    if dma.store and dma.base != WRITABLE:
        raise Refused(
            f"{who} writes to the {name}, which is only read; store to the output",
            Error.WINDOW,
            index,
            (dma.base, offset),
        )
    if not lies_inside(offset, beats, window, config):
        raise Refused(
            f"{who} reaches byte {offset + beats * config.bus_bytes} of the {name}, of whose {window} bytes "
            "whole beats may be used; give the core a larger window, or compile the network again",
            Error.WINDOW,
            index,
            (dma.base, offset),
        )


def check_stream(
    conv: Conv, windows: Mapping[Base, int], config: CoreConfig, index: int | None = None
) -> None:
    """Check the stationary stream of a convolution, as the core does before it dispatches it.

    Raises:
        Refused: the stream does not lie in the image.
    """
    if not lies_inside(conv.stream_offset, conv.stream_beats, windows[Base.IMAGE], config):
        end = conv.stream_offset + conv.stream_beats * config.bus_bytes
        raise Refused(
            f"instruction {index}: the stream of a CONV reaches byte {end} of the image, which has "
            f"{windows[Base.IMAGE]}; compile the network again",
            Error.WINDOW,
            index,
            (Base.IMAGE, conv.stream_offset),
        )
