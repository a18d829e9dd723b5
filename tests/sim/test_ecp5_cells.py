"""Models of the ECP5 cells for which Yosys has black boxes only, against what the data sheet says of them."""

from pathlib import Path

from pointwise.sim.bench import bench
from pointwise.sim.build import RTL

BENCH = Path(__file__).with_name("bench_ecp5_cells.py")
WIDTHS = [(1, 1), (2, 9), (4, 4), (9, 18), (18, 18), (36, 36), (36, 18), (18, 2)]
"""Of the writing port A and the reading port B."""
FIRST = 0x2A5C3
"""The first 18 bits that a block RAM is configured with; the others are 0."""


def pins(cell: str, signal: str, count: int) -> str:
    """The connections of a vector to the pins of a cell, which are scalars."""
    return ", ".join(f".{cell}{i}({signal}[{i}])" for i in range(count))


def block_ram(index: int, width_a: int, width_b: int) -> str:
    """An instance of which port A writes and port B reads."""
    ports = []
    for port, write in (("A", "wea"), ("B", "1'b0")):
        low = port.lower()
        ports += [pins(f"DI{port}", f"di{low}", 18), pins(f"AD{port}", f"ad{low}", 14)]
        ports += [pins(f"DO{port}", f"do{low}{index}", 18), f".CLK{port}(clk), .CE{port}(ce{low})"]
        ports += [f".WE{port}({write}), .OCE{port}(1'b1), .RST{port}(1'b0)"]
        ports += [f".CS{port}{i}(1'b0)" for i in range(3)]
    settings = f".DATA_WIDTH_A({width_a}), .DATA_WIDTH_B({width_b}), .INITVAL_00(320'h{FIRST:x})"
    return f"  DP16KD #({settings}) ram{index} ({', '.join(ports)});\n"


def test_cells():
    ports = (
        "input clk, input [17:0] dia, dib, input [13:0] ada, adb, input wea, cea, ceb, output [35:0] product"
    )
    ports += ", held, input signed_a, signed_b"
    ports += "".join(f", output [17:0] doa{i}, dob{i}" for i in range(len(WIDTHS)))
    text = f"module cells ({ports});\n"
    text += "".join(block_ram(i, *widths) for i, widths in enumerate(WIDTHS))
    constants = ", ".join(f".C{i}(1'b0)" for i in range(18))
    factors = f"{pins('A', 'dia', 18)}, {pins('B', 'dib', 18)}, {constants}"
    signs = ".SIGNEDA(signed_a), .SIGNEDB(signed_b), .SOURCEA(1'b0), .SOURCEB(1'b0)"
    register = ".CLK0(clk), .CE0(cea), .RST0(wea)"
    for settings, product in (("", "product"), ('#(.REG_OUTPUT_CLK("CLK0"))', "held")):
        wires = f"{factors}, {signs}, {register}, {pins('P', product, 36)}"
        text += f"  MULT18X18D {settings} multiplier_{product} ({wires});\n"
    sources = [text + "endmodule\n", RTL / "ecp5_block_ram.sv", RTL / "ecp5_multiplier.sv"]
    bench(sources, "cells", BENCH, config={"widths": WIDTHS, "first": FIRST})
