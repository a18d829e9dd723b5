"""The core with clock and reset as AXI names them: ``aclk`` and ``aresetn``, which is active low."""

from collections.abc import Iterator
from typing import Any

from amaranth.lib.wiring import Flow

from pointwise.hw.bus.axi import Axi4, AxiLite
from pointwise.hw.contract.config import CoreConfig

from .interfaces import attributes, written

WRAPPER = "pointwise_aresetn"


def bus_ports(config: CoreConfig) -> Iterator[tuple[str, str, Any]]:
    """Name, direction and width of each port of both buses, as the core has them."""
    buses = (
        ("m_axi", Axi4(config.axi_data_width, config.axi_addr_width), Flow.Out),
        ("s_axil", AxiLite(), Flow.In),
    )
    for bus, signature, outward in buses:
        for name, member in signature.members.items():
            yield f"{bus}_{name}", "output" if member.flow is outward else "input", member.shape


def wrapper(config: CoreConfig, top: str) -> str:
    """The Verilog of a module around the core.

    Args:
        top: module of the core.
    """
    ports = [("aclk", "input", 1), ("aresetn", "input", 1), ("irq", "output", 1), *bus_ports(config)]
    marks = attributes(config, "aclk", "aresetn", "ACTIVE_LOW")
    declared = [
        f"  {written(marks[name])}\n  {direction} wire {f'[{width - 1}:0] ' if width > 1 else ''}{name}"
        for name, direction, width in ports
    ]
    joined = [".clk(aclk)", ".rst(!aresetn)", *(f".{name}({name})" for name, *_ in ports[2:])]
    return "\n".join(
        [
            f"// {top} with clock and reset as AXI names them. The reset is synchronous here too.",
            f"module {WRAPPER} (",
            ",\n".join(declared),
            ");",
            f"  {top} core (",
            ",\n".join(f"    {port}" for port in joined),
            "  );",
            "endmodule",
            "",
        ]
    )
