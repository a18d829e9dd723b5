"""What a core may do in another order, the emulator does in its most hostile one: programs that count on an
order which is not promised differ from themselves. And what the memories hold beside the results."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.emulator import Emulator, Order
from tests.independent.project import core_of
from tests.independent.reference.assembler import Assembler
from tests.independent.reference.fields import Base, Conv, Dma, Prologue, Space, StationarySource
from tests.independent.reference.stream import Operands

CONFIG = CoreConfig(
    rows=4, cols=4, post_lanes=2, max_tokens=32, act_kib=1, act_banks=1, res_kib=1, axi_data_width=32
)
INPUT = np.random.default_rng(0).integers(0, 256, 512, np.uint8).tobytes()


def operands(conv: Conv, seed: int = 1) -> Operands:
    """Random weights with results that use the range of int8; a table of exponentials where one is needed."""
    rng = np.random.default_rng(seed)
    weights = (
        rng.integers(-128, 128, (conv.n, conv.k)) if conv.stationary == StationarySource.STREAM else None
    )
    zeros = np.zeros(conv.n, int)
    # Divided, an accumulator is a value with 12 fraction bits.
    made = Operands(
        zeros, np.full(conv.n, 1 << 15), np.full(conv.n, 15 + (12 if conv.divide else 9)), weights
    )
    if conv.prologue == Prologue.EXPONENTIAL:
        made.exponential_table = np.arange(255, -1, -1)
    return made


def start(words: int = 32) -> Assembler:
    """A program that has filled the first words of the activation SRAM."""
    program = Assembler(core_of(CONFIG))
    program.dma(Dma(base=Base.INPUT, rows=1, words=words))
    return program


def results(program: Assembler, base: int, words: int) -> set[bytes]:
    """The different contents of some words at the end, over all orders."""
    program.dma(Dma(True, Space.ACTIVATION, Base.OUTPUT, sram_base=base, rows=1, words=words))
    image = program.seal(input_bytes=len(INPUT))
    return {Emulator(image, CONFIG, seed=3).run(INPUT, order) for order in Order for _ in range(3)}


def without_waits(program: Assembler, **waits: int) -> None:
    """Give the last convolution these waits alone, whatever it needs."""
    none = {"wait_conv": 0, "wait_dma": 0, "post_wait_dma": 0}
    program.program[-1] = replace(program.program[-1], **none | waits)


def conv(**fields: int) -> Conv:
    """A convolution of six tokens whose words follow one another; its input begins at word 0."""
    return Conv(
        **{
            "tokens": 6,
            "in_token_stride": 1,
            "in_tile_stride": 6,
            "out_token_stride": 1,
            "out_word_stride": 6,
        }
        | fields
    )


@pytest.mark.parametrize(
    ("what", "made", "alike"),
    [
        ("a place of its own", conv(k=8, n=8, out_base=12), True),
        ("its own tokens in place, with one N-tile", conv(k=4, n=4, out_base=0), True),
        ("its own last words in place, with one N-tile", conv(k=8, n=4, out_base=6), True),
        ("words of a later token in the same N-tile", conv(k=4, n=4, out_base=1), False),
        ("words of an earlier token in the same N-tile", conv(k=4, n=4, in_base=1, out_base=0), True),
        ("words that a later N-tile reads again", conv(k=4, n=8, out_base=0), False),
        ("one of two K-tiles, read again by the second N-tile", conv(k=8, n=8, out_base=6), False),
        (
            "keys of a later N-tile",
            conv(k=4, n=8, stationary=StationarySource.KEYS, stat_base=6, stat_token_stride=1, out_base=10),
            False,
        ),
        (
            "keys of the first N-tile",
            conv(k=4, n=4, stationary=StationarySource.KEYS, stat_base=6, stat_token_stride=1, out_base=6),
            True,
        ),
        (
            "values of a later N-tile",
            conv(
                k=4,
                n=8,
                stationary=StationarySource.VALUES,
                stat_base=6,
                stat_token_stride=1,
                stat_word_stride=4,
                out_base=10,
            ),
            False,
        ),
    ],
)
def test_a_convolution_that_writes_over(what: str, made: Conv, alike: bool):
    program = start()
    program.conv(made, operands(made))
    assert (len(results(program, made.out_base, 12)) == 1) == alike, what


def test_results_are_written_over_what_an_earlier_convolution_reads():
    """No wait is needed: reads and writes of convolutions pass in program order."""
    program = start()
    for made in (conv(k=8, n=8, out_base=12), conv(k=4, n=8, in_base=24, out_base=0)):
        program.conv(made, operands(made))
    without_waits(program)
    assert len(results(program, 0, 24)) == 1


@pytest.mark.parametrize(("slot", "alike"), [(0, False), (1, True)])
def test_reciprocals_are_written_at_the_start(slot: int, alike: bool):
    """The next convolution of exponentials may overtake the epilogue of the one before: slots must differ."""
    program = start()
    for max_slot in (0, 1):
        made = conv(k=4, n=5, out_base=12 + 12 * max_slot, max_slot=max_slot, row_max=1)
        program.conv(made, operands(made, max_slot))
    for index in (0, 1):
        made = conv(
            k=5,
            n=4,
            prologue=Prologue.EXPONENTIAL,
            divide=1,
            max_slot=index,
            sum_slot=index * slot,
            in_base=12 + 12 * index,
            out_base=40 + 6 * index,
        )
        program.conv(made, operands(made, 5))
        without_waits(program, wait_conv=2, wait_dma=1)
    assert (len(results(program, 40, 12)) == 1) == alike


def test_maxima_are_written_after_each_n_tile():
    """A convolution cannot name two slots: with several N-tiles it reads what it has written."""
    program = start()
    made = conv(k=4, n=4, out_base=12, row_max=1)
    program.conv(made, operands(made))
    made = conv(k=4, n=8, prologue=Prologue.EXPONENTIAL, in_base=12, out_base=24, row_max=1)
    program.conv(made, operands(made, 2))
    assert len(results(program, 24, 12)) > 1


def test_lanes_past_n_keep_their_value_and_padding_is_zero():
    config = CoreConfig(rows=3, cols=3, max_tokens=8, act_kib=1, act_banks=1, res_kib=1, axi_data_width=64)
    program = Assembler(core_of(config))
    program.dma(Dma(base=Base.INPUT, rows=1, words=6))
    made = Conv(tokens=3, k=3, n=2, in_token_stride=1, out_base=3, out_token_stride=1)
    program.conv(made, operands(made))
    program.dma(Dma(True, Space.ACTIVATION, Base.OUTPUT, sram_base=3, rows=1, words=3))
    out = Emulator(program.seal(input_bytes=64), config).run(INPUT[:64])
    words = np.frombuffer(out[:12], np.uint8).reshape(3, 4)
    assert (words[:, 2] == np.frombuffer(INPUT[12:24], np.uint8).reshape(3, 4)[:, 2]).all()
    assert (words[:, 3] == 0).all() and out[12:16] == bytes(4)
    # Behind the last beat of eight bytes nothing is written.
    assert out[16:] != bytes(len(out) - 16)
