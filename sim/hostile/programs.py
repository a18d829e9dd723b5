"""Images with a right checksum whose programs are random, or a real network's with something changed."""

import random
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import cast

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES, Header, align, seal, shape_word
from pointwise.hw.contract.isa import (
    CONV_LAYOUT,
    INSTRUCTION_BYTES,
    Base,
    Conv,
    Opcode,
    StationarySource,
)
from pointwise.hw.contract.legal import core_bounds, limits, rules_of
from pointwise.hw.contract.rules import Only, bound_of, broken
from pointwise.hw.contract.stream import stream_bytes
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.shapes import Shape

CONFIG = CoreConfig(
    rows=4, cols=4, post_lanes=2, max_tokens=32, act_kib=4, act_banks=2, res_kib=4, axi_data_width=64
)
"""A core with so little memory that programs are short."""
SHAPE = Shape(tokens=6, inputs=5, dim=4, depth=1, heads=2, head_dim=3, hidden=8, classes=3)
NETWORKS = 4
"""Real ones whose images are changed."""
BLOCK_BYTES = 512
"""Of the windows of input and output of a random program."""
LONGEST = 6
"""Instructions of a random program, END not counted."""
ROWS, WORDS, CHANNELS = 40, 60, 40
"""Sizes that a random program rarely exceeds, so that it soon ends."""

SHORT_CONV = {"tokens": 2, "k": 3, "n": 3, "extra_taps": 0, "extra_lines": 0}
SHORT_DMA = {"rows": 1, "words": 1, "dram_offset": 0}
"""Sizes of instructions that soon end, whichever other one of their fields is large."""
EDGED = 4
"""Instructions of a program with one at an edge, END counted."""
ATTEMPTS = 1000
"""To find the others' values for it."""
PIECES = 50
"""Of 64 bytes, of its streams."""

Fields = dict[str, int]


@dataclass(frozen=True)
class Hostile:
    """An image, and the windows that the core is given for it.

    Attributes:
        image: sealed. input_bytes, output_bytes: lengths of the windows; the image's is its own.
    """

    image: bytes
    input_bytes: int
    output_bytes: int

    @property
    def windows(self) -> dict[Base, int]:
        """Lengths by ``Base``."""
        return {Base.IMAGE: len(self.image), Base.INPUT: self.input_bytes, Base.OUTPUT: self.output_bytes}


@cache
def real(number: int) -> tuple[Compiled, bytes]:
    """A small network for ``CONFIG``, compiled, and an input block for it."""
    network = random_network(number, SHAPE)
    compiled = compile_network(network, CONFIG)
    return compiled, compiled.pack_input(random_image(network, number))


def hostile(seed: int) -> Hostile:
    """The hostile image of a seed; one in ten is a real network's."""
    rng = random.Random(f"hostile {seed}")
    return _changed(rng) if rng.random() < 0.1 else _random(rng)


def edged(opcode: Opcode, name: str, greatest: bool) -> Hostile | None:
    """An image with a LOAD, a CONV, and an instruction with a field at the least or greatest legal value.

    Returns:
        None where no instruction was found that is legal with it.
    """
    bounds = core_bounds(CONFIG) | {"convs": 1, "dmas": 1}
    for attempt in range(ATTEMPTS):
        rng = random.Random(f"{opcode} {name} {greatest} {attempt}")
        data = stream_data(rng, PIECES)
        image_bytes = HEADER_BYTES + EDGED * INSTRUCTION_BYTES + len(data) + TRAILER_BYTES
        windows = {Base.IMAGE: image_bytes, Base.INPUT: BLOCK_BYTES, Base.OUTPUT: BLOCK_BYTES}
        load = _dma(rng, windows) | SHORT_DMA | {"opcode": Opcode.LOAD, "base": Base.INPUT}
        conv = _conv(rng, windows) | SHORT_CONV | {"opcode": Opcode.CONV, "stream_offset": HEADER_BYTES}
        for dmas, fields in enumerate((load, conv)):
            _mend(rng, fields, bounds | {"convs": 0, "dmas": dmas})
        drawn = _conv(rng, windows) | SHORT_CONV if opcode == Opcode.CONV else _dma(rng, windows) | SHORT_DMA
        last = drawn | {"opcode": opcode}
        wanted = limits(opcode, bounds)[name][greatest]
        last[name] = wanted
        _mend(rng, last, bounds)
        for fields in (conv, last):
            if fields["opcode"] == Opcode.CONV and (fields is conv or name != "stream_beats"):
                fields["stream_beats"] = _beats(fields)
        if last[name] == wanted:
            program = [*map(_encode, (load, conv, last)), bytes(INSTRUCTION_BYTES)]
            return sealed(program, data, image_bytes)
    return None


