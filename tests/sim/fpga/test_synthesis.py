"""Yosys maps a small design to the cells of each family, and tells what its core takes."""

import pytest

from pointwise.sim.formal.prove import missing_tools
from pointwise.sim.fpga.resources import KINDS, count, total
from pointwise.sim.fpga.synthesis import commands
from pointwise.sim.fpga.tools import Tools, run

DESIGN = """
module core(input clk, input [7:0] a, input [7:0] b, output reg [15:0] product, output reg odd);
    always @(posedge clk) begin
        product <= a * b;
        odd <= ^a ^ (b == 8'd77);
    end
endmodule
module top(input clk, input [7:0] a, input [7:0] b, output [15:0] product, output odd, output reg q);
    core core(.clk(clk), .a(a), .b(b), .product(product), .odd(odd));
    always @(posedge clk) q <= a[6:0] == b[7:1];
endmodule
"""


@pytest.mark.skipif(bool(missing_tools()), reason=missing_tools())
@pytest.mark.parametrize("family", KINDS)
def test_a_core_is_mapped_by_itself_and_counted(tmp_path, family):
    (tmp_path / "design.v").write_text(DESIGN)
    script = ["read_verilog design.v", *commands(family, "top", apart="core"), "write_json netlist.json"]
    (tmp_path / "script.ys").write_text("\n".join(script) + "\n")
    run([*Tools().command("yosys"), "-s", "script.ys"], tmp_path / "log", folder=tmp_path, name="synthesis")
    counted = count(tmp_path / "netlist.json", family)
    lut = "lut4" if family == "ecp5" else "lut"
    everything, core = total(counted), total(counted, "core")
    assert everything["multipliers"] == core["multipliers"] == 1
    assert core[lut] >= 3
    assert everything[lut] > core[lut]
    assert everything["flip_flops"] > core["flip_flops"] > 0
