"""What AXI4 masters are proved against: the rules of a master, a memory that answers when it likes."""

from typing import Any

from amaranth.hdl import Array, Assert, Cat, Module, Mux, Signal, Value

from pointwise.hw.bus.axi import CACHE_NORMAL, PROT_DATA, Burst

from .properties import free, stable

PAGE_BITS = 12
"""A burst must not cross a border of 4 KB."""


def address_channel(m: Module, axi: Any, prefix: str, *, most: int) -> None:
    """Assert what AXI4 asks of an address channel, and the core's own promise: INCR bursts of whole beats.

    Args:
        axi: the master's interface. prefix: ``ar`` or ``aw``. most: beats of the longest burst.
    """

    def of(name: str) -> Value:
        return getattr(axi, prefix + name)

    names = ("addr", "len", "id", "size", "burst", "lock", "cache", "prot", "qos")
    stable(m, of("valid"), of("ready"), Cat(of(name) for name in names), name=prefix)
    lane_bits = (axi.signature.data_width // 8).bit_length() - 1
    last_beat = of("addr")[lane_bits:PAGE_BITS] + of("len")
    with m.If(of("valid")):
        m.d.comb += [
            Assert(of("addr")[:lane_bits] == 0),
            Assert(last_beat < 1 << (PAGE_BITS - lane_bits)),
            Assert(of("len") < most),
            Assert(of("size") == lane_bits),
            Assert(of("burst") == Burst.INCR),
            Assert(Cat(of("id"), of("lock"), of("qos")) == 0),
            Assert(of("cache") == CACHE_NORMAL),
            Assert(of("prot") == PROT_DATA),
        ]


def read_memory(m: Module, axi: Any, *, outstanding: int) -> dict[str, Value]:
    """Drive ARREADY and the R channel as a memory may: bursts in order, each with exactly its beats.

    It answers, takes and pauses when it likes, with any RRESP. The data of a beat is its address, counted in
    beats and cut to the width of the bus.

    Args:
        outstanding: bursts that it takes before it answers the first; ARREADY is low while it has that many.

    Returns:
        ``arrives``, and of the beat that is on offer ``burst_address`` and ``resp``.
    """
    lane_bits = (axi.signature.data_width // 8).bit_length() - 1
    addresses = Array(Signal.like(axi.araddr, name=f"memory_address{i}") for i in range(outstanding))
    lengths = Array(Signal(8, name=f"memory_length{i}") for i in range(outstanding))
    head, tail = (Signal(range(outstanding), name=f"memory_{name}") for name in ("head", "tail"))
    count = Signal(range(outstanding + 1), name="memory_count")
    beat = Signal(8, name="memory_beat")
    asked, arrives, ends = Signal(), Signal(), Signal()

    def after(index: Signal) -> Value:
        return Mux(index == outstanding - 1, 0, index + 1)

    m.d.comb += [
        axi.arready.eq(free(name="memory_takes", m=m) & (count != outstanding)),
        axi.rvalid.eq(free(name="memory_answers", m=m) & (count != 0)),
        axi.rdata.eq((addresses[head] >> lane_bits) + beat),
        axi.rlast.eq(beat == lengths[head]),
        axi.rresp.eq(free(2, name="memory_resp", m=m)),
        asked.eq(axi.arvalid & axi.arready),
        arrives.eq(axi.rvalid & axi.rready),
        ends.eq(arrives & axi.rlast),
    ]
    m.d.sync += count.eq(count + asked - ends)
    with m.If(asked):
        m.d.sync += [addresses[tail].eq(axi.araddr), lengths[tail].eq(axi.arlen), tail.eq(after(tail))]
    with m.If(arrives):
        m.d.sync += beat.eq(beat + 1)
    with m.If(ends):
        m.d.sync += [beat.eq(0), head.eq(after(head))]
    return {"arrives": arrives, "burst_address": addresses[head], "resp": axi.rresp}


def write_memory(m: Module, axi: Any) -> dict[str, Signal]:
    """Drive AWREADY, WREADY and the B channel as a memory may: an answer for each burst that is complete.

    Returns:
        ``answered``, ``resp``, and ``unanswered``, the bursts whose address was taken.
    """
    addresses, bursts = (Signal(6, name=f"memory_{name}") for name in ("addresses", "bursts"))
    asked, ends, answered = Signal(), Signal(), Signal()
    m.d.comb += [
        axi.awready.eq(free(name="memory_takes_aw", m=m)),
        axi.wready.eq(free(name="memory_takes_w", m=m)),
        axi.bvalid.eq(free(name="memory_answers", m=m) & (addresses != 0) & (bursts != 0)),
        axi.bresp.eq(free(2, name="memory_resp", m=m)),
        asked.eq(axi.awvalid & axi.awready),
        ends.eq(axi.wvalid & axi.wready & axi.wlast),
        answered.eq(axi.bvalid & axi.bready),
    ]
    m.d.sync += [addresses.eq(addresses + asked - answered), bursts.eq(bursts + ends - answered)]
    return {"answered": answered, "resp": axi.bresp, "unanswered": addresses}
