"""What surrounds the epilogue: loader, array, memories, and a reader of its statistics."""

from typing import Any

import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly
from driver import assert_equal, descriptor, pack_fields, unpack_fields
from epilogue_stimulus import Work

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.stream import PLANES, table_lanes
from pointwise.hw.contract.timing import PARAMETER_BANKS, READ_LATENCY, TABLE_BANKS
from pointwise.hw.contract.walks import ADDRESS_BITS
from pointwise.hw.engine.banked_address import act_address, res_address
from pointwise.hw.engine.descriptor import EPILOGUE
from pointwise.hw.engine.tags import NORM_STATISTICS, RECIPROCAL
from pointwise.sim.lanes import pack_lanes, unpack_lanes

INPUTS = (
    *("descriptor_payload", "descriptor_valid", "dma_done", "acc_payload", "acc_valid", "reciprocal"),
    *(
        "parameters_write",
        "parameters_bank",
        "parameters_plane",
        "parameters_data",
        "table_write",
        "table_bank",
        "table_index",
        "table_data",
    ),
    *(
        "max_slot",
        "stat_token",
        "act_write_ready",
        "res_write_ready",
        "act_read_ready",
        "act_read_data",
        "res_read_ready",
        "res_read_data",
    ),
)


class Environment:
    """Loader, array, memories and reader of the statistics, as far as the epilogue can tell."""

    def __init__(
        self, dut: Any, config: CoreConfig, rng: np.random.Generator, works: list[Work], gap: float
    ) -> None:
        self.dut, self.config, self.rng, self.works, self.gap = dut, config, rng, works, gap
        self.places = {"act": act_address(config), "res": res_address(config)}
        self.planes = self.tables = 0  # written so far
        self.tile_ends = self.table_ends = self.done = self.checked = 0
        self.reciprocals = rng.integers(0, 1 << RECIPROCAL.size, (2, config.max_tokens))
        # (address, lane) to int16 or int8 as unsigned
        self.memory: dict[str, dict[tuple[int, int], int]] = {"res": {}, "act": {}}
        self.pop_next = False
        self.writes: list[tuple] = []
        self.words_done = [0] * (len(works) + 1)  # the most that was told of each convolution; behind them, 0
        self.first_writes = np.cumsum([0, *(len(work.writes(config)) for work in works)]).tolist()
        self.dma_at_write: list[int] = []

    async def cycle(self) -> None:
        await FallingEdge(self.dut.clk)

    async def pause(self) -> None:
        while self.rng.random() < self.gap:
            await self.cycle()

    async def descriptors(self) -> None:
        for work in self.works:
            await self.pause()
            self.dut.descriptor_payload.value = descriptor(EPILOGUE, work.conv)
            self.dut.descriptor_valid.value = 1
            await ReadOnly()
            while not self.dut.descriptor_ready.value:
                await self.cycle()
                await ReadOnly()
            await self.cycle()
            self.dut.descriptor_valid.value = 0

    async def parameters(self) -> None:
        """Tables and parameters, as far ahead as there are banks."""
        dut, cols = self.dut, self.config.cols
        for work in self.works:
            if work.conv.table:
                while self.tables - self.table_ends >= TABLE_BANKS:
                    await self.cycle()
                dut.table_write.value, dut.table_bank.value = 1, self.tables % TABLE_BANKS
                for index, values in enumerate(work.table.reshape(-1, table_lanes(self.config))):
                    dut.table_index.value, dut.table_data.value = index, pack_lanes(values & 255, 8)
                    await self.cycle()
                dut.table_write.value = 0
                self.tables += 1
            whole = -(-work.conv.n // cols) * cols
            packed = work.bias & 0xFFFFFFFF | work.mult << 32 | work.shift << 48
            packed = np.concatenate([packed, np.full(whole - work.conv.n, 1 << 48)])
            for first in range(0, whole, cols):
                while self.planes - self.tile_ends >= PARAMETER_BANKS:
                    await self.cycle()
                dut.parameters_bank.value = self.planes % PARAMETER_BANKS
                for plane in range(PLANES):
                    await self.pause()
                    dut.parameters_write.value, dut.parameters_plane.value = 1, plane
                    dut.parameters_data.value = pack_lanes(packed[first : first + cols] >> 8 * plane & 255, 8)
                    await self.cycle()
                    dut.parameters_write.value = 0
                self.planes += 1

    async def accumulators(self) -> None:
        """Tokens of each N-tile, once all that belongs to it is written and what came before is checked."""
        dut, cols, tile = self.dut, self.config.cols, 0
        for number, work in enumerate(self.works):
            conv, before = work.conv, [w.conv for w in self.works[:number]]
            # The program waits for whoever still needs statistics that this convolution would overwrite.
            users = [
                i for i, w in enumerate(before) if (conv.sums and w.sums) or (conv.row_max and w.row_max)
            ]
            while users and self.checked <= users[-1]:
                await self.cycle()
            mult, leading = work.reciprocals()
            self.reciprocals[conv.sum_slot, : conv.tokens] = pack_fields(
                RECIPROCAL, mult=mult, leading=leading
            )
            if conv.add:
                memory, limit = ("res", 0xFFFF) if conv.to_residual else ("act", 0xFF)
                for (token, channel), value in np.ndenumerate(work.old):
                    address, lane = work.place(self.config, token, channel)
                    address = (address + conv.add_offset) % (1 << ADDRESS_BITS)
                    self.memory[memory][address, lane] = int(value) & limit
            for first in range(0, conv.n, cols):
                while self.planes <= tile:
                    await self.cycle()
                tile += 1
                for token in range(conv.tokens):
                    await self.pause()
                    lanes = work.acc[token, first : first + cols]
                    rubbish = self.rng.integers(-(1 << 31), 1 << 31, cols - len(lanes))
                    dut.acc_payload.value = pack_lanes(np.concatenate([lanes, rubbish]), 32)
                    dut.acc_valid.value = 1
                    await ReadOnly()
                    while not dut.popped.value:
                        await self.cycle()
                        await ReadOnly()
                    await self.cycle()
                    dut.acc_valid.value = 0

    async def dma(self) -> None:
        """Completes one DMA instruction after the other, up to what the convolutions wait for."""
        for count in range(1, self.works[-1].conv.post_wait_dma + 1):
            for _ in range(int(self.rng.integers(0, 1 + 600 * self.gap))):
                await self.cycle()
            self.dut.dma_done.value = count

    async def memories(self) -> None:
        """The ports of both SRAMs, the read port of the denominators, and the counters."""
        dut, rows = self.dut, self.config.rows
        answers: dict[str, list[int]] = {"res": [], "act": []}
        latency = {"res": READ_LATENCY, "act": READ_LATENCY + 1}  # it asks for bytes a cycle ahead
        reciprocal = 0
        for port in (dut.act_write_ready, dut.res_write_ready, dut.res_read_ready, dut.act_read_ready):
            port.value = 1
        while True:
            await self.cycle()
            dut.reciprocal.value = reciprocal
            for memory, words in answers.items():
                words.append(0)
                if len(words) > latency[memory]:
                    getattr(dut, f"{memory}_read_data").value = words.pop(0)
            await ReadOnly()
            reciprocal = int(self.reciprocals[int(dut.sum_slot.value), int(dut.sum_token.value)])
            taken = self.pop_next and bool(dut.acc_valid.value)
            assert_equal("a token that was asked for", bool(dut.popped.value), taken)
            self.pop_next = bool(dut.acc_ready_next.value)
            for memory, bits in (("res", 16), ("act", 8)):
                if getattr(dut, f"{memory}_read_valid").value:
                    address = self.places[memory].address(int(getattr(dut, f"{memory}_read_place").value))
                    lanes = [self.memory[memory].get((address, lane), 0) for lane in range(rows)]
                    answers[memory][-1] = pack_lanes(lanes, bits)
            for residual, port, bits in ((False, "act_write", 8), (True, "res_write", 16)):
                if getattr(dut, f"{port}_valid").value:
                    self._write(residual, port, bits)
            self._count_words()
            self.tile_ends += int(dut.tile_end.value)
            self.table_ends += int(dut.table_end.value)
            self.done += int(dut.conv_done.value)

    def _count_words(self) -> None:
        """Words that are told to be complete have been written, of every token."""
        told, before = int(self.dut.words_done.value), self.words_done[self.done]
        assert told >= before, f"{told} words are told after {before}"
        if told == before:
            return
        self.words_done[self.done] = told
        work, rows = self.works[self.done], self.config.rows
        writes = self.writes[self.first_writes[self.done] :]
        found = {(address, lane) for _, address, lanes in writes for lane, _ in lanes}
        for token in range(work.conv.tokens):
            for channel in range(min(work.conv.n, told * rows)):
                place = work.place(self.config, token, channel)
                assert place in found, f"word {channel // rows} of token {token} is told, and not written"

    def _write(self, residual: bool, port: str, bits: int) -> None:
        mask, word, place = (int(getattr(self.dut, f"{port}_{n}").value) for n in ("mask", "data", "place"))
        address = self.places["res" if residual else "act"].address(place)
        values = unpack_lanes(word, self.config.rows, bits, signed=False)
        lanes = tuple((lane, int(value)) for lane, value in enumerate(values) if mask >> lane & 1)
        memory = self.memory["res" if residual else "act"]
        memory |= {(address, lane): value for lane, value in lanes}
        if lanes:
            self.writes.append((residual, address, lanes))
            self.dma_at_write.append(int(self.dut.dma_done.value))

    async def readers(self) -> None:
        """Reads statistics and row maxima from the cycle after ``conv_done`` on, and compares."""
        dut = self.dut
        for number, work in enumerate(self.works):
            while self.done <= number:
                await self.cycle()
            # Two cycles apart at least: a convolution is over when all that it writes can be read.
            tokens = range(work.conv.tokens)
            for token in tokens if work.conv.sums else ():
                dut.stat_token.value = work.conv.first_token + token
                await self.cycle()
                await ReadOnly()
                fields = unpack_fields(NORM_STATISTICS, int(dut.statistics.value))
                want = pack_fields(
                    NORM_STATISTICS, **dict(zip(fields, work.statistics()[:, token], strict=True))
                )
                assert_equal(f"statistics of {number}, token {token}", int(dut.statistics.value), int(want))
                await self.cycle()
            for token in tokens if work.conv.row_max else ():
                dut.stat_token.value = work.conv.first_token + token
                dut.max_slot.value = work.conv.max_slot
                await self.cycle()
                await ReadOnly()
                assert_equal(
                    f"row maximum of {number}, token {token}",
                    dut.row_max.value.to_signed(),
                    work.result[token].max(),
                )
                await self.cycle()
            self.checked += 1
