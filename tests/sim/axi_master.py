"""An AXI4 master for cocotb that runs a list of bursts, many of them open, and keeps a diary of cycles.

cocotbext-axi's master gives data and responses, but not the cycles in which they came, which are what is
tested here; nor does it read what the memory tells beside the bus.
"""

import random
from dataclasses import dataclass, field

from cocotb.triggers import RisingEdge

INCR = 1


@dataclass(eq=False)
class Burst:
    """One burst: what is asked, and what came of it.

    ``data`` are the beats to be written or those that were read, ``strobes`` one mask a beat. ``responses``
    are one a beat for a read and one in all for a write. ``asked``, ``first`` and ``last`` are the cycles in
    which the address, the first and the last beat of data were taken, ``answered`` that of the response.
    """

    write: bool
    address: int
    beats: int
    id: int = 0
    data: list[int] = field(default_factory=list)
    strobes: list[int] = field(default_factory=list)
    responses: list[int] = field(default_factory=list)
    uninitialised: list[bool] = field(default_factory=list)
    asked: int = -1
    first: int = -1
    last: int = -1
    answered: int = -1
    done: bool = False

    def overlaps(self, other: "Burst", size: int) -> bool:
        """Whether both touch a common beat of ``size`` bytes."""
        last, other_last = self.address + self.beats * size, other.address + other.beats * size
        return self.address < other_last and other.address < last


class AxiMaster:
    """Drives ``<channel><signal>`` ports of ``dut``.

    Args:
        stall: probability in a cycle and on a channel that the master does not show, or take, an item.
        outstanding: bursts open at the same time in each direction.
        early_data: let write data go ahead of its address.
    """

    def __init__(self, dut, *, stall=0.0, outstanding=16, early_data=False, seed=0):
        self.dut, self.stall, self.outstanding, self.early_data = dut, stall, outstanding, early_data
        self.size = len(dut.wstrb)
        self.rng = random.Random(seed)
        self.cycle = 0
        dut.awsize.value = dut.arsize.value = self.size.bit_length() - 1
        dut.awburst.value = dut.arburst.value = INCR
        for name in ("awvalid", "wvalid", "arvalid", "bready", "rready"):
            getattr(dut, name).value = 0

    def moves(self):
        return self.stall == 0 or self.rng.random() >= self.stall

    async def run(self, bursts: list[Burst], limit: int = 100_000) -> None:
        """Run all bursts; one waits for those before it in the list that overlap it and go the other way.

        Raises:
            TimeoutError: after ``limit`` cycles.
        """
        dut, edge = self.dut, RisingEdge(self.dut.clk)
        reads = [burst for burst in bursts if not burst.write]
        writes = [burst for burst in bursts if burst.write]
        order = {burst: index for index, burst in enumerate(bursts)}
        ar = aw = w = beat = 0  # next to be shown
        r = b = 0  # next to be answered
        opened = 0  # writes that may start
        showing = {"ar": False, "aw": False, "w": False}

        def free(burst, others):
            earlier = (other for other in others if not other.done and order[other] < order[burst])
            return not any(other.overlaps(burst, self.size) for other in earlier)

        while r < len(reads) or b < len(writes):
            may_read = ar < len(reads) and ar - r < self.outstanding and free(reads[ar], writes)
            if not showing["ar"] and may_read and self.moves():
                self._address("ar", reads[ar])
                showing["ar"] = True
            while opened < len(writes) and opened - b < self.outstanding and free(writes[opened], reads):
                opened += 1
            if not showing["aw"] and aw < opened and self.moves():
                self._address("aw", writes[aw])
                showing["aw"] = True
            if not showing["w"] and w < (opened if self.early_data else aw) and self.moves():
                dut.wdata.value, dut.wstrb.value = writes[w].data[beat], writes[w].strobes[beat]
                dut.wlast.value = int(beat == writes[w].beats - 1)
                showing["w"] = True
            rready, bready = self.moves(), self.moves()
            for channel, shown in showing.items():
                getattr(dut, f"{channel}valid").value = int(shown)
            dut.rready.value, dut.bready.value = int(rready), int(bready)
            await edge
            self.cycle += 1
            if self.cycle > limit:
                raise TimeoutError(f"{r}/{len(reads)} reads, {b}/{len(writes)} writes after {limit} cycles")
            if rready and int(dut.rvalid.value):
                burst = reads[r]
                assert int(dut.rid.value) == burst.id
                burst.data.append(int(dut.rdata.value))
                burst.responses.append(int(dut.rresp.value))
                burst.uninitialised.append(bool(int(dut.r_uninit.value)))
                burst.first = self.cycle if burst.first < 0 else burst.first
                if int(dut.rlast.value):
                    assert len(burst.data) == burst.beats
                    burst.last, burst.done = self.cycle, True
                    r += 1
            if bready and int(dut.bvalid.value):
                burst = writes[b]
                assert int(dut.bid.value) == burst.id
                burst.responses.append(int(dut.bresp.value))
                burst.answered, burst.done = self.cycle, True
                b += 1
            if showing["ar"] and int(dut.arready.value):
                reads[ar].asked, showing["ar"], ar = self.cycle, False, ar + 1
            if showing["aw"] and int(dut.awready.value):
                writes[aw].asked, showing["aw"], aw = self.cycle, False, aw + 1
            if showing["w"] and int(dut.wready.value):
                writes[w].first = self.cycle if beat == 0 else writes[w].first
                showing["w"], beat = False, beat + 1
                if beat == writes[w].beats:
                    writes[w].last, w, beat = self.cycle, w + 1, 0
        for name in ("awvalid", "wvalid", "arvalid", "bready", "rready"):
            getattr(dut, name).value = 0

    def _address(self, channel, burst):
        getattr(self.dut, f"{channel}addr").value = burst.address
        getattr(self.dut, f"{channel}len").value = burst.beats - 1
        getattr(self.dut, f"{channel}id").value = burst.id
