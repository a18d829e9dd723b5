"""Harnesses of AxiReader: the protocol and the room in its FIFOs for ever, the data for some cycles."""

from amaranth.hdl import Assert, Assume, Elaboratable, Module, Mux, Signal

from pointwise.hw.bus.reader import AxiReader
from pointwise.hw.bus.window import WINDOWS
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.timing import outstanding_bursts
from pointwise.sim.formal.axi import address_channel, read_memory
from pointwise.sim.formal.properties import free_inputs, in_order, inside, previous, stable

MOST_BEATS = 5
"""Of a transfer where data is followed: more than two bursts of two beats, from an odd address on."""


def lengths_of_splitter(m: Module, state: dict[str, Signal], at: str, most: int) -> None:
    """Assert of a splitter that its burst has beats and ends in its block, and the same of what waits.

    Args:
        state: the signals of the reader. at: the splitter's path. most: beats of the longest burst.
    """
    edge = most.bit_length() - 1
    length, offset, tail = (state[at + name] for name in ("length", "offset", "tail"))
    with m.If(state[at + "active"]):
        m.d.comb += Assert((length != 0) & (offset + length <= most))
        m.d.comb += Assert((tail != 0) & (tail <= most))
    with m.If(state[at + "fits"]):
        m.d.comb += [Assert(state[at + "active"]), Assert(length <= state[f"room{at[8:-1]}"])]
    reach, alone, short = (state[at + name] for name in ("next_reach", "next_beats", "next_short"))
    with m.If(state[at + "waiting"]):
        m.d.comb += Assert(short | (reach[edge:] != 0))
        with m.If(short):
            m.d.comb += Assert(reach[edge + 2 :] == 0)
        with m.If(reach[edge:] == 0):
            m.d.comb += Assert((alone != 0) & (state[at + "next_offset"] + alone == reach))


