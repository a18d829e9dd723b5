// The system of hw/boards for simulation, with its SDRAM chip; what is left is the serial line and the LEDs.

module soc_tb #(
    parameter int CLOCK_PS = 10_000  // of clk2x
) (
    input  logic clk,
    input  logic clk2x,
    input  logic rst,
    input  logic serial_rx,
    output logic serial_tx,
    output logic irq
);
  wire        cke, cs_n, ras_n, cas_n, we_n;
  wire [1:0]  ba, dm;
  wire [12:0] a;
  wire [15:0] dq;

  pointwise_soc soc (
      .clk, .clk2x, .rst, .serial_rx, .serial_tx, .user_led0(), .user_led1(irq),
      .sdram_a(a), .sdram_ba(ba), .sdram_cas_n(cas_n), .sdram_cke(cke), .sdram_cs_n(cs_n), .sdram_dm(dm),
      .sdram_dq(dq), .sdram_ras_n(ras_n), .sdram_we_n(we_n));

  // The chip is clocked half a period later, so that commands are there before its edge.
  sdram_chip #(.CLOCK_PS(CLOCK_PS)) chip (.clk(~clk2x), .cke, .cs_n, .ras_n, .cas_n, .we_n, .ba, .a, .dm, .dq);
endmodule
