"""Several components in one simulator, since compiling costs more than running."""

from collections.abc import Mapping

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect, flipped


class SideBySide(wiring.Component):
    """Components that know nothing of each other; port ``x`` of the one called ``a`` is ``a_x``."""

    def __init__(self, components: Mapping[str, wiring.Component]) -> None:
        self.components = dict(components)
        super().__init__({name: Out(component.signature) for name, component in self.components.items()})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, component in self.components.items():
            m.submodules[name] = component
            connect(m, component, flipped(getattr(self, name)))
        return m
