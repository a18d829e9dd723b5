"""The one large memory cell: a Verilog module of its own, to be mapped to block RAM or replaced by a
macro."""

from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .primitives import ceil_log2

RAM_MODULE = "pointwise_ram"
RAM_VERILOG = """\
// One read port and one write port with a write enable for each lane. Whoever has a memory compiler puts a
// macro in its place: a read gives its data in the next cycle, and of a word written in the same cycle
// anything.
module pointwise_ram #(
    parameter DEPTH = 2,
    parameter LANES = 1,
    parameter LANE_BITS = 8,
    parameter ADDRESS_BITS = 1
) (
    input  wire                         clk,
    input  wire                         read_enable,
    input  wire [ADDRESS_BITS-1:0]      read_address,
    output reg  [LANES*LANE_BITS-1:0]   read_data,
    input  wire [LANES-1:0]             write_enable,
    input  wire [ADDRESS_BITS-1:0]      write_address,
    input  wire [LANES*LANE_BITS-1:0]   write_data
);
    (* no_rw_check *)
    reg [LANES*LANE_BITS-1:0] words [0:DEPTH-1];
`ifndef SYNTHESIS
    integer word;
    initial for (word = 0; word < DEPTH; word = word + 1) words[word] = {LANES*LANE_BITS{1'b0}};
`endif
    always @(posedge clk)
        if (read_enable) read_data <= words[read_address];
    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
            always @(posedge clk)
                if (write_enable[lane])
                    words[write_address][lane*LANE_BITS +: LANE_BITS] <= write_data[lane*LANE_BITS +:
                    LANE_BITS];
        end
    endgenerate
endmodule
"""

NO_COLLISION: dict[str, Any] = {"no_rw_check": 1}
"""Attribute of a memory of which nobody uses what he reads of a word in the cycle in which it is written.
Without it synthesis adds registers and multiplexers that give the old word."""


class Ram(wiring.Component):
    """``depth`` words of ``lanes`` lanes of ``lane_bits`` bits, one read and one write port, contents unknown
    at start.

    (Amaranth's own memory writes a line of Verilog for every word, which is too much for hundreds of
    kilobytes.)

    Latency: a read is answered in the next cycle; reading a word in the cycle in which it is written gives
        old or new lanes.

    Ports:
        read_enable: read in this cycle.
        read_address: which word.
        read_data: the word, one cycle later.
        write_enable: lanes that are written in this cycle, a bit each.
        write_address: which word.
        write_data: the lanes.
    """

    def __init__(self, depth: int, lanes: int, lane_bits: int) -> None:
        self.depth, self.lanes, self.lane_bits = depth, lanes, lane_bits
        address, word = unsigned(ceil_log2(depth)), unsigned(lanes * lane_bits)
        super().__init__(
            {
                "read_enable": In(1),
                "read_address": In(address),
                "read_data": Out(word),
                "write_enable": In(unsigned(lanes)),
                "write_address": In(address),
                "write_data": In(word),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.cell = Instance(
            RAM_MODULE,
            p_DEPTH=self.depth,
            p_LANES=self.lanes,
            p_LANE_BITS=self.lane_bits,
            p_ADDRESS_BITS=ceil_log2(self.depth),
            i_clk=ClockSignal(),
            i_read_enable=self.read_enable,
            i_read_address=self.read_address,
            o_read_data=self.read_data,
            i_write_enable=self.write_enable,
            i_write_address=self.write_address,
            i_write_data=self.write_data,
        )
        return m