class ReaderProtocolProof(Elaboratable):
    """Any transfers, any halts, any answers: AR keeps the rules, and no beat ever finds its FIFO full.

    Of the memory it is assumed that each client's bursts are answered with no more beats than were asked
    for, and with all of them when no burst is left.
    """

    def __init__(self, config: CoreConfig, depths: list[int]) -> None:
        self.config, self.depths = config, depths

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = AxiReader(self.config, self.depths)
        free_inputs(m, unit)
        state = inside(m, unit)
        axi = unit.axi
        address_channel(m, axi, "ar", most=self.config.axi_burst)
        m.d.comb += Assert(axi.rready)

        # Answers: a burst is one once its address was taken, and ends with RLAST.
        outstanding = outstanding_bursts(self.config.axi_burst)
        bursts = Signal(range(outstanding + 2))
        ends = axi.rvalid & axi.rlast
        m.d.sync += bursts.eq(bursts + (axi.arvalid & axi.arready) - ends)
        m.d.comb += [
            Assume(~axi.rvalid | (bursts != 0)),
            Assert(bursts + axi.arvalid == state["owners.level"] + state["issued"]),
            Assert(
                state["places"] + state["owners.level"] + state["issued"] + state["refuses"] == outstanding
            ),
            Assert(state["vacant"] == (state["places"] != 0)),
            Assert(~state["issued"] | axi.arvalid),
            Assert(unit.idle == (~axi.arvalid & (bursts == 0))),
            Assume(~previous(m, unit.halt & ~unit.idle, name="halting") | unit.halt),
        ]

        # A client's FIFO has room for all that was asked for: its room is what is neither there nor to come.
        addr_width = self.config.axi_addr_width
        owner = state["owners.r_data"][addr_width:]
        for index, depth in enumerate(self.depths):
            transfers = unit.transfers[index]
            m.d.comb += Assume(~transfers.valid | (transfers.p.beats != 0))
            lengths_of_splitter(m, state, f"splitter{index}.", self.config.axi_burst)
            arrives = state["arrives"] & owner[index]
            offered = state[f"splitter{index}.bursts__payload"]
            queued, outside = offered[addr_width:-1] + 1, offered[-1]
            waiting = Mux(state[f"splitter{index}.bursts__valid"], queued, 0)  # formed, not yet asked for
            asked = Signal(range(depth + 1), name=f"asked{index}")
            lost = Signal(range(depth + 1), name=f"lost{index}")  # reserved for a transfer that was refused
            issued = Mux(state["issue"] & state["chosen"][index], queued, 0)
            m.d.sync += [
                asked.eq(asked + Mux(outside, 0, issued) - arrives),
                lost.eq(Mux(unit.halt, 0, lost + Mux(outside, issued, 0))),
            ]
            with m.If(arrives):
                m.d.comb += Assume(asked != 0)
            with m.If(bursts + axi.arvalid == 0):
                m.d.comb += Assume(asked == 0)
            level = state[f"fifo{index}.level"] + unit.beats[index].valid
            came = state["came"][index]
            with m.If(came & ~unit.halt):
                m.d.comb += Assert(state[f"fifo{index}.w_rdy"])
            halted = previous(m, unit.halt, name=f"halted{index}")
            m.d.comb += Assert(~(halted & came) | unit.halt)
            m.d.comb += Assert(asked <= depth)
            with m.If(halted):
                m.d.comb += Assert((state[f"room{index}"] == depth) & (level == 0) & (waiting == 0))
            with m.Else():
                room = state[f"room{index}"] + state[f"taken{index}"]
                m.d.comb += Assert(room + level + came + waiting + asked + lost == depth)
            beats = unit.beats[index]
            stable(m, beats.valid, beats.ready, beats.payload, unless=unit.halt, name=f"beats{index}")
            # A burst that waits lies between two borders.
            edge = self.config.axi_burst.bit_length() - 1
            lane = (self.config.axi_data_width // 8).bit_length() - 1
            place = offered[lane : lane + edge]
            with m.If(waiting != 0):
                m.d.comb += Assert(place + queued <= self.config.axi_burst)
                m.d.comb += Assert(offered[:lane] == 0)
        with m.If(axi.arvalid):
            m.d.comb += Assert(axi.araddr[lane : lane + edge] + axi.arlen < self.config.axi_burst)
        return m


class ReaderDataProof(Elaboratable):
    """Each client gets the beats of its transfers, in order; an error is told with the burst it came to."""

    def __init__(self, config: CoreConfig, depths: list[int]) -> None:
        self.config, self.depths = config, depths

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = AxiReader(self.config, self.depths)
        free_inputs(m, unit, fixed=("axi", "halt", "windows"))
        inside(m, unit)
        memory = 1 << self.config.axi_addr_width
        m.d.comb += [window.bytes.eq(memory) for window in unit.windows]
        answer = read_memory(m, unit.axi, outstanding=4)
        lane = (self.config.axi_data_width // 8).bit_length() - 1
        for index in range(len(self.depths)):
            transfers, beats = unit.transfers[index], unit.beats[index]
            few = (transfers.p.beats != 0) & (transfers.p.beats <= MOST_BEATS)
            end = transfers.p.offset + (transfers.p.beats << lane)
            allowed = few & (transfers.p.window < WINDOWS) & (end <= memory)
            m.d.comb += Assume(~transfers.valid | allowed)
            first = transfers.p.offset[lane : self.config.axi_addr_width]
            in_order(
                m,
                Mux(transfers.valid & transfers.ready, transfers.p.beats[:3], 0),
                [(first + beat)[: len(first)] for beat in range(MOST_BEATS)],
                beats.valid & beats.ready,
                [beats.payload[: len(first)]],
                capacity=63,
                name=f"client{index}",
            )
        failed = Signal()
        address = Signal.like(unit.error_address)
        with m.If(answer["arrives"] & answer["resp"][1] & ~failed):
            m.d.sync += [failed.eq(1), address.eq(answer["burst_address"])]
        m.d.comb += Assert(unit.error == failed)
        with m.If(failed):
            m.d.comb += Assert(unit.error_address == address)
        return m
