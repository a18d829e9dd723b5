"""Attributes by which Vivado's IP packager and block designs see the core's ports as interfaces.

The names alone (``m_axi_awaddr``) are enough for the buses; the attributes add what names cannot say: which
clock and reset belong to them, that the reset is active high, and what the bus never does. Other tools ignore
them. (Vivado Design Suite User Guide UG994 and UG1118: X_INTERFACE_INFO and X_INTERFACE_PARAMETER.)
"""

import re

from pointwise.hw.bus.axi import ID_BITS, Axi4, AxiLite
from pointwise.hw.contract.config import CoreConfig

BUS = "xilinx.com:interface:aximm:1.0"


def attributes(
    config: CoreConfig, clock: str = "clk", reset: str = "rst", polarity: str = "ACTIVE_HIGH"
) -> dict[str, dict[str, str]]:
    """Attributes of every port of ``pointwise_core``, or of a module with other names of clock and reset.

    Returns:
        By the name of the port.
    """
    ports = {
        clock: (
            f"xilinx.com:signal:clock:1.0 {clock} CLK",
            f"ASSOCIATED_BUSIF m_axi:s_axil, ASSOCIATED_RESET {reset}",
        ),
        reset: (f"xilinx.com:signal:reset:1.0 {reset} RST", f"POLARITY {polarity}"),
        "irq": ("xilinx.com:signal:interrupt:1.0 irq INTERRUPT", "SENSITIVITY LEVEL_HIGH"),
    }
    master = {
        "PROTOCOL": "AXI4",
        "DATA_WIDTH": config.axi_data_width,
        "ADDR_WIDTH": config.axi_addr_width,
        "ID_WIDTH": ID_BITS,
        "MAX_BURST_LENGTH": config.axi_burst,
        "SUPPORTS_NARROW_BURST": 0,
    }
    slave = {"PROTOCOL": "AXI4LITE", "DATA_WIDTH": 32, "ADDR_WIDTH": AxiLite().addr_width}
    buses = {
        "m_axi": (Axi4(config.axi_data_width, config.axi_addr_width), master),
        "s_axil": (AxiLite(), slave),
    }
    for bus, (signature, parameters) in buses.items():
        for index, member in enumerate(signature.members):
            # One port of an interface carries its parameters.
            text = ", ".join(f"{key} {value}" for key, value in parameters.items()) if not index else ""
            ports[f"{bus}_{member}"] = (f"{BUS} {bus} {member.upper()}", text)
    return {
        port: {"X_INTERFACE_INFO": info}
        | ({"X_INTERFACE_PARAMETER": f"XIL_INTERFACENAME {info.split()[1]}, {text}"} if text else {})
        for port, (info, text) in ports.items()
    }


def written(values: dict[str, str]) -> str:
    """Attributes in front of a port of Verilog."""
    text = ", ".join(f'{key} = "{value}"' for key, value in values.items())
    return f"(* {text} *)"


def annotated(verilog: str, top: str, config: CoreConfig) -> str:
    """The Verilog of a core with the attributes in front of the ports of its top module.

    Args:
        verilog: from ``pointwise.hw.verilog.to_verilog``, in which a port is declared on a line of its own.
    """
    start = verilog.index(f"\nmodule {top}(")
    end = verilog.index("\nendmodule", start)
    body = verilog[start:end]
    for port, values in attributes(config).items():
        text = written(values)
        body, count = re.subn(
            rf"^  ((?:in|out)put (?:\[\d+:0\] )?{port};)$", rf"  {text}\n  \1", body, flags=re.M
        )
        if count != 1:
            raise AssertionError(f"{top} declares port {port} {count} times")
    return verilog[:start] + body + verilog[end:]
