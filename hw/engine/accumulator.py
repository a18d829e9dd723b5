"""K-tile by K-tile accumulation, and the FIFO to the epilogue."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import next_power_of_two
from pointwise.hw.contract.timing import ACCUMULATE
from pointwise.hw.contract.walks import MAXIMUM_BITS

from .array import sum_shape
from .fifo import RamFifo, early_stream
from .primitives import ACCUMULATOR, ceil_log2, delay, less
from .ram import NO_COLLISION


def narrow(value: Value) -> Value:
    """The bits of a sum that a maximum looks at."""
    return value[:MAXIMUM_BITS].as_signed()


class Accumulator(wiring.Component):
    """Adds the sums of the K-tiles per token, or keeps the largest, and hands complete ones on in order.

    A token of the first K-tile starts afresh, one of the last K-tile leaves through the FIFO (a single K-tile
    is both); the memory of the running sums has one read and one write port. Whoever sends tokens has made
    sure of room for them in the FIFO, which is ``depth`` deep (``max_tokens``, rounded up to a power of two).

    Ports:
        valid: the array has a result.
        first: it is of the first K-tile.
        last: it is of the last K-tile.
        token: whose it is.
        sums: of the C columns.
        maximum: keep the largest in place of the sum, of the lowest MAXIMUM_BITS of each, two's complement.
        output: C accumulators of int32 for one token.

    Latency: 6 cycles from input to output (3 of them the FIFO's). Throughput: one vector a cycle.
    """

    LATENCY = ACCUMULATE

    def __init__(self, rows: int, cols: int, max_tokens: int) -> None:
        self.rows, self.cols, self.max_tokens = rows, cols, max_tokens
        self.depth = next_power_of_two(max_tokens)
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "last": In(1),
                "maximum": In(1),
                "token": In(unsigned(ceil_log2(max_tokens))),
                "sums": In(data.ArrayLayout(sum_shape(rows), cols)),
                "output": Out(early_stream(data.ArrayLayout(ACCUMULATOR, cols))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layout = data.ArrayLayout(ACCUMULATOR, self.cols)
        m.submodules.running = running = Memory(
            shape=unsigned(32 * self.cols), depth=self.max_tokens, init=[], attrs=NO_COLLISION
        )
        # More places than are promised, so that the depth of its memory is a power of two.
        m.submodules.fifo = fifo = RamFifo(width=32 * self.cols, depth=self.depth + RamFifo.REGISTERS)
        reader, writer = running.read_port(), running.write_port()
        m.d.comb += [reader.addr.eq(self.token), reader.en.eq(self.valid & ~self.first)]

        valid = delay(m, self.valid, 1, name="valid", reset_less=False)
        first = delay(m, self.first, 1, name="first")
        last = delay(m, self.last, 1, name="last")
        token = delay(m, self.token, 1, name="token")
        # Block RAM takes half of a cycle to answer, so that the addition gets one of its own.
        sums = [delay(m, self.sums[c], 1, name=f"sums_{c}") for c in range(self.cols)]
        maximum = delay(m, self.maximum, 1, name="maximum")
        # Of a maximum the new sum passes the adder alone, and the old one, a few bits, passes it by.
        news = [Mux(maximum, narrow(value), value).as_signed() for value in sums]
        news = [delay(m, value, 1, name=f"new_{c}") for c, value in enumerate(news)]
        before = Signal(layout, name="before", reset_less=True)
        old = [Signal(signed(MAXIMUM_BITS), name=f"old_{c}", reset_less=True) for c in range(self.cols)]
        m.d.sync += before.eq(Mux(first | maximum, 0, reader.data))
        compared = delay(m, maximum & ~first, 1, name="compared")
        totals = Signal(layout, name="totals", reset_less=True)
        for c in range(self.cols):
            m.d.sync += old[c].eq(narrow(reader.data.word_select(c, 32)))
            kept = compared & ~less(old[c], narrow(news[c]))
            total = (before[c] + news[c])[:32]
            # The bits above are those of the new one, but where an old one that is not negative is kept.
            low = Mux(kept, old[c], total[:MAXIMUM_BITS])[:MAXIMUM_BITS]
            high = Mux(kept & ~old[c][-1], 0, total[MAXIMUM_BITS:])
            m.d.sync += totals[c].eq(Cat(low, high[: 32 - MAXIMUM_BITS]).as_signed())

        total_valid = delay(m, valid, 2, name="total_valid", reset_less=False)
        total_last = delay(m, last, 2, name="total_last")
        packed = Cat(totals.as_value())
        m.d.comb += [
            writer.addr.eq(delay(m, token, 2, name="total_token")),
            writer.data.eq(packed),
            writer.en.eq(total_valid & ~total_last),
            fifo.i.payload.eq(packed),
            fifo.i.valid.eq(total_valid & total_last),
            self.output.payload.as_value().eq(fifo.o.payload),
            self.output.valid.eq(fifo.o.valid),
            fifo.o.ready_next.eq(self.output.ready_next),
        ]
        return m
