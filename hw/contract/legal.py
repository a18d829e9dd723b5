"""What is legal: every field of the header, of an instruction and of a stationary stream, in one table.

``image.check``, ``decode``, the compiler, the emulator and the core itself (``hw.control``) apply the same
rules, so that what one of them refuses all of them refuse, with the same error code. What no core can check,
because it would take multipliers, is in ``pointwise.hw.contract.sound``.
"""

from collections.abc import Mapping
from typing import Any

from .config import MAX_CHANNELS, CoreConfig
from .errors import Refused
from .isa import (
    CONV_LAYOUT,
    DMA_LAYOUT,
    INSTRUCTION_BYTES,
    MAX_PACKING,
    Base,
    Conv,
    Dma,
    Opcode,
    Prologue,
    StationarySource,
)
from .registers import Error
from .rules import AnyRule, Only, Rule, When, bound_of, broken

UNIT = 64
"""Bytes that everything in an image begins at a multiple of."""
INSTRUCTION_UNITS = INSTRUCTION_BYTES // UNIT
SMALLEST_IMAGE = 2 * UNIT + INSTRUCTION_BYTES
"""Header, one instruction, trailer."""
MAX_INSTRUCTIONS = (1 << 16) - 1
"""With END: the counts that instructions wait for have 16 bits."""

MEAN_SHIFTS = (9, 63)
"""Of LayerNorm's mean: one bit at least goes beyond its 8 fraction bits."""
NORM_SHIFTS = (0, 26)
"""Of LayerNorm's multiplier: with 21 bits of the root, 1 of the mean and 15 of a channel 63 are not
exceeded."""
SHIFTS = (1, 47)
"""Of a channel's requantisation."""
CHANNEL_SHIFTS = (0, 15)
"""Of a channel on its way through NORMALISE."""


def field(name: str, least: int | str, most: int | str | None = None, **more: Any) -> Rule:
    """The rule for one field; without ``most`` it has one legal value."""
    return Rule((name,), least, least if most is None else most, **more)


def flag(name: str, value: int = 1) -> When:
    """That a flag is set, or with 0 that it is not."""
    return When(name, (value,))


def member(name: str, *members: Prologue | StationarySource) -> When:
    """That a field is one of some members of its enumeration."""
    return When(name, tuple(map(int, members)), tuple(f"``{one.name}``" for one in members))


HEADER_RULES: tuple[Rule, ...] = (
    field("magic", "MAGIC", error=Error.MAGIC),
    field("version", "VERSION", error=Error.VERSION),
    field("shape", "shape_word", error=Error.SHAPE),
    field("length", "IMAGE_BYTES", error=Error.LENGTH),
    Rule(("length",), SMALLEST_IMAGE, None, UNIT, error=Error.LENGTH),
    field("max_tokens", 0, "core_max_tokens", error=Error.MEMORY),
    field("act_words", 0, "core_act_words", error=Error.MEMORY),
    field("res_words", 0, "core_res_words", error=Error.MEMORY),
    Rule(("program_offset",), UNIT, None, UNIT, error=Error.LENGTH),
    field("program_length", 1, MAX_INSTRUCTIONS, error=Error.LENGTH),
    Rule(
        ("program_end",),
        0,
        "trailer",
        error=Error.LENGTH,
        words=f"``program_offset`` / {UNIT} + {INSTRUCTION_UNITS} · ``program_length``",
    ),
    *(field(f"reserved{word}", 0, error=Error.VERSION) for word in range(11, 16)),
)
"""In the order in which they are judged: the first one that is broken gives the code. ``program_end`` and
``trailer``, where the program ends and the trailer begins, count units of 64 bytes."""

WAITS: tuple[Rule, ...] = (field("wait_conv", 0, "convs"), field("wait_dma", 0, "dmas"))
"""``convs`` and ``dmas`` count the convolutions and the LOADs and STOREs in front of an instruction."""

COUNTED = (flag("sums"), flag("row_max"), member("prologue", Prologue.NORMALISE, Prologue.EXPONENTIAL))
"""Where tokens are counted from ``first_token``: what is kept of them, or read."""

CONV_RULES: tuple[AnyRule, ...] = (
    field("prologue", 0, max(Prologue)),
    field("stationary", 0, max(StationarySource)),
    field("packing", 0, MAX_PACKING),
    field("tokens", 1, "max_tokens"),
    field("k", 1, MAX_CHANNELS),
    field("n", 1, MAX_CHANNELS),
    field("stream_beats", 1, "most_beats"),
    Rule(("stream_offset",), 0, None, UNIT),
    Only("in_unsigned", member("prologue", Prologue.PLAIN)),
    Only("shifts", member("prologue", Prologue.NORMALISE)),
    Only("divide", member("prologue", Prologue.EXPONENTIAL)),
    Only("packing", member("stationary", StationarySource.STREAM)),
    Only("diagonal", member("stationary", StationarySource.STREAM)),
    Only("diagonal", flag("packing", 0)),
    Only("maximum", flag("diagonal")),
    Only("padded", member("prologue", Prologue.PLAIN)),
    *(Only(name, member("stationary", StationarySource.STREAM)) for name in ("extra_taps", "extra_lines")),
    *(Only(name, member("prologue", Prologue.PLAIN)) for name in ("extra_taps", "extra_lines")),
    field("row_tokens", 0, "max_tokens"),
    *(Only(name, member("stationary", StationarySource.STREAM)) for name in ("chained", "pipelined")),
    Only("pipelined", member("prologue", Prologue.PLAIN)),
    Only("pipelined", flag("chained", 0)),
    Only("lead_words", flag("pipelined")),
    Only("out_unsigned", flag("to_residual", 0)),
    Only("table", flag("to_residual", 0)),
    Only("table", flag("add", 0)),
    Only("row_max", flag("to_residual", 0)),
    Only("row_max", flag("out_unsigned", 0)),
    *(Only(name, flag("to_residual", 0)) for name in ("add_unsigned", "add_factor", "add_shift")),
    *(Only(name, flag("add")) for name in ("add_unsigned", "add_factor", "add_shift", "add_offset")),
    Only("sums", flag("to_residual")),
    field("mean_shift", *MEAN_SHIFTS, when=flag("sums")),
    field("norm_shift", *NORM_SHIFTS, when=flag("sums")),
    *(Rule(("first_token", "tokens"), 0, "max_tokens", when=when) for when in COUNTED),
    *WAITS,
    field("post_wait_dma", 0, "dmas"),
    *(field(name, 0) for name, _ in CONV_LAYOUT if name.startswith("reserved")),
)

