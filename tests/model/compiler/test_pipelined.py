"""Convolutions that follow the words of the one before."""

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.codegen import Program, generate
from pointwise.model.compiler.program import Emitter
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.emulator import Emulator, Order

SHAPE = Shape(tokens=8, inputs=8, dim=8, depth=1, heads=3, head_dim=8, hidden=16, classes=3)


def convs_of(program: Program) -> dict[str, Conv]:
    return {line.name: line.instruction for line in program.lines if isinstance(line.instruction, Conv)}


@pytest.mark.parametrize(("rows", "cols"), [(4, 4), (2, 4), (4, 2), (8, 8)])
def test_what_reads_words_as_they_are_made(rows: int, cols: int) -> None:
    """fc2 follows fc1, the projection the last head's context behind those of the others.

    Who reads statistics or maxima, or K and V, waits for all."""
    convs = convs_of(generate(random_network(0, SHAPE), CoreConfig(rows=rows, cols=cols)))
    following = {name: conv.lead_words for name, conv in convs.items() if conv.pipelined}
    assert following["blocks.0.fc2"] == 0
    assert following["blocks.0.proj"] == 2 * SHAPE.head_dim // rows
    assert set(following) <= {"blocks.0.fc2", "blocks.0.proj", "head"}


@pytest.mark.parametrize("order", [order for order in Order if order is not Order.RANDOM])
def test_one_word_too_early_is_seen(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a lead that is too large the emulator gives another result where writes are late."""
    network, config = random_network(0, SHAPE), CoreConfig(rows=4, cols=4)
    image = random_image(network, 0)

    def run() -> bytes:
        compiled = compile_network(network, config)
        return Emulator(compiled.image, config).run(compiled.pack_input(image), order)

    right = run()
    real = Emitter._lead

    def larger(self: Emitter, *arguments) -> int | None:
        found = real(self, *arguments)
        return None if found is None else found + 1

    monkeypatch.setattr(Emitter, "_lead", larger)
    late = order in (Order.DMA_FIRST_LATE_WRITES, Order.LATE_WRITES, Order.LATE_WRITES_DMA_LAST)
    assert (run() != right) == late
