"""cocotb drivers: sources and sinks for streams, a master for AXI4-Lite, reset, and one switch for stalls.

Ports are named as ``hw.verilog`` names them: a stream ``i`` has ``i_payload``, ``i_valid`` and ``i_ready``. A
wide payload is one int (``sim.lanes`` packs lane vectors). All drivers run on the rising edge of a clock that
somebody else makes, such as ``Clock(dut.clk, 10, unit="ns").start()``.

Stalls are random, seeded by cocotb's own seed and the name of the stream, so that a run repeats and a change
of one stream leaves the others alone. ``POINTWISE_STALLS=0`` in the environment turns all of them off.
"""

import os
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import cocotb
from cocotb.triggers import Event, RisingEdge

STALLS_VARIABLE = "POINTWISE_STALLS"

RESPONSES = ("OKAY", "EXOKAY", "SLVERR", "DECERR")
"""What a two-bit response of AXI means."""


class BusError(Exception):
    """A bus did not answer in time, or not with the response that was expected."""


async def reset(dut: Any, cycles: int = 3) -> None:
    """Hold ``rst`` high over ``cycles`` rising edges of ``clk`` and low over two.

    AXI4 lets a master raise VALID only after an edge without reset, and a test bench may delay reset by one.
    """
    dut.rst.value = 1
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    for _ in range(2):
        await RisingEdge(dut.clk)


def stall_pattern(name: str, probability: float) -> Callable[[], bool]:
    """A function that says anew for each cycle whether to stall.

    Args:
        name: of the stream; with cocotb's seed it decides the sequence.
        probability: of a stall in a cycle, 0..1 (below 1, or nothing ever moves).
    """
    if not 0 <= probability < 1:
        raise ValueError(f"the stall probability {probability} of {name} must lie in 0 .. 1, below 1")
    if probability == 0 or os.environ.get(STALLS_VARIABLE, "1") == "0":
        return lambda: False
    draw = random.Random(f"{cocotb.RANDOM_SEED}/{name}").random
    return lambda: draw() < probability


class StreamSource:
    """Drives a stream: words are queued, and go out in order with random gaps between them.

    Args:
        dut: the component with the port.
        name: of the stream, ``i`` for ``i_payload``, ``i_valid`` and ``i_ready``. One that is always ready
            has no ``i_ready``; an empty payload has no ``i_payload``.
        stall: probability that a cycle in which a word could be shown shows none. A word once shown stays.
        clock: its clock, ``dut.clk`` unless given.
    """

    def __init__(self, dut: Any, name: str, *, stall: float = 0.0, clock: Any = None) -> None:
        self._payload = getattr(dut, f"{name}_payload", None)
        self._valid = getattr(dut, f"{name}_valid")
        self._ready = getattr(dut, f"{name}_ready", None)
        self._mask = (1 << len(self._payload)) - 1 if self._payload is not None else 0
        self._clock = dut.clk if clock is None else clock
        self._stall = stall_pattern(name, stall)
        self._queue: deque[int] = deque()
        self._news, self._empty = Event(), Event()
        self._valid.value = 0
        self.sent = 0
        """Words that have been taken so far."""
        cocotb.start_soon(self._drive())

    def put(self, words: Iterable[int]) -> None:
        """Queue words (a negative one in two's complement) and return at once."""
        self._queue.extend(words)
        if self._queue:
            self._empty.clear()
            self._news.set()

    async def send(self, words: Iterable[int]) -> None:
        """Queue words and wait until the last of them has been taken."""
        self.put(words)
        await self.drained()

    async def drained(self) -> None:
        """Wait until everything that was queued has been taken."""
        if self._queue:
            await self._empty.wait()

    async def _drive(self) -> None:
        edge = RisingEdge(self._clock)
        while True:
            while not self._queue:
                self._news.clear()
                await self._news.wait()
            while self._stall():
                await edge
            if self._payload is not None:
                self._payload.value = self._queue[0] & self._mask
            self._valid.value = 1
            await edge
            while self._ready is not None and not int(self._ready.value):
                await edge
            self._valid.value = 0
            self._queue.popleft()
            self.sent += 1
            if not self._queue:
                self._empty.set()


