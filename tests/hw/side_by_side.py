"""Several components in one simulator, because most of a test's time goes to compiling."""

import gc
import warnings
from collections.abc import Callable, Mapping

from amaranth.hdl import Module, UnusedElaboratable, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from pointwise.hw.contract.errors import PointwiseError


class SideBySide(wiring.Component):
    """Named components with all their ports: port ``x`` of component ``a`` is ``a_x`` in Verilog."""

    def __init__(self, units: Mapping[str, wiring.Component]) -> None:
        self.units = dict(units)
        super().__init__({name: Out(unit.signature) for name, unit in self.units.items()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, unit in self.units.items():
            m.submodules[name] = unit
            outside, signature = getattr(self, name), unit.signature
            pairs = zip(signature.flatten(unit), signature.flatten(outside), strict=True)
            for (_, member, inner), (_, _, outer) in pairs:
                inner, outer = Value.cast(inner), Value.cast(outer)
                m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)
        return m


def refusal(make: Callable[[], object]) -> str:
    """The sentence of a component that refuses to be made, without Amaranth's warning that it is unused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        try:
            make()
        except PointwiseError as error:
            text = str(error)
        else:
            raise AssertionError("the component was made")
        gc.collect()  # now, so that its end falls under the filter
    return text