def stream_data(rng: random.Random, pieces: int) -> bytes:
    """Bytes of which every one may be a shift."""
    return bytes(rng.choices(range(1, 16), k=64 * pieces))


def _beats(fields: Fields) -> int:
    """Of the stationary stream that a CONV of any values takes, also of those that ``Conv`` refuses."""
    return stream_bytes(cast(Conv, SimpleNamespace(**fields)), CONFIG) // CONFIG.bus_bytes


def _random(rng: random.Random) -> Hostile:
    data = stream_data(rng, rng.choice((2, 4, 8, 16, 32)))
    length = rng.randint(0, LONGEST)
    image_bytes = HEADER_BYTES + (length + 1) * INSTRUCTION_BYTES + len(data) + TRAILER_BYTES
    windows = {Base.IMAGE: image_bytes, Base.INPUT: BLOCK_BYTES, Base.OUTPUT: BLOCK_BYTES}
    counts = {"convs": 0, "dmas": 0}
    program = []
    for _ in range(length):
        opcode = rng.choice((Opcode.CONV, Opcode.LOAD, Opcode.LOAD, Opcode.STORE, Opcode.STORE))
        fields = _conv(rng, windows) if opcode == Opcode.CONV else _dma(rng, windows)
        fields["opcode"] = opcode
        if rng.random() < 0.95:
            _mend(rng, fields, core_bounds(CONFIG) | counts)
        if opcode == Opcode.CONV and rng.random() < 0.9:
            fields["stream_beats"] = _beats(fields)
        counts["convs" if opcode == Opcode.CONV else "dmas"] += 1
        program.append(_encode(fields) if rng.random() < 0.99 else rng.randbytes(INSTRUCTION_BYTES))
    program.append(bytes(INSTRUCTION_BYTES) if rng.random() < 0.97 else rng.randbytes(INSTRUCTION_BYTES))
    return sealed(program, data, image_bytes)


def sealed(program: list[bytes], data: bytes, image_bytes: int) -> Hostile:
    """An image of a program, END included, and of the streams behind it.

    Args:
        image_bytes: the length of all of it, header and trailer included.
    """
    header = Header(
        shape=shape_word(CONFIG),
        length=image_bytes,
        program_offset=HEADER_BYTES,
        program_length=len(program),
        max_tokens=CONFIG.max_tokens,
        act_words=CONFIG.act_words,
        res_words=CONFIG.res_words,
        input_bytes=BLOCK_BYTES,
        output_bytes=BLOCK_BYTES,
    )
    return Hostile(seal(header.encode() + b"".join(program) + data), BLOCK_BYTES, BLOCK_BYTES)


def _changed(rng: random.Random) -> Hostile:
    """Some bits of a real image flipped: mostly of its program, else of the header or of a stream."""
    compiled, block = real(rng.randrange(NETWORKS))
    body = bytearray(compiled.image[:-TRAILER_BYTES])
    program = HEADER_BYTES + len(compiled.program) * INSTRUCTION_BYTES
    for _ in range(rng.choice((1, 1, 2, 5))):
        first, end = rng.choice(((HEADER_BYTES, program),) * 8 + ((program, len(body)), (16, HEADER_BYTES)))
        body[rng.randrange(first, end)] ^= 1 << rng.randrange(8)
    return Hostile(seal(bytes(body)), len(block), compiled.manifest["output"]["bytes"])


