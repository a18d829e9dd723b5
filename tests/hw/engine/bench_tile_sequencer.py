"""The order, the tags and the pace of the epilogue's walk."""

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly
from driver import assert_equal, descriptor, generator, start, unpack_fields
from epilogue_stimulus import random_conv

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv
from pointwise.hw.contract.timing import PARAMETER_BANKS, WALK_REVISIT
from pointwise.hw.contract.walks import group_tiles, results
from pointwise.hw.engine.descriptor import EPILOGUE
from pointwise.hw.engine.tile_sequencer import GroupTag
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSource

CONVS = 80
FLAGS = ("to_residual", "out_unsigned", "table", "divide", "row_max", "add", "sums", "max_slot", "sum_slot")


def walk(config: CoreConfig, convs: list[Conv]) -> list[tuple[int, dict[str, int]]]:
    """(convolution, tag) of every group in order, without address and lanes where no lane is inside N."""
    found, bank, table_bank = [], 0, 0
    for number, conv in enumerate(convs):
        tiles = -(-conv.n // config.cols)
        flags = {name: int(getattr(conv, name)) for name in FLAGS}
        for tile, token, group in np.ndindex(tiles, conv.tokens, config.groups):
            channel = tile * config.cols + group * config.post_lanes
            inside = min(max(conv.n - channel, 0), config.post_lanes)
            lane, first = channel % config.rows, tile * config.cols // config.rows
            outer = (tile % group_tiles(config), tile // group_tiles(config))
            address = results(conv, config).address((channel // config.rows - first, token, *outer))
            place = {"address": address, "lane_group": lane // config.post_lanes} if inside else {}
            tag = {
                "mask": (1 << inside) - 1,
                "bank": (bank + tile) % PARAMETER_BANKS,
                "group": group,
                "token": token,
                "stat_token": conv.first_token + token,
                "first_group": group == 0,
                "last_group": group == config.groups - 1,
                "first_tile": tile == 0,
                "last_tile": tile == tiles - 1,
                "table_bank": table_bank,
            }
            found.append((number, tag | place | flags))
        bank, table_bank = bank + tiles, table_bank ^ conv.table
    return found


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.4])
async def walks(dut, gap):
    given = bench_config()
    config, settle = CoreConfig(**given["core"]), given["settle"]
    rng = generator()
    convs = [random_conv(rng, config, post_wait_dma=number // 8) for number in range(CONVS)]
    expected = walk(config, convs)
    await start(dut, ["descriptor_payload", "descriptor_valid", "dma_done", "token_valid"])
    source = StreamSource(dut, "descriptor", stall=gap)
    source.put(descriptor(EPILOGUE, conv) for conv in convs)
    last_issue, last_seen = 0, {}
    cycle = done = pop_next = waits = 0
    for index, (number, tag) in enumerate(expected):
        while True:
            await FallingEdge(dut.clk)
            cycle += 1
            # Without gaps DMA is ahead; with gaps it follows.
            done = min(done + int(rng.random() < 0.004 or not gap), convs[-1].post_wait_dma)
            dut.dma_done.value = done
            waits = waits or int(rng.random() >= gap)
            dut.token_valid.value = waits
            await ReadOnly()
            assert_equal("pop", int(dut.pop.value), pop_next & waits)
            pop_next = int(dut.pop_next.value)
            waits = waits and int(not dut.pop.value)
            if dut.issue.value:
                break
            assert not dut.pop.value and not dut.tile_end.value and not dut.conv_end.value, (
                "an end without a group"
            )
        fields = unpack_fields(GroupTag(config), int(dut.tag.value))
        for name, value in tag.items():
            assert_equal(f"{name} of group {index}", fields[name], int(value))
        assert_equal(f"conv of group {index}", int(dut.conv.value), int(descriptor(EPILOGUE, convs[number])))
        assert dut.token_valid.value, f"group {index} without a token"
        assert done >= convs[number].post_wait_dma, f"convolution {number} did not wait for DMA"
        next_number, following = expected[index + 1] if index + 1 < len(expected) else (CONVS, {})
        assert_equal("pop", int(dut.pop.value), int(tag["last_group"]))
        assert_equal("conv_end", int(dut.conv_end.value), int(next_number != number))
        new_tile = next_number != number or following["first_tile"] != tag["first_tile"]
        new_tile |= bool(following) and following["bank"] != tag["bank"]
        assert_equal("tile_end", int(dut.tile_end.value), int(new_tile))

        # The pace: a group a cycle, but for the distances that maxima, sums and statistics need.
        fresh = index and number != expected[index - 1][0]
        if not fresh and tag["first_group"] and not tag["first_tile"]:
            assert cycle - last_seen[tag["token"]] >= WALK_REVISIT, f"token {tag['token']} came too soon"
        if fresh and convs[number - 1].sums:
            assert cycle - last_issue > settle, f"constants of convolution {number - 1} were not kept"
        if not gap and index:
            rest = settle + 2 if fresh and convs[number - 1].sums else 1 if fresh else 0
            short = (
                not fresh and tag["first_group"] and tag["token"] == 0 and convs[number].tokens < WALK_REVISIT
            )
            rest += WALK_REVISIT if short else 0
            assert cycle - last_issue - 1 <= rest, (
                f"{cycle - last_issue - 1} idle cycles before group {index}"
            )
        last_issue = cycle
        if tag["last_group"]:
            last_seen[tag["token"]] = cycle
