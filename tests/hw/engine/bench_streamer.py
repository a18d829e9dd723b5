"""Every cycle of the streamer against a model of it: requests, tags, and the cause of every wait."""

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly
from driver import assert_equal, descriptor, generator, start, unpack_fields
from streamer_stimulus import Step, random_conv, steps

from pointwise.hw.contract.config import CoreConfig, next_power_of_two
from pointwise.hw.contract.isa import Prologue
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.timing import STREAM_REVISIT
from pointwise.hw.engine.banked_address import act_address, res_address
from pointwise.hw.engine.descriptor import STREAMER
from pointwise.hw.engine.issue import TokenRequest
from pointwise.hw.engine.primitives import ceil_log2
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSource

CONVS = 100
COUNTS = ("conv_done", "dma_done", "rows_done", "words_done")
INPUTS = ("descriptor_payload", "descriptor_valid", "popped", *COUNTS)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.3])
async def equals_its_model(dut, gap):
    config = CoreConfig(**bench_config())
    rng = generator()
    convs = [random_conv(rng, config, number) for number in range(CONVS)]
    await start(dut, [*INPUTS, "requests_ready"])
    source = StreamSource(dut, "descriptor", stall=gap)
    source.put(descriptor(STREAMER, conv) for conv in convs)

    fresh = False  # the convolution was taken in the cycle before
    room = depth = next_power_of_two(config.max_tokens)
    parity = exp_bank = taken = conv_done = dma_done = rows_done = words_done = 0
    since = STREAM_REVISIT
    counts = deque([(0, 0, 0, 0)] * 2)  # conv_done, dma_done, rows_done and words_done of the last cycles
    pops = deque([0, 0])  # what comes back to ``room`` in the next cycles
    # Tiles that wait for a LOAD, a row of it, or got that; for words of results, or got them.
    decided = dict.fromkeys(("dma", "row", "chained", "word", "pipelined"), 0)
    work: deque[Step] = deque()
    ends: deque[int] = deque()  # convolutions of the tokens in the output FIFO, where they are a last one
    while taken < CONVS or work or conv_done < CONVS:
        popped = bool(ends) and rng.random() >= (0.9 if ends[0] else gap)  # of a last token it is late
        ready = int(rng.random() >= gap)
        dut.popped.value, dut.requests_ready.value = popped, ready
        for name, count in zip(COUNTS, (conv_done, dma_done, rows_done, words_done), strict=True):
            getattr(dut, name).value = count
        await ReadOnly()

        stall_cause, step = Cause.IDLE, work[0] if work else None
        then = counts.popleft()
        if step:
            conv, stall_cause = step.conv, None
            following, whole, loaded = waits_for_dma(step, then)
            trailing, computed = waits_for_words(step, then)
            if step.first and since < STREAM_REVISIT:
                stall_cause = Cause.SHORT
            elif step.first and not (computed and loaded):
                stall_cause = Cause.DEPEND
            elif step.first and fresh and conv.tokens == 1:
                stall_cause = Cause.SHORT  # until the next tile's place is known
            elif step.first and step.last_k and room < conv.tokens:
                stall_cause = Cause.OUTPUT
        assert_equal("valid", int(dut.requests_valid.value), int(stall_cause is None))
        if stall_cause is None:
            found = unpack_fields(TokenRequest(config), int(dut.requests_payload.value))
            assert_equal("request", found, request(config, step))
        else:
            assert_equal("stall_cause", int(dut.stall_cause.value), int(stall_cause))
        issue = stall_cause is None and ready
        if step and step.first and since >= STREAM_REVISIT and computed and not whole:
            decided["chained" if loaded else "row" if following else "dma"] += 1
        if step and step.first and since >= STREAM_REVISIT and trailing:
            decided["pipelined" if computed else "word"] += 1
        # What this cycle changes.
        since = 1 if issue and step.first else since + 1
        counts.append((conv_done, dma_done, rows_done, words_done))
        pops.append(popped)
        room += pops.popleft() - (conv.tokens if issue and step.first and step.last_k else 0)
        if popped and ends.popleft():
            conv_done, words_done = conv_done + 1, 0
        if issue:
            work.popleft()
            if step.last_k:
                ends.append(step.last)
                assert len(ends) <= depth, "more tokens than the output FIFO holds"
        rows_done += rng.random() < 0.05
        words_done += rng.random() < 0.02
        # The DMA is slow, so that it is waited for; and now and then it is ahead.
        wanted = bool(work) and dma_done < work[0].conv.wait_dma
        if rng.random() < (0.02 if wanted else 0.001):
            dma_done, rows_done = dma_done + 1, 0
        fresh = bool(int(dut.descriptor_valid.value) and int(dut.descriptor_ready.value))
        if fresh:
            assert not work, "a convolution was taken while another one is at work"
            work.extend(steps(config, convs[taken], parity, exp_bank))
            parity, exp_bank = (
                1 - work[-1].tag["parity"],
                exp_bank ^ (convs[taken].prologue == Prologue.EXPONENTIAL),
            )
            taken += 1
        await FallingEdge(dut.clk)
    assert min(decided.values()) > 20, f"hardly a tile depended on others: {decided}"


def waits_for_dma(step: Step, then: tuple[int, ...]) -> tuple[bool, bool, bool]:
    """Whether its LOAD is at work, all of it is complete, and what the step needs of it is."""
    following = step.conv.chained and step.n_tile == 0 and then[1] == step.conv.wait_dma - 1
    whole = then[1] >= step.conv.wait_dma
    return following, whole, whole or (following and then[2] > step.word)


def waits_for_words(step: Step, then: tuple[int, ...]) -> tuple[bool, bool]:
    """Whether the convolution before it is the oldest, and what the step needs of its results is complete."""
    conv = step.conv
    trailing = conv.pipelined and step.n_tile == 0 and then[0] == conv.wait_conv - 1
    return trailing, then[0] >= conv.wait_conv or (trailing and then[3] > step.word - conv.lead_words)


def request(config: CoreConfig, step: Step) -> dict[str, object]:
    """What the streamer offers for a step, as a number or the fields of each member."""
    conv, banks = step.conv, act_address(config)
    act, res = (step.address % (1 << ceil_log2(places.words)) for places in (banks, res_address(config)))
    bank = min(act // banks.bank_words, banks.banks - 1)
    return {
        "residual": int(conv.prologue == Prologue.NORMALISE),
        "act": {"bank": bank, "inside": (act - bank * banks.bank_words) % (1 << ceil_log2(banks.bank_words))},
        "res": {"bank": 0, "inside": res},
        "tag": step.tag,
        "stat_token": conv.first_token + step.tag["token"],
        "max_slot": conv.max_slot,
        "final": int(step.last),
    }
