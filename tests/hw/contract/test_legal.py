"""The table of what is legal: software at both ends of every rule, and what no core checks."""

import random
import re
from dataclasses import replace

import pytest

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.decoding import decode
from pointwise.hw.contract.errors import Refused
from pointwise.hw.contract.image import HEADER_WORDS
from pointwise.hw.contract.isa import (
    CONV_LAYOUT,
    DMA_LAYOUT,
    Base,
    Conv,
    Dma,
    Opcode,
    Prologue,
    Space,
    StationarySource,
)
from pointwise.hw.contract.legal import (
    CONV_RULES,
    DMA_RULES,
    HEADER_RULES,
    check_instruction,
    core_bounds,
    instruction_fields,
    limits,
    used_fields,
)
from pointwise.hw.contract.registers import Error
from pointwise.hw.contract.rules import Rule
from pointwise.hw.contract.sound import faults
from pointwise.hw.contract.stream import stream_bytes
from tests.hw.contract.instructions import edges, encoded

CORE = CoreConfig(rows=4, cols=8, max_tokens=100, act_kib=4, act_banks=2, res_kib=4)
COUNTS = {"convs": 3, "dmas": 5}


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_every_rule_is_kept_at_its_ends_and_broken_beyond(config: CoreConfig) -> None:
    bounds = core_bounds(config) | COUNTS
    tried = set()
    for what, fields, good in edges(random.Random(1), bounds):
        tried.add(good)
        if good:
            assert decode(encoded(fields), bounds, 9).encode() == encoded(fields), what
            continue
        with pytest.raises(Refused, match=r"^instruction 9: a (CONV|LOAD|STORE) has [^`\n]* = ") as caught:
            decode(encoded(fields), bounds, 9)
        assert (caught.value.error, caught.value.instruction) == (Error.OPERAND, 9), what
    assert tried == {True, False}


@pytest.mark.parametrize(
    ("field", "least", "most", "more"),
    [
        ("tokens", 1, 100, {}),
        ("k", 1, 4096, {}),
        ("n", 1, 4096, {}),
        ("prologue", 0, 2, {}),
        ("stationary", 0, 2, {"stream_beats": 1}),
        ("packing", 0, 2, {}),
        ("stream_beats", 1, (1 << 28) - 1, {}),
        ("mean_shift", 9, 63, {"sums": True, "to_residual": True}),
        ("norm_shift", 0, 26, {"sums": True, "to_residual": True, "mean_shift": 20}),
        ("first_token", 0, 90, {"prologue": Prologue.NORMALISE}),
        ("first_token", 0, 90, {"prologue": Prologue.EXPONENTIAL}),
        ("first_token", 0, 90, {"row_max": True}),
        ("first_token", 0, 90, {"sums": True, "to_residual": True, "mean_shift": 20}),
        ("first_token", 0, 65535, {}),
        ("row_tokens", 0, CORE.max_tokens, {}),
        ("wait_conv", 0, 3, {}),
        ("wait_dma", 0, 5, {}),
        ("post_wait_dma", 0, 5, {}),
    ],
)
def test_ranges_in_numbers(field: str, least: int, most: int, more: dict) -> None:
    """Written out once more, so that no rule can be lost unseen."""
    bounds = core_bounds(CORE) | COUNTS
    fields = instruction_fields(conv(**more))
    for value in (least, most):
        check_instruction(fields | {field: value}, bounds)
    for value in (least - 1, most + 1):
        with pytest.raises(Refused, match=field):
            check_instruction(fields | {field: value}, bounds)


