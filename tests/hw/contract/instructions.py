"""Instructions and header words for tests: random legal ones, and each rule at both of its ends."""

import random
from collections.abc import Callable, Iterator, Mapping

from pointwise.hw.contract.decoding import decode
from pointwise.hw.contract.isa import CONV_LAYOUT, DMA_LAYOUT, INSTRUCTION_BYTES, Conv, Dma, Opcode
from pointwise.hw.contract.legal import CONV_RULES, DMA_RULES
from pointwise.hw.contract.rules import AnyRule, Only, Rule, broken

Fields = dict[str, int]
TRIES = 10_000


def encoded(fields: Mapping[str, int]) -> bytes:
    """The 64 bytes of fields by name, reserved ones included."""
    word = position = 0
    for name, width in _layout(fields["opcode"]):
        word |= fields.get(name, 0) << position
        position += width
    return word.to_bytes(INSTRUCTION_BYTES, "little")


def drawn_fields(rng: random.Random, opcode: int, bounds: Mapping[str, int]) -> Fields:
    """Random legal fields, each often at an end of what its bits hold or of what is legal."""
    fields: Fields = {}
    for name, width in _layout(opcode):
        top = 0 if name.startswith("reserved") else (1 << width) - 1
        fields[name] = rng.choice((0, top, rng.randint(0, top)))
    fields["opcode"] = opcode
    while (rule := broken(_rules(opcode), fields, bounds)) is not None:
        if isinstance(rule, Only):
            fields[rule.field] = 0
            continue
        least, most = ends(rule, bounds, dict(_layout(opcode)))
        others = sum(fields[name] for name in rule.fields[1:])
        if most < others:
            fields[rule.fields[1]] = others = most
        top = max(least, most - others)
        fields[rule.fields[0]] = rng.choice((least, top, rng.randint(least, top))) & -rule.unit
    return fields


def drawn(rng: random.Random, opcode: int, bounds: Mapping[str, int]) -> Conv | Dma:
    """The same as an instruction."""
    return decode(encoded(drawn_fields(rng, opcode, bounds)), bounds)


def edges(rng: random.Random, bounds: Mapping[str, int]) -> Iterator[tuple[str, Fields, bool]]:
    """Every rule of CONV, LOAD and STORE at its least and largest value and one beyond each.

    Yields:
        What is tried, the fields, and whether they are legal. All other rules are kept.
    """
    for opcode in (Opcode.CONV, Opcode.LOAD, Opcode.STORE):
        for rule in _rules(opcode):
            yield from _edges_of(rule, rng, opcode, bounds)


def _edges_of(
    rule: AnyRule, rng: random.Random, opcode: int, bounds: Mapping[str, int]
) -> Iterator[tuple[str, Fields, bool]]:
    widths = dict(_layout(opcode))
    name, *rest = rule.fields
    others = [other for other in _rules(opcode) if other is not rule]

    def with_value(condition: Callable[[Fields], bool], value: Callable[[Fields], int]) -> Fields:
        """Fields that meet a condition, with a value in the rule's field that breaks no other rule."""
        for _ in range(TRIES):
            fields = drawn_fields(rng, opcode, bounds)
            fields[name] = value(fields)
            if condition(fields) and broken(others, fields, bounds) is None:
                return fields
        raise AssertionError(f"no fields were found that keep all rules but that of {name}")

    if isinstance(rule, Only):
        yield f"{name} where it may be", with_value(rule.when.met, lambda _: 1), True
        yield f"{name} where it may not be", with_value(rule.when.unmet, lambda _: 1), False
        return
    least, most = ends(rule, bounds, widths)
    for value in sorted({most - 1, most, most + 1} | (set() if rest else {least - 1, least, least + 1})):

        def chosen(fields: Fields, value: int = value) -> int:
            return value - sum(fields[other] for other in rest)

        def possible(fields: Fields) -> bool:
            return 0 <= fields[name] < 1 << widths[name] and (rule.when is None or rule.when.met(fields))

        if not rest and not 0 <= value < 1 << widths[name]:
            continue
        good = least <= value <= most and value % rule.unit == 0
        yield f"{' + '.join(rule.fields)} = {value}", with_value(possible, chosen), good


def ends(rule: Rule, bounds: Mapping[str, int], widths: Mapping[str, int]) -> tuple[int, int]:
    """Least and largest legal value of what a rule is about."""
    least = bounds[rule.least] if isinstance(rule.least, str) else rule.least
    most = bounds[rule.most] if isinstance(rule.most, str) else rule.most
    if most is None:
        most = sum((1 << widths[name]) - 1 for name in rule.fields) & -rule.unit
    return least, most


def _layout(opcode: int) -> tuple[tuple[str, int], ...]:
    return CONV_LAYOUT if opcode == Opcode.CONV else DMA_LAYOUT


def _rules(opcode: int) -> tuple[AnyRule, ...]:
    return CONV_RULES if opcode == Opcode.CONV else DMA_RULES
