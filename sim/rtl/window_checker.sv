// Watches that an AXI4 master stays in three windows of memory: it may read all of them and write the last.
//
//   AR_WINDOW, AW_WINDOW   every beat of the burst lies in one window that may be read, or written
//
// A burst counts as soon as its VALID is high, whether it is taken or not. `windows` holds, for each window from the
// lowest bits up, 32 bits of its base and 32 of its length. Nothing is ever open here: `idle` is for those who ask.

module window_checker #(
    parameter string NAME = "axi",
    parameter int DATA_WIDTH = 128,
    parameter int ADDR_WIDTH = 32
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic [191:0]          windows,
    input  logic [ADDR_WIDTH-1:0] araddr,
    input  logic [7:0]            arlen,
    input  logic                  arvalid,
    input  logic [ADDR_WIDTH-1:0] awaddr,
    input  logic [7:0]            awlen,
    input  logic                  awvalid,
    output logic                  idle,
    output int unsigned           violations,
    output logic                  error
);
  localparam int OUTPUT = 2;
  longint cycle = 0;

  function automatic logic holds(input int window, input logic [63:0] first, input logic [7:0] len);
    logic [63:0] base = 64'(windows[64*window+:32]), size = (64'(len) + 1) * (DATA_WIDTH / 8);
    return first >= base && first + size <= base + 64'(windows[64*window+32+:32]);
  endfunction

  initial violations = 0;
  assign error = violations != 0;
  assign idle = 1;

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (!rst) begin
      if (arvalid && !holds(0, 64'(araddr), arlen) && !holds(1, 64'(araddr), arlen) && !holds(2, 64'(araddr), arlen))
        report("AR_WINDOW", 64'(araddr), arlen);
      if (awvalid && !holds(OUTPUT, 64'(awaddr), awlen)) report("AW_WINDOW", 64'(awaddr), awlen);
    end
  end

  task automatic report(input string rule, input logic [63:0] address, input logic [7:0] len);
    violations++;
    bus_check_pkg::violation(rule, cycle, $sformatf("%s: %0d beats at %0h are outside", NAME, 32'(len) + 1, address));
  endtask
endmodule
