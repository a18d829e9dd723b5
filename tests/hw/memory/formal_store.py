"""Harness of StorePath: a word that is asked for always finds room, and words leave in order."""

from amaranth.hdl import Assert, Assume, Elaboratable, Module

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.timing import READ_LATENCY
from pointwise.hw.engine.primitives import delay
from pointwise.hw.memory.paths import StorePath
from pointwise.sim.formal.properties import free_inputs, in_order, inside, previous, stable


class StorePathProof(Elaboratable):
    """Any words, a memory that is ready when it likes, a bus that takes beats when it likes.

    Args:
        follow: whether to follow the words, where a residual word is a beat; what a packer does with smaller
            ones has a proof of its own.
    """

    def __init__(self, config: CoreConfig, *, follow: bool) -> None:
        self.config, self.follow = config, follow

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = StorePath(self.config)
        free_inputs(m, unit, fixed=("res_read_data", "space") if self.follow else ())
        state = inside(m, unit)
        beats, words = unit.beats, unit.words
        stable(m, beats.valid, beats.ready, beats.payload, name="beats")
        granted = words.valid & words.ready

        # Room is what is neither in the FIFO nor on its way there.
        coming = sum(state[f"arrived_d{cycle + 1}"] for cycle in range(READ_LATENCY))
        with m.If(state[f"arrived_d{READ_LATENCY}"]):
            m.d.comb += Assert(state["fifo.w_rdy"])
        m.d.comb += [
            Assert(state["room_free"] + state["fifo.level"] + coming == StorePath.DEPTH),
            Assert(state["room_some"] == (state["room_free"] != 0)),
        ]

        if self.follow:
            m.d.comb += unit.space.eq(Space.RESIDUAL)
            m.d.comb += unit.res_read.data.eq(delay(m, unit.res_read.place.inside, READ_LATENCY, name="word"))
            in_order(
                m,
                granted,
                [words.p.res.inside],
                beats.valid & beats.ready,
                [beats.payload[: len(unit.res_read.place.inside)]],
                capacity=StorePath.DEPTH + 2,
                name="word",
            )
        else:
            before = previous(m, unit.space, name="space")
            m.d.comb += Assume(previous(m, unit.idle, name="idle", init=1) | (unit.space == before))
            for space in Space:
                with m.If(unit.space != space):
                    m.d.comb += Assert(~state[f"{space.name.lower()}.beats__valid"])
        return m