def _near(rng: random.Random, size: int) -> int:
    """An offset inside a window, or at its end, or far behind it."""
    inside = 64 * rng.randrange(max(1, size // 64))
    return rng.choice((inside,) * 20 + (0,) * 10 + (align(size) - 64, align(size), 64 * rng.getrandbits(26)))


def _word(rng: random.Random) -> int:
    """A word of either memory, mostly."""
    return rng.choice((rng.randrange(32),) * 20 + (rng.randrange(CONFIG.res_words), rng.getrandbits(24)))


def _stride(rng: random.Random) -> int:
    return rng.choice((0, 1, 1, 1, rng.randrange(8)) * 4 + (rng.getrandbits(16),))


def _dma(rng: random.Random, windows: dict[Base, int]) -> Fields:
    base = rng.choice(list(Base))
    small = rng.random() < 0.8
    return {
        "space": rng.getrandbits(1),
        "base": base,
        "dram_offset": _near(rng, windows[base]),
        "sram_base": _word(rng),
        "rows": rng.randint(1, 3 if small else ROWS),
        "words": rng.randint(1, 8 if small else WORDS),
        "sram_stride": _stride(rng),
        "dram_stride": rng.choice((0, 64) * 8 + (128, 1 << 31, 64 * rng.getrandbits(26))),
        "wait_conv": rng.randrange(2),
        "wait_dma": rng.randrange(3),
    }


def _conv(rng: random.Random, windows: dict[Base, int]) -> Fields:
    fields = {name: rng.getrandbits(width) for name, width in CONV_LAYOUT if not name.startswith("reserved")}
    small = rng.random() < 0.9
    for name in ("k", "n"):
        fields[name] = rng.randint(1, 8 if small else CHANNELS)
    fields["tokens"] = rng.randint(1, CONFIG.max_tokens)
    for name in ("in_base", "stat_base", "out_base"):
        fields[name] = _word(rng)
    for name, _ in CONV_LAYOUT:
        if name.endswith("_stride"):
            fields[name] = _stride(rng)
        elif "wait" in name:
            fields[name] = rng.randrange(2)
    if rng.random() < 0.9:  # no two results in one word
        fields["out_token_stride"], fields["out_word_stride"] = rng.choice(((12, 1), (1, CONFIG.max_tokens)))
        fields["mean_mult"] = 0
    fields["stationary"] = rng.choice(list(StationarySource))
    fields["stream_offset"] = _near(rng, windows[Base.IMAGE])
    fields["stream_beats"] = rng.choice((8, 16, 24, 64, rng.randint(1, 300), rng.getrandbits(29)))
    return fields


def _mend(rng: random.Random, fields: Fields, bounds: dict[str, int]) -> None:
    """Make an instruction legal, but for what no change of the field that a rule names can do."""
    rules, layout = rules_of(fields["opcode"])
    values = dict.fromkeys((name for name, _ in layout), 0) | fields
    for _ in range(50):
        rule = broken(rules, values, bounds)
        if rule is None:
            break
        if isinstance(rule, Only):
            values[rule.field] = 0
            continue
        least, most = bound_of(rule.least, bounds), bound_of(rule.most, bounds)
        value = least if most is None else rng.randint(least, most)
        values[rule.fields[0]] = (
            max(least, value - sum(values[name] for name in rule.fields[1:])) & -rule.unit
        )
        for name in rule.fields[1:]:
            values[name] = min(values[name], value)
    fields.update(values)


def _encode(fields: Fields) -> bytes:
    _, layout = rules_of(fields["opcode"])
    word = position = 0
    for name, width in layout:
        word |= (fields.get(name, 0) & (1 << width) - 1) << position
        position += width
    return word.to_bytes(INSTRUCTION_BYTES, "little")
