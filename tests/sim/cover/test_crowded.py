"""Crowded programs: legal, each of its seed, and as mixed as they are meant to be."""

from itertools import product

from pointwise.hw.contract.decoding import decode
from pointwise.hw.contract.image import HEADER_BYTES, check
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Base, Conv, Dma, Space
from pointwise.hw.contract.legal import core_bounds
from pointwise.hw.contract.registers import Error
from pointwise.sim.cover.crowded import crowded
from pointwise.sim.hostile.expected import Ending, possible_ends
from pointwise.sim.hostile.programs import CONFIG

SEEDS = range(100)
NO_BASES = dict.fromkeys(Base, 0)


def instructions(image: bytes) -> list[Conv | Dma]:
    """Of an image, END not among them."""
    bounds = core_bounds(CONFIG) | {"convs": 0, "dmas": 0}
    found: list[Conv | Dma] = []
    for index in range(check(image, CONFIG).program_length - 1):
        first = HEADER_BYTES + index * INSTRUCTION_BYTES
        instruction = decode(image[first : first + INSTRUCTION_BYTES], bounds, index)
        assert isinstance(instruction, Conv | Dma)
        bounds["convs" if isinstance(instruction, Conv) else "dmas"] += 1
        found.append(instruction)
    return found


def test_programs_can_only_end_well():
    for seed in SEEDS:
        case = crowded(seed)
        assert possible_ends(case.image, case.windows, NO_BASES, CONFIG) == {Ending(Error.NONE, 0, 0)}


def test_programs_are_the_same_for_a_seed():
    assert crowded(7) == crowded(7) != crowded(8)


def test_all_that_shall_meet_is_there():
    programs = [instructions(crowded(seed).image) for seed in SEEDS]
    convs = [one for program in programs for one in program if isinstance(one, Conv)]
    dmas = [one for program in programs for one in program if isinstance(one, Dma)]
    bank = CONFIG.act_words // CONFIG.act_banks
    assert {one.tokens for one in convs} >= {1, CONFIG.max_tokens}
    assert {(one.to_residual, one.add) for one in convs} == set(product((False, True), repeat=2))
    assert {one.in_base // bank for one in convs} == set(range(CONFIG.act_banks))
    assert any(one.post_wait_dma for one in convs)
    assert any(one.wait_conv for one in convs)
    assert {(one.store, one.space) for one in dmas} == set(product((False, True), Space))