DMA_RULES: tuple[AnyRule, ...] = (
    field("base", 0, max(Base)),
    Rule(("dram_offset",), 0, None, UNIT),
    Rule(("dram_stride",), 0, None, UNIT),
    Rule(("rows",), 1, None),
    Rule(("words",), 1, None),
    *WAITS,
    *(field(name, 0) for name, _ in DMA_LAYOUT if name.startswith("reserved")),
)


def core_bounds(config: CoreConfig) -> dict[str, int]:
    """The bounds of instructions that a core gives: ``most_beats`` make less than 4 GiB."""
    return {"max_tokens": config.max_tokens, "most_beats": (1 << 32) // config.bus_bytes - 1}


def rules_of(opcode: int) -> tuple[tuple[AnyRule, ...], tuple[tuple[str, int], ...]]:
    """The rules and the layout of a CONV, or of a LOAD or STORE."""
    return (CONV_RULES, CONV_LAYOUT) if opcode == Opcode.CONV else (DMA_RULES, DMA_LAYOUT)


def used_fields(opcode: int) -> list[str]:
    """The fields of a CONV, LOAD or STORE that say something beside its opcode, in their order."""
    return [name for name, _ in rules_of(opcode)[1] if name != "opcode" and not name.startswith("reserved")]


def limits(opcode: Opcode, bounds: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """The least and the greatest legal value of each field of a CONV, LOAD or STORE, whatever the others say.

    Args:
        bounds: ``core_bounds``, ``convs`` and ``dmas``.
    """
    rules, layout = rules_of(opcode)
    found = {name: (0, (1 << bits) - 1) for name, bits in layout}
    for rule in rules:
        if isinstance(rule, Rule) and len(rule.fields) == 1:
            (name,) = rule.fields
            least, most = bound_of(rule.least, bounds), bound_of(rule.most, bounds)
            lower, upper = found[name]
            most = upper if most is None else min(most, upper)
            found[name] = (max(least or 0, lower), most & -rule.unit)
    found["opcode"] = (opcode, opcode)
    return found


def check_instruction(
    fields: Mapping[str, int],
    bounds: Mapping[str, int],
    index: int | None = None,
    *,
    who: str | None = None,
    advice: str = "compile the network again",
) -> None:
    """Check an instruction by the rules whose bounds are known.

    Args:
        fields: by name, ``opcode`` among them; reserved ones may be missing, and are 0 then.
        bounds: ``core_bounds``, ``convs`` and ``dmas``, as far as known.
        index: place of the instruction in its program, or None. who: what the sentence begins with instead of
            that. advice: what it ends with.

    Raises:
        Refused: the sentence names the field, its value and what is legal.
    """
    if who is None:
        who = "" if index is None else f"instruction {index}: "
    opcode = fields["opcode"]
    if opcode not in tuple(Opcode):
        expected = f"expected 0 to {max(Opcode)}, the image is damaged or of another version"
        raise Refused(f"{who}opcode {opcode} is unknown; {expected}", Error.OPCODE, index)
    if opcode == Opcode.END:
        return
    rules, layout = rules_of(opcode)
    values = dict.fromkeys((name for name, _ in layout), 0) | dict(fields)
    widths = (field(name, 0, (1 << bits) - 1) for name, bits in layout)
    too_wide = (rule for rule in widths if not 0 <= values[rule.fields[0]] <= int(rule.most or 0))
    rule = next(too_wide, None) or broken(rules, values, bounds)
    if rule is not None:
        found = " + ".join(str(int(values[name])) for name in rule.fields)
        what = f"{rule.subject} = {found}; expected {rule.legal(bounds)}".replace("``", "")
        raise Refused(f"{who}a {Opcode(opcode).name} has {what}, {advice}", rule.error, index)


def instruction_fields(instruction: Conv | Dma) -> dict[str, int]:
    """The fields of an instruction as numbers, with its opcode."""
    values = {name: int(value) for name, value in vars(instruction).items()}
    if isinstance(instruction, Conv):
        return values | {"opcode": Opcode.CONV}
    return values | {"opcode": Opcode.STORE if values.pop("store") else Opcode.LOAD}
