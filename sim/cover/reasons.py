"""Why some points are never met: what a core that is right cannot do, or a bench of minutes does not reach.

A table of patterns, each with its reason. A pattern that excuses a point that was met is wrong, and is told.
"""

import re
from collections.abc import Iterable

POINTS: dict[str, tuple[tuple[str, str], ...]] = {
    "causes": (
        (r"(DEPEND|SHORT|OUTPUT|IDLE) after TILE", "a token that waits for its tile goes first"),
        (r"(DEPEND|TILE|SHORT|OUTPUT|IDLE) after BANK", "a token that waits for a bank goes first"),
        (r"IDLE after (DEPEND|SHORT|OUTPUT)", "a convolution that waits is at hand"),
        (r"DEPEND after OUTPUT", "what a convolution depends on is looked at before room for its sums"),
        (r"(STREAM|BANK) after IDLE", "a tile is loaded after its convolution has come"),
    ),
    "errors": (
        (r"(OPCODE|OPERAND|PROGRAM) in CHECK", "no instruction is looked at before the image is found good"),
        (r"(BUS_WRITE|WINDOW) in CHECK", "nothing is written, and what is read is the window that was given"),
        (r"(MAGIC|VERSION|SHAPE|LENGTH|CHECKSUM|MEMORY) in RUN", "the image was judged before the run"),
    ),
    "banks": (),
    "fields": (),
}
"""By the name of the set; whole names of points match."""
_SIGNAL = r"pointwise_core\w*\.(\w+__)?"
_BIT = r"(\[\d+\])?"
PLACES = (
    "the bench has less than a mebibyte of memory, in which transfers begin at multiples of 64 bytes, and "
    "windows at those of 4096"
)
COUNTS = "programs of a bench are short"
SIZES = "this core has 32 tokens and 4 KiB of each memory, and what runs on it is as small"
CONSTANTS = "a constant of the bus, or what a memory here never answers"
SUMS = "sums of so many large squares, or of so many exponentials, want more channels or tokens"
_SIGNALS = (
    (r"windows__\d(__base|__bytes)?|port", PLACES),
    (r"(image|input|output)_(base|bytes|taken|end)|program_offset", PLACES),
    (r"(s_axil_|m_axi_|bus__|master__|payload__|axi__|spare__)?a[rw]addr", PLACES),
    (r"(error|read|write)_address|address|dram_(offset|stride)|offset|base", PLACES),
    (r"(next_)?(limit|reach|block|last|first|offset|beats)|length|reserve", PLACES),
    (r"bursts__payload(__burst)?|burst", PLACES),
    (r"instruction|error_instruction|index|position|begun|program_(length|end)|body", COUNTS),
    (r"(dma|conv)_(done|count)|causes__\d|(check_)?cycles|waited|group\d", COUNTS),
    (r"left|remaining|beats|needed|owed|wait_(conv|dma)|post_wait_dma", COUNTS),
    (r"tokens|row_tokens|n|k|k_left|row|token|stat_base|next_n|address_\d", SIZES),
    (r"(stat|out|in)_\w*stride|lines_left|taps_left|extra_\w+|(res|read|write\w*)_place\w*", SIZES),
    (r"(res|bank|place|words__payload|items__payload|requests__payload)", SIZES),
    (r"a[rw](prot|qos|cache|size|burst|lock|id|len)|[rb](id|resp|ready)|wstrb|window", CONSTANTS),
    (r"m_axi_\w+|s_axil_\w+|refused|(read|write)_word", CONSTANTS),
    (r"\w*squares?\w*|value\w*|total|before|chord|mult|leading\w*", SUMS),
    (r"reciprocal|segment\w*|fraction\w*|place\d?_\w+|shifted\w*|product\w*|offset_d\d", SUMS),
)
"""Names of signals, behind those of what they are in, with reasons."""
TOGGLES: tuple[tuple[str, str], ...] = (
    *((f"{_SIGNAL}({names}){_BIT}", why) for names, why in _SIGNALS),
    (r"pointwise_core__axi_slice__a[rw]\.(i__payload|o__payload|spare)" + _BIT, PLACES),
    (r"pointwise_core__prefetch\w*\.\w*data" + _BIT, PLACES),
    (r"pointwise_core__(reader__owners|writer__\w+)\.\w*data" + _BIT, COUNTS),
)
"""The same of bits, with their unit: ``unit.signal[bit]``, without the direction."""


def reason(name: str, table: Iterable[tuple[str, str]]) -> str:
    """The reason of the first pattern that matches a name whole, or nothing."""
    return next((why for pattern, why in table if re.fullmatch(pattern, name)), "")
