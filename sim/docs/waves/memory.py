"""A memory behind an AXI4 port, in cocotb: a beat a cycle, after so many cycles, in order."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from pointwise.hw.bus.axi import Resp


@dataclass
class _Burst:
    address: int
    beats: int
    due: int


class Memory:
    """Takes what a master asks for at once, and answers in order.

    Args:
        dut: with the ports ``m_axi_…`` and ``clk``. data: its bytes, from address 0 on.
        latency: cycles from the address of a read to its first beat, and from the last beat of a write to
            its answer.
    """

    def __init__(self, dut: Any, data: bytearray, latency: int) -> None:
        self.dut, self.data, self.latency = dut, data, latency
        self.bad: range = range(0)
        """Addresses whose reads are answered with SLVERR."""
        self.cycle = 0
        for name in ("arready", "awready", "wready"):
            self._port(name).value = 1
        for name in ("rvalid", "bvalid", "rid", "bid", "bresp", "rresp", "rlast"):
            self._port(name).value = 0
        cocotb.start_soon(self._serve())

    def _port(self, name: str) -> Any:
        return getattr(self.dut, f"m_axi_{name}")

    def _get(self, name: str) -> int:
        return int(self._port(name).value)

    async def _serve(self) -> None:
        reads: deque[_Burst] = deque()
        writes: deque[_Burst] = deque()
        answers: deque[int] = deque()
        edge = RisingEdge(self.dut.clk)
        while True:
            await edge
            self.cycle += 1
            if self._get("arvalid"):
                reads.append(
                    _Burst(self._get("araddr"), self._get("arlen") + 1, self.cycle + self.latency - 1)
                )
            if self._get("awvalid"):
                writes.append(_Burst(self._get("awaddr"), self._get("awlen") + 1, 0))
            if self._get("wvalid"):
                self._write(writes[0])
                if self._get("wlast"):
                    writes.popleft()
                    answers.append(self.cycle + self.latency - 1)
            self._show_read(reads)
            self._port("bvalid").value = int(bool(answers) and answers[0] <= self.cycle)
            if answers and answers[0] <= self.cycle:
                answers.popleft()

    def _write(self, burst: _Burst) -> None:
        data, mask, size = self._get("wdata"), self._get("wstrb"), len(self._port("wstrb"))
        for lane in range(size):
            if mask >> lane & 1:
                self.data[burst.address + lane] = data >> 8 * lane & 0xFF
        burst.address += size

    def _show_read(self, reads: deque[_Burst]) -> None:
        shows = bool(reads) and reads[0].due <= self.cycle
        self._port("rvalid").value = int(shows)
        if not shows:
            return
        burst, size = reads[0], len(self._port("rdata")) // 8
        first = burst.address
        self._port("rdata").value = int.from_bytes(self.data[first : first + size], "little")
        self._port("rresp").value = int(Resp.SLVERR if first in self.bad else Resp.OKAY)
        burst.address += size
        burst.beats -= 1
        self._port("rlast").value = int(burst.beats == 0)
        if not burst.beats:
            reads.popleft()
