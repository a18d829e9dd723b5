"""Several components in one simulator, since compiling costs more than running."""

from collections.abc import Mapping

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out


class SideBySide(wiring.Component):
    """Components that know nothing of each other; port ``x`` of the one called ``a`` is ``a_x``."""

    def __init__(self, components: Mapping[str, wiring.Component]) -> None:
        self.components = dict(components)
        super().__init__({name: Out(component.signature) for name, component in self.components.items()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, component in self.components.items():
            m.submodules[name] = component
            outside, signature = getattr(self, name), component.signature
            pairs = zip(signature.flatten(component), signature.flatten(outside), strict=True)
            for (_, member, inner), (_, _, outer) in pairs:
                inner, outer = Value.cast(inner), Value.cast(outer)
                m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)
        return m