class StreamSink:
    """Takes what a stream gives, with random cycles in which it is not ready.

    Args:
        dut, name, clock: as for ``StreamSource``; a stream that is always valid has no ``<name>_valid``.
        stall: probability that READY is low in a cycle. It is drawn without looking at VALID.
    """

    def __init__(self, dut: Any, name: str, *, stall: float = 0.0, clock: Any = None) -> None:
        self._payload = getattr(dut, f"{name}_payload", None)
        self._valid = getattr(dut, f"{name}_valid", None)
        self._ready = getattr(dut, f"{name}_ready", None)
        self._clock = dut.clk if clock is None else clock
        self._stall = stall_pattern(name, stall)
        self._news = Event()
        self.received: list[int] = []
        """Every word taken so far, as unsigned ints."""
        cocotb.start_soon(self._take())

    async def receive(self, count: int) -> list[int]:
        """Wait until ``count`` words are there, and take them out of ``received``."""
        while len(self.received) < count:
            self._news.clear()
            await self._news.wait()
        words, self.received = self.received[:count], self.received[count:]
        return words

    async def _take(self) -> None:
        edge = RisingEdge(self._clock)
        while True:
            ready = not self._stall()
            if self._ready is not None:
                self._ready.value = int(ready)
            await edge
            if ready and (self._valid is None or int(self._valid.value)):
                self.received.append(int(self._payload.value) if self._payload is not None else 0)
                self._news.set()


class AxiLiteMaster:
    """One access at a time over AXI4-Lite, with the response checked.

    cocotbext-axi has such a master too, which runs under this cocotb. It takes 2.5 times as long,
    waits for ever where nothing answers, and brings cocotb-bus with Scapy, which is under the GPL.

    Args:
        dut: the component with the ports.
        prefix: what their names begin with, ``s_axil_`` for ``s_axil_awaddr``.
        clock: its clock, ``dut.clk`` unless given.
        timeout: cycles after which an access that has had no response raises.
    """

    def __init__(self, dut: Any, prefix: str = "s_axil_", *, clock: Any = None, timeout: int = 1000) -> None:
        self._port = lambda name: getattr(dut, prefix + name)
        self._clock = dut.clk if clock is None else clock
        self._edge = RisingEdge(self._clock)
        self.timeout = timeout
        for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
            self._port(name).value = 0
        for name in ("awprot", "arprot"):
            if hasattr(dut, prefix + name):
                self._port(name).value = 0

    async def write(
        self, address: int, data: int, *, strobe: int | None = None, expect: int | None = 0
    ) -> int:
        """Write a word; ``strobe`` has a bit per byte (all by default).

        Returns:
            The response. ``expect`` None takes any.

        Raises:
            BusError: if the response is another than ``expect``, or none comes in ``timeout`` cycles.
        """
        full = (1 << len(self._port("wstrb"))) - 1
        self._port("awaddr").value = address
        self._port("wdata").value = data
        self._port("wstrb").value = full if strobe is None else strobe
        self._port("awvalid").value = 1
        self._port("wvalid").value = 1
        self._port("bready").value = 1
        what = f"the write of {data:#x} to {address:#x}"
        open_channels = {"aw", "w", "b"}
        for _ in range(self.timeout):
            await self._edge
            for channel in sorted(open_channels):
                if int(self._port(f"{channel}valid").value) and int(self._port(f"{channel}ready").value):
                    open_channels.discard(channel)
                    self._port("bready" if channel == "b" else f"{channel}valid").value = 0
                    if channel == "b":
                        response = int(self._port("bresp").value)
            if not open_channels:
                return self._judged(what, response, expect)
        raise BusError(f"{what} had no response after {self.timeout} cycles on {sorted(open_channels)}")

    async def read(self, address: int, *, expect: int | None = 0) -> int:
        """Read a word.

        Raises:
            BusError: as for ``write``.
        """
        self._port("araddr").value = address
        self._port("arvalid").value = 1
        self._port("rready").value = 1
        what = f"the read of {address:#x}"
        asked = False
        for _ in range(self.timeout):
            await self._edge
            if not asked and int(self._port("arready").value):
                asked = True
                self._port("arvalid").value = 0
            if int(self._port("rvalid").value):
                self._port("rready").value = 0
                data = int(self._port("rdata").value)
                self._judged(what, int(self._port("rresp").value), expect)
                return data
        raise BusError(f"{what} had no response after {self.timeout} cycles")

    async def poll(self, address: int, mask: int, value: int, *, attempts: int = 1000) -> int:
        """Read until ``data & mask == value``; returns the data, raises BusError after so many reads."""
        data = 0
        for _ in range(attempts):
            data = await self.read(address)
            if data & mask == value:
                return data
        raise BusError(f"{address:#x} still reads {data:#x}; expected {value:#x} under the mask {mask:#x}")

    @staticmethod
    def _judged(what: str, response: int, expect: int | None) -> int:
        if expect is not None and response != expect:
            raise BusError(f"{what} was answered {RESPONSES[response]}; expected {RESPONSES[expect]}")
        return response
