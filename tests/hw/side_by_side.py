"""Several components in one simulator, because most of a test's time goes to compiling."""

import gc
import warnings
from collections.abc import Callable, Mapping

from amaranth.hdl import Module, UnusedElaboratable
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hw.contract.errors import PointwiseError


class SideBySide(wiring.Component):
    """Named components with all their ports: port ``x`` of component ``a`` is ``a_x`` in Verilog."""

    def __init__(self, units: Mapping[str, wiring.Component]) -> None:
        self.units = dict(units)
        super().__init__({name: Out(unit.signature) for name, unit in self.units.items()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, unit in self.units.items():
            m.submodules[name] = unit
            wiring.connect(m, unit, wiring.flipped(getattr(self, name)))
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
