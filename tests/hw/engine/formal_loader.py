"""Harness of the loader: credits, banks, and what becomes of every row of the stationary stream."""

from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Module, Mux, Signal
from amaranth.lib import data

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.stream import PLANES, TABLE_ENTRIES, table_lanes
from pointwise.hw.contract.timing import PARAMETER_BANKS, TABLE_BANKS
from pointwise.hw.engine.descriptor import LOADER
from pointwise.hw.engine.loader import Loader
from pointwise.sim.formal.properties import free_inputs, inside, previous, stable


class LoaderProof(Elaboratable):
    """Any convolutions, any pauses of the stream, banks given back at any time by those who have them.

    A bank is written only while nobody reads it, banks are filled in turn, a tile that is loaded stays until
    it is started, and every row that is taken is used, once; rows of packed weights and of diagonals until
    they are taken.
    """

    def __init__(self, config: CoreConfig, latency: int) -> None:
        self.config, self.latency = config, latency

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = Loader(self.config, self.latency)
        free_inputs(m, unit)
        state = inside(m, unit)
        steps = TABLE_ENTRIES // table_lanes(self.config)

        for kind, banks, write, fills, gives, bank in (
            (
                "parameter",
                PARAMETER_BANKS,
                unit.parameters.write,
                unit.parameters.write & (unit.parameters.plane == PLANES - 1),
                unit.tile_end,
                unit.parameters.bank,
            ),
            *(
                (
                    kind,
                    TABLE_BANKS,
                    table.write,
                    table.write & (table.index == steps - 1),
                    ends,
                    table.bank,
                )
                for kind, table, ends in (
                    ("exponential", unit.exp, unit.exp_end),
                    ("activation", unit.act, unit.act_end),
                )
            ),
        ):
            full = Signal(range(banks + 1), name=f"{kind}_full")
            turn = Signal(range(banks), name=f"{kind}_turn")
            m.d.sync += full.eq(full + fills - gives)
            with m.If(fills):
                m.d.sync += turn.eq(Mux(turn == banks - 1, 0, turn + 1))
            coming = previous(m, state[f"{kind}_take"], name=kind)  # it is filled with the last write
            m.d.comb += [
                Assume(~gives | (full != 0)),  # only what was filled is given back
                Assert(state[f"{kind}_free"] + full + coming == banks),
                Assert(state[f"{kind}_some"] == (state[f"{kind}_free"] != 0)),
                Assert(coming == fills),
                Assert(~write | (full != banks)),
                Assert(bank == turn),
            ]

        m.d.comb += Assume(~unit.started | unit.tile_ready)
        stable(m, unit.tile_ready, unit.started, unit.tile_ready, name="tile")
        foretold = previous(m, unit.tile_next & ~unit.started, name="foretold")
        m.d.comb += Assert(unit.tile_ready == foretold)
        taken = unit.rows.valid & unit.rows.ready
        plane, table = state["plane_take"], state["exp_take"] | state["act_take"]
        shift = state["shift_load"]  # which is kept beside the array
        to_array = taken & ~plane & ~table & ~shift
        sent = state["from_stream_d1"]  # on its way since a cycle
        row_left = previous(m, to_array, name="to_array")
        conv = data.View(LOADER, state["conv"])
        packing, several = conv.packing, (conv.packing != 0) | conv.diagonal
        spread = previous(m, several, name="spread")
        m.d.comb += [
            Assert(~plane | (taken & ~table)),
            Assert(~shift | (taken & ~plane & ~table)),
            Assert(~row_left | sent),
            # Only a row that is spread over several of the array is used while it stays on offer.
            Assert(row_left | ~sent | spread),
            Assert(~to_array | ~unit.tile_ready),
            # What makes it inductive.
            Assert(state["last_step"] == (state["step"] == steps - 1)),
            Assert(state["places"] == ((1 << packing) - 1)[: len(state["places"])]),
            Assert(state["diagonal"] == conv.diagonal),
            Assert(state["consumed"] | several),
            Cover(sent),
            Cover(table & taken),
        ]
        return m
