"""Harness of Control's windows: while the masters are at work each is constant, and a part of memory."""

from amaranth.hdl import Assert, Cover, Elaboratable, Module

from pointwise.hw.bus.window import PAGE_BITS
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base
from pointwise.hw.control.control import Control
from pointwise.sim.formal.properties import free_inputs, inside, previous


class ControlWindowsProof(Elaboratable):
    """Any accesses, any course of runs: while ``clear`` is low each window is a part of memory and stands."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = Control(self.config)
        free_inputs(m, unit)
        state = inside(m, unit)
        end = 1 << min(self.config.axi_addr_width, 32)
        low = previous(m, ~unit.clear, name="low")
        for base in Base:
            window = unit.windows[base]
            before = previous(m, window.as_value(), name=f"{base.name.lower()}_window")
            written = state[f"{base.name.lower()}_base"]
            m.d.comb += [Assert(part[:PAGE_BITS] == 0) for part in (written, window.base)]
            with m.If(~unit.clear):
                m.d.comb += [
                    Assert(window.base + window.bytes <= end),
                    Assert(~low | (window.as_value() == before)),
                ]
        m.d.comb += Cover(~unit.clear & unit.windows[Base.INPUT].bytes.any())
        return m
