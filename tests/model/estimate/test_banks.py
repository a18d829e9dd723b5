"""What DMA gets of the banks, counted cycle by cycle."""

import random

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.estimate.banks import BankSchedule, Pass

CONFIG = CoreConfig(rows=4, cols=4, max_tokens=64, act_kib=8, act_banks=4, res_kib=8)


def test_a_pass_over_several_banks() -> None:
    size = CONFIG.bank_words
    assert list(Pass(size - 10, size + 10, 100, 21).banks(CONFIG)) == [(0, 100, 110.5), (1, 110.5, 121)]
    assert list(Pass(5, 5, 7, 3).banks(CONFIG)) == [(0, 7, 10)]
    # Padding: a tap to the left of the first word lies behind the last one of all addresses.
    (before, *_), (inside, *_) = Pass(-8, 8, 0, 17).banks(CONFIG)
    assert (before, inside) == ((1 << 24) // size - 1, 0)


@pytest.mark.parametrize("seed", range(20))
def test_as_cycle_by_cycle(seed: int) -> None:
    rng = random.Random(seed)
    schedule, taken, at = BankSchedule(CONFIG), set(), 0
    for _ in range(60):
        at += rng.randrange(30)
        bank, length = rng.randrange(4), rng.randrange(2, 40)
        first = bank * CONFIG.bank_words
        schedule.take(Pass(first, first + rng.randrange(1, CONFIG.bank_words), at, length))
        taken |= {(bank, cycle) for cycle in range(at, at + length)}
        at += length
    schedule.until, now = at, 0.0
    while now < at:
        bank, wanted = rng.randrange(4), rng.randrange(1, 60)
        expected = now
        left = wanted
        while left and expected < at:
            left -= (bank, int(expected)) not in taken
            expected += 1
        found, rest = schedule.go(bank * CONFIG.bank_words, now, wanted)
        assert rest == left
        assert found == expected if not left else found == at
        now = found


def test_nothing_is_in_the_way_of_what_is_not_known() -> None:
    schedule = BankSchedule(CONFIG)
    schedule.until = 50
    assert schedule.go(0, 60, 10) == (70, 0)
    assert schedule.go(0, 70, 10) == (80, 0)