@pytest.mark.parametrize(
    ("flag", "refused", "taken"),
    [
        ("in_unsigned", {"prologue": 1}, {}),
        ("in_unsigned", {"prologue": 2}, {}),
        ("shifts", {"prologue": 0}, {"prologue": 1}),
        ("shifts", {"prologue": 2}, {"prologue": 1}),
        ("divide", {"prologue": 0}, {"prologue": 2}),
        ("divide", {"prologue": 1}, {"prologue": 2}),
        ("packing", {"stationary": 1}, {}),
        ("chained", {"stationary": 2}, {}),
        ("out_unsigned", {"to_residual": 1}, {}),
        ("table", {"to_residual": 1}, {}),
        ("row_max", {"to_residual": 1}, {}),
        ("row_max", {"out_unsigned": 1}, {}),
        ("table", {"add": 1}, {}),
        ("diagonal", {"stationary": 1}, {}),
        ("diagonal", {"packing": 1}, {}),
        ("maximum", {"diagonal": 0}, {"diagonal": 1}),
        ("padded", {"prologue": 1}, {}),
        ("extra_taps", {"stationary": 2}, {}),
        ("extra_taps", {"prologue": 1}, {}),
        ("extra_lines", {"stationary": 1}, {}),
        ("extra_lines", {"prologue": 2}, {}),
        ("add_unsigned", {"to_residual": 1, "add": 1}, {"add": 1}),
        ("add_factor", {"to_residual": 1, "add": 1}, {"add": 1}),
        ("add_shift", {"to_residual": 1, "add": 1}, {"add": 1}),
        ("add_factor", {"add": 0}, {"add": 1}),
        ("add_shift", {"add": 0}, {"add": 1}),
        ("add_offset", {"add": 0}, {"add": 1, "to_residual": 1}),
        ("sums", {"to_residual": 0}, {"to_residual": 1, "mean_shift": 9}),
        ("reserved0", {}, None),
        ("reserved7", {}, None),
    ],
)
def test_combinations_in_numbers(flag: str, refused: dict, taken: dict | None) -> None:
    fields = instruction_fields(conv())
    with pytest.raises(Refused, match=flag):
        check_instruction(fields | refused | {flag: 1}, {})
    if taken is not None:
        check_instruction(fields | taken | {flag: 1}, {})


def test_rules_name_fields_that_there_are() -> None:
    for rules, names in (
        (CONV_RULES, dict(CONV_LAYOUT)),
        (DMA_RULES, dict(DMA_LAYOUT)),
        (HEADER_RULES, {*HEADER_WORDS, "program_end"}),
    ):
        for rule in rules:
            assert set(rule.fields) <= set(names)
            assert rule.when is None or rule.when.field in names


def test_without_a_core_only_the_rules_that_need_none_are_applied() -> None:
    fields = instruction_fields(conv(tokens=60000, wait_conv=9))
    check_instruction(fields, {})
    with pytest.raises(Refused, match=r"wait_conv = 9; expected 0\.\.3"):
        check_instruction(fields, COUNTS)
    with pytest.raises(Refused, match=r"tokens = 60000; expected 1\.\.100"):
        check_instruction(fields, core_bounds(CORE))


def test_a_value_that_does_not_fit_its_bits_is_told() -> None:
    for field, value in (("epsilon", -1), ("mean_mult", 1 << 16), ("in_tile_stride", 70000)):
        with pytest.raises(Refused, match=f"a CONV has {field} = {value}; expected 0"):
            check_instruction(instruction_fields(conv(**{field: value})), {})


def test_opcodes() -> None:
    check_instruction({"opcode": Opcode.END}, {})
    with pytest.raises(Refused, match="instruction 3: opcode 7 is unknown") as caught:
        check_instruction({"opcode": 7}, {}, 3)
    assert caught.value.error == Error.OPCODE


