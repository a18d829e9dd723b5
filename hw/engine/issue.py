"""The issue of tokens: asks the SRAM for each, and starts each tile once the array has it in its shadows."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.slice import RegisterSlice
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.timing import STREAM_REVISIT

from .banked_address import act_address, res_address
from .primitives import ceil_log2
from .tags import TokenTag


class TokenRequest(data.StructLayout):
    """A token that is to be fetched.

    Fields:
        residual: from which SRAM; act, res: where it lies there. tag: what travels with it.
        stat_token, max_slot: where its statistics lie. final: it is the last of its convolution.
    """

    def __init__(self, config: CoreConfig) -> None:
        super().__init__(
            {
                "residual": unsigned(1),
                "act": act_address(config),
                "res": res_address(config),
                "tag": TokenTag(config),
                "stat_token": unsigned(ceil_log2(config.max_tokens)),
                "max_slot": unsigned(1),
                "final": unsigned(1),
            }
        )


class TokenIssue(wiring.Component):
    """Holds the next tokens until their SRAM serves them, in order.

    The first token of a tile waits for the tile too, and for STREAM_REVISIT since the last one started, not
    counting cycles in which a token of that tile waited for its SRAM: each comes again late enough then.
    Whether both are so is a register, told a cycle ahead: the loader is far from here.
    What the streamer must know to go on is a register here, and what is granted here moves nothing but this.

    Ports:
        requests: the tokens in order.
        stall_cause: why the streamer has none in this cycle.
        tile_next: the loader's tile is in the shadows from the next cycle on, unless one starts in this one.
        started: its first token is fetched in this cycle.
        act_valid: the place ``token.act`` is asked for.
        act_ready: the activation SRAM grants it.
        res_valid: the place ``token.res`` is asked for; one of the two at a time.
        res_ready: the residual SRAM grants it.
        issue: a token is granted in this cycle.
        token: which token.
        ends: it is the last one of its convolution.
        cause: what this cycle goes to.

    Latency: one cycle from ``requests`` to the SRAM. Throughput: a token a cycle.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(
            {
                "requests": In(stream.Signature(TokenRequest(config))),
                "stall_cause": In(Cause),
                "tile_next": In(1),
                "started": Out(1),
                "act_valid": Out(1),
                "act_ready": In(1),
                "res_valid": Out(1),
                "res_ready": In(1),
                "issue": Out(1),
                "token": Out(TokenRequest(config)),
                "ends": Out(1),
                "cause": Out(Cause),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.held = held = RegisterSlice(TokenRequest(self.config))
        wiring.connect(m, wiring.flipped(self.requests), held.i)
        token, first = held.o.payload, held.o.p.tag.swap

        # How long ago the last tile started; the counter hears of it a cycle later, for a short path.
        short_for = max(self.config.rows, STREAM_REVISIT)
        begun = Signal()
        left = Signal(range(short_for))
        short = Signal()
        held_up = Signal()  # a token inside a tile was not granted, in the cycle before
        spacing = Signal(range(STREAM_REVISIT))
        spaced = Signal(init=1)
        becomes_spaced = Signal()
        may_start = Signal()  # a tile
        m.d.comb += becomes_spaced.eq(~self.started & ((spacing == 0) | ((spacing == 1) & ~held_up)))
        m.d.sync += [
            held_up.eq(held.o.valid & ~first & ~self.issue),
            spacing.eq(Mux(self.started, STREAM_REVISIT - 1, spacing - ((spacing != 0) & ~held_up))),
            spaced.eq(becomes_spaced),
            may_start.eq(becomes_spaced & self.tile_next),
            begun.eq(self.started),
            left.eq(Mux(begun, short_for - 3, Mux(left == 0, 0, left - 1))),
            short.eq(self.started | begun | (left != 0)),
        ]

        wants = Signal()
        m.d.comb += [
            wants.eq(held.o.valid & (~first | may_start)),
            self.token.eq(token),
            self.act_valid.eq(wants & ~token.residual),
            self.res_valid.eq(wants & token.residual),
            self.issue.eq(wants & Mux(token.residual, self.res_ready, self.act_ready)),
            held.o.ready.eq(self.issue),
            self.started.eq(self.issue & first),
            self.ends.eq(self.issue & token.final),
        ]

        stalled_by = Signal(Cause, init=Cause.IDLE)
        m.d.sync += stalled_by.eq(self.stall_cause)
        with m.If(self.issue):
            m.d.comb += self.cause.eq(Cause.STREAM)
        with m.Elif(wants):
            m.d.comb += self.cause.eq(Cause.BANK)
        with m.Elif(~held.o.valid):
            m.d.comb += self.cause.eq(stalled_by)
        with m.Elif(short | ~spaced):
            m.d.comb += self.cause.eq(Cause.SHORT)
        with m.Else():
            m.d.comb += self.cause.eq(Cause.TILE)
        return m
