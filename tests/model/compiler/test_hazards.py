"""Every rule of waiting, one by one."""

import numpy as np

from pointwise.model.compiler.hazards import HazardTracker, Region, Waits

A = [Region("activation", np.arange(0, 4))]
PART = [Region("activation", np.array([3, 4]))]
B = [Region("activation", np.arange(8, 12))]
SLOT = [Region("sums", np.array([0]))]


def tracker() -> HazardTracker:
    return HazardTracker({"activation": 16, "sums": 2})


def test_a_read_waits_for_the_convolution_that_wrote_any_word_of_it():
    t = tracker()
    t.conv(writes=A)
    assert t.conv(reads=PART, writes=B) == Waits(conv=1)
    assert t.conv(late_reads=A) == Waits(conv=1)
    assert t.dma(reads=B) == Waits(conv=2)


def test_convolutions_may_write_over_what_earlier_ones_read_and_wrote():
    t = tracker()
    t.conv(reads=A, writes=B)
    assert t.conv(writes=[*A, *B]) == Waits()


def test_what_is_written_at_the_start_waits_for_earlier_epilogues():
    t = tracker()
    t.conv(early_writes=SLOT)
    assert t.conv(early_writes=[Region("sums", np.array([1]))]) == Waits()
    assert t.conv(early_writes=SLOT) == Waits(conv=1)
    t.conv(late_reads=SLOT)
    assert t.conv(early_writes=SLOT) == Waits(conv=4)


def test_the_epilogue_alone_waits_for_dma_on_what_it_writes():
    t = tracker()
    t.dma(writes=A)
    t.dma(reads=B)
    assert t.conv(writes=[*A, *B]) == Waits(post_dma=2)


def test_operands_wait_for_their_load_at_the_start():
    t = tracker()
    t.dma(writes=A)
    t.dma(writes=B)
    assert t.conv(reads=A, late_reads=B, writes=B) == Waits(dma=1, post_dma=2)


def test_a_wait_of_the_epilogue_that_the_start_implies_is_left_out():
    t = tracker()
    t.dma(writes=B)
    t.dma(writes=A)
    assert t.conv(reads=A, writes=B) == Waits(dma=2)


def test_a_load_waits_for_readers_and_writers_of_its_words():
    t = tracker()
    t.conv(reads=A)
    t.conv(writes=B)
    assert t.dma(writes=A) == Waits(conv=1)
    assert t.dma(writes=B) == Waits(conv=2)
    t.dma(reads=A)
    assert t.dma(writes=A) == Waits(dma=3)


def test_a_store_waits_for_the_load_of_its_words():
    t = tracker()
    t.dma(writes=A)
    assert t.dma(reads=A) == Waits(dma=1)


def test_a_write_takes_over_the_waits_for_what_came_before():
    t = tracker()
    t.dma(writes=A)
    t.conv(writes=A)
    assert t.conv(reads=A) == Waits(conv=1), "the convolution waited for the LOAD already"
    t.dma(writes=A)
    assert t.conv(reads=A) == Waits(dma=2)
