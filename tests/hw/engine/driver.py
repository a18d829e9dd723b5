"""Waveforms in, waveforms out: what the benches of the datapath share.

Most of the datapath cannot stall, so that a test is three steps: prepare what every port sees in every cycle,
``play`` it, and compare what came out with the integer model, shifted by the latency that a docstring states.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cocotb
import numpy as np
from amaranth.hdl import Shape
from amaranth.lib.data import StructLayout
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from pointwise.hw.contract.isa import Conv


def generator() -> np.random.Generator:
    """NumPy's generator, seeded from the seed of the bench; the log holds both."""
    seed = random.getrandbits(32)
    cocotb.log.info("numpy seed %d", seed)
    return np.random.default_rng(seed)


def pack_fields(layout: Any, **fields: Any) -> np.ndarray:
    """Arrays of field values (or scalars) to words of an Amaranth layout; fields not named are zero.

    Raises:
        ValueError: if a value does not fit its field.
    """
    word: Any = 0
    for name, value in fields.items():
        field, values = layout[name], np.asarray(value).astype(object)
        low = -(1 << field.width - 1) if Shape.cast(field.shape).signed else 0
        if np.any(values < low) or np.any(values >= low + (1 << field.width)):
            raise ValueError(f"{values.min()} to {values.max()} does not fit {name} of {field.width} bits")
        word = word | (values & ((1 << field.width) - 1)) << field.offset
    return word


def descriptor(layout: Any, conv: Conv) -> int:
    """The part of an instruction that a unit keeps, as a word."""
    return int(pack_fields(layout, **{name: int(getattr(conv, name)) for name, _ in layout}))


def unpack_fields(layout: Any, word: int) -> dict[str, Any]:
    """The fields of one word, unsigned; of a structure inside it, its fields."""
    found = {}
    for name, field in layout:
        bits = word >> field.offset & ((1 << field.width) - 1)
        inner = isinstance(field.shape, StructLayout)
        found[name] = unpack_fields(field.shape, bits) if inner else bits
    return found


async def start(dut: Any, inputs: Iterable[str] = ()) -> None:
    """Set the inputs to zero, start the clock, reset, and return in the first cycle after it."""
    for name in inputs:
        getattr(dut, name).value = 0
    dut.rst.value = 1
    Clock(dut.clk, 10, unit="ns").start()
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


async def play(
    dut: Any, inputs: Mapping[str, Sequence[int]], outputs: Sequence[str], *, after: int = 0
) -> dict[str, list[int]]:
    """Apply one entry of every input in every cycle, and record the outputs.

    Args:
        inputs: by port name; sequences of one length. outputs: port names.
        after: further cycles, in which the last entries stand still.

    Returns:
        By port name, what the output was in each cycle, unsigned. Entry i belongs to entry i of the inputs.
    """
    cycles = max(len(values) for values in inputs.values())
    drivers = [(getattr(dut, name), [int(value) for value in values]) for name, values in inputs.items()]
    watched = [(getattr(dut, name), []) for name in outputs]
    last: dict[int, int] = {}
    for cycle in range(cycles + after):
        await FallingEdge(dut.clk)
        for index, (port, values) in enumerate(drivers):
            if cycle < cycles and last.get(index) != values[cycle]:
                port.value = last[index] = values[cycle]
        await ReadOnly()
        for port, seen in watched:
            seen.append(int(port.value))
    await FallingEdge(dut.clk)
    return {name: seen for name, (_, seen) in zip(outputs, watched, strict=True)}


def assert_equal(what: str, got: Any, want: Any) -> None:
    """Assert that two arrays are equal, and name the first place where they are not."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{what}: {got.shape} values, expected {want.shape}"
    wrong = np.argwhere(got != want)
    if len(wrong):
        place = tuple(int(index) for index in wrong[0])
        raise AssertionError(
            f"{what}{list(place)} is {got[place]}, expected {want[place]} ({len(wrong)} differ)"
        )
