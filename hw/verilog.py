"""Amaranth to Verilog, in one place, so that the same component gives the same text everywhere."""

import gc
import os
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Const, ValueCastable
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.engine.ram import RAM_MODULE, RAM_VERILOG


def to_verilog(component: wiring.Component, name: str) -> str:
    """Convert a component to Verilog 2005.

    A port is named after its path in the signature, joined with single underscores, which is how design tools
    recognise a bus: member ``araddr`` of ``m_axi`` is ``m_axi_araddr``, a stream ``i`` has ``i_payload``,
    ``i_valid`` and ``i_ready``, and the second of an array of ports ``x`` is ``x_1``. ``clk`` and ``rst`` are
    those of the ``sync`` domain. A payload with a layout is one vector, its first field in the lowest bits. A
    member that is a constant, such as READY of a stream that is always ready, is no port.

    Args:
        component: to be converted; it is elaborated, which Amaranth allows once.
        name: of the Verilog module; those of submodules begin with it and a dot.

    Returns:
        The text, with the memory cell behind it where there is one. It holds neither dates, nor paths, nor
        places in the source.

    Raises:
        PointwiseError: if two ports would have the same name.
    """
    ports: dict[str, tuple[Any, PortDirection]] = {}
    for path, member, value in component.signature.flatten(component):
        port = "_".join(map(str, path))
        if isinstance(value, ValueCastable):
            value = value.as_value()
        if isinstance(value, Const):
            continue
        if port in ports or port in ("clk", "rst"):
            raise PointwiseError(f"two ports of {name} would be called {port} in Verilog; rename one of them")
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports[port] = (value, direction)
    before = os.environ.get("AMARANTH_USE_YOSYS")
    os.environ["AMARANTH_USE_YOSYS"] = "builtin"  # the pinned wheel, whatever the machine has
    # Millions of objects are made and nearly all are kept: at Python's usual pace a third of the time goes to
    # looking for rubbish among them.
    pace = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        text = verilog.convert(component, name=name, ports=ports, emit_src=False, strip_internal_attrs=True)
    finally:
        gc.set_threshold(*pace)
        if before is None:
            del os.environ["AMARANTH_USE_YOSYS"]
        else:
            os.environ["AMARANTH_USE_YOSYS"] = before
    return f"{text}\n{RAM_VERILOG}" if RAM_MODULE in text else text
