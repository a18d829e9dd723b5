"""A SystemVerilog package with the numbers of a core that a design around it needs."""

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import ADDRESS_BITS, Register

PACKAGE = "pointwise_pkg"


def constants(config: CoreConfig) -> str:
    """The text of the package: widths of the buses, and the address of each register."""
    numbers = {
        "AXI_DATA_WIDTH": config.axi_data_width,
        "AXI_ADDR_WIDTH": config.axi_addr_width,
        "AXIL_ADDR_WIDTH": ADDRESS_BITS,
    }
    lines = [f"  localparam int {name} = {value};" for name, value in numbers.items()]
    address = f"logic [{ADDRESS_BITS - 1}:0]"
    lines += [
        f"  localparam {address} {register.name}_REGISTER = {ADDRESS_BITS}'h{register:02x};"
        for register in Register
    ]
    return "\n".join(
        [
            "// Numbers of pointwise_core. Written with its Verilog; they belong together.",
            "// Nobody needs all of them.\n// verilator lint_off UNUSEDPARAM",
            f"package {PACKAGE};",
            *lines,
            "endpackage",
            "// verilator lint_on UNUSEDPARAM",
            "",
        ]
    )