def conv(**more: object) -> Conv:
    """A sound convolution of 10 tokens, 8 channels in and out, changed."""
    fields = {"tokens": 10, "k": 8, "n": 8, "in_base": 0, "in_token_stride": 1, "in_tile_stride": 10}
    fields |= {"out_base": 100, "out_token_stride": 1, "out_word_stride": 10, "stream_offset": 128}
    made = Conv(**fields | {"stream_beats": 1} | more)
    if made.stationary == StationarySource.STREAM and made.packing <= 2 and "stream_beats" not in more:
        made = replace(made, stream_beats=stream_bytes(made, CORE) // CORE.bus_bytes)
    return made


RESIDUAL = {"to_residual": True, "sums": True, "mean_mult": 1 << 15, "mean_shift": 18}


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        (conv(in_base=CORE.act_words - 19), f"streams word {CORE.act_words} of the activation SRAM"),
        (conv(in_base=CORE.act_words - 20), None),
        (conv(in_base=CORE.res_words - 19, prologue=Prologue.NORMALISE), "streams word 512 of the residual"),
        (conv(out_base=CORE.act_words - 19), f"writes word {CORE.act_words} of the activation SRAM"),
        (conv(out_base=CORE.res_words - 19, to_residual=True), "writes word 512 of the residual SRAM"),
        (conv(stream_beats=3), "a stream of 3 beats, 48 bytes, but the stream of its sizes has 128"),
        (conv(**RESIDUAL), None),
        (conv(**RESIDUAL | {"mean_mult": (1 << 15) + 1}), r"32769 · 2\^-18 for 1/8"),
        (conv(out_token_stride=0), "two of its results share a word"),
        (conv(out_word_stride=0), "share a word"),
        (conv(out_word_stride=9), "share a word"),
        (conv(out_token_stride=2, out_word_stride=1), None),
        (conv(out_token_stride=0, tokens=1), None),
        (conv(out_token_stride=0, tokens=1, out_word_stride=0), "share a word"),
        (Dma(False, Space.ACTIVATION, Base.INPUT, 0, 0, CORE.act_words - 25, 20, 2, 5), None),
        (Dma(False, Space.ACTIVATION, Base.INPUT, 0, 0, CORE.act_words - 24, 20, 2, 5), "moves word 1024 of"),
        (Dma(True, Space.RESIDUAL, Base.OUTPUT, 0, 0, 510, 0, 1, 3), "moves word 512 of the residual SRAM"),
    ],
)
def test_what_no_core_checks(instruction: Conv | Dma, said: str | None) -> None:
    found = list(faults(instruction, CORE))
    if said is None:
        assert found == []
    else:
        (fault,) = found
        assert re.search(said, fault)


def test_keys_and_values_lie_in_memory() -> None:
    config = CoreConfig(rows=4, cols=4, act_kib=1, act_banks=1)
    for stationary, last in (
        (StationarySource.KEYS, 6 * 2 + 2 * 20),
        (StationarySource.VALUES, 8 * 2 + 1 * 20),
    ):
        made = conv(k=9, n=7, stationary=stationary, stat_token_stride=2, stat_word_stride=20)
        made = replace(made, stream_beats=stream_bytes(made, config) // config.bus_bytes)
        assert list(faults(replace(made, stat_base=255 - last), config)) == []
        (fault,) = faults(replace(made, stat_base=256 - last), config)
        assert fault.startswith("loads word 256 of the activation SRAM, which has 256")


@pytest.mark.parametrize("opcode", [Opcode.CONV, Opcode.LOAD, Opcode.STORE])
def test_limits_are_the_ends_of_what_is_legal(opcode):
    bounds = core_bounds(CORE) | COUNTS
    found = limits(opcode, bounds)
    rules = CONV_RULES if opcode == Opcode.CONV else DMA_RULES
    always = [rule for rule in rules if isinstance(rule, Rule) and rule.when is None]
    simple = [rule for rule in always if len(rule.fields) == 1]
    assert {name for rule in simple for name in rule.fields} <= found.keys()
    for rule in simple:
        (name,) = rule.fields
        least, most = found[name]
        assert rule.holds({name: least}, bounds) and rule.holds({name: most}, bounds)
        wide = (1 << dict(CONV_LAYOUT if opcode == Opcode.CONV else DMA_LAYOUT)[name]) - 1
        assert most + rule.unit > wide or not rule.holds({name: most + rule.unit}, bounds)
        assert least == 0 or not rule.holds({name: least - rule.unit}, bounds)


@pytest.mark.parametrize(("opcode", "layout"), [(Opcode.CONV, CONV_LAYOUT), (Opcode.LOAD, DMA_LAYOUT)])
def test_used_fields_are_those_beside_the_opcode_and_what_is_reserved(opcode, layout):
    found, names = used_fields(opcode), [name for name, _ in layout]
    assert found == [name for name in names if name in found]
    assert all(name == "opcode" or name.startswith("reserved") for name in set(names) - set(found))
    assert not any(name == "opcode" or name.startswith("reserved") for name in found)
