// AXI4-Lite protocol checker: watches one bus and drives nothing.
//
// Rules, beside those of channel_checker for the channels AXIL_AR, AXIL_AW, AXIL_W, AXIL_R and AXIL_B:
//
//   AXIL_A*_ALIGN                  the address is a multiple of a word (registers are whole words here)
//   AXIL_R_ORPHAN, AXIL_B_ORPHAN   every response has its request: R after its AR, B after its AW and its W
//   AXIL_R_RESP, AXIL_B_RESP       no EXOKAY, which AXI4-Lite does not have

module axil_checker #(
    parameter string NAME = "axil",
    parameter int DATA_WIDTH = 32,
    parameter int ADDR_WIDTH = 32
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic [ADDR_WIDTH-1:0]   awaddr,
    input  logic                    awvalid,
    input  logic                    awready,
    input  logic [DATA_WIDTH-1:0]   wdata,
    input  logic [DATA_WIDTH/8-1:0] wstrb,
    input  logic                    wvalid,
    input  logic                    wready,
    input  logic [1:0]              bresp,
    input  logic                    bvalid,
    input  logic                    bready,
    input  logic [ADDR_WIDTH-1:0]   araddr,
    input  logic                    arvalid,
    input  logic                    arready,
    input  logic [DATA_WIDTH-1:0]   rdata,
    input  logic [1:0]              rresp,
    input  logic                    rvalid,
    input  logic                    rready,
    output logic                    idle,       // nothing is open: every request has had its response
    output int unsigned             violations, // so far, for ever
    output logic                    error       // there was one
);
  localparam longint unsigned BYTES = 64'(DATA_WIDTH / 8);
  localparam logic [1:0] EXOKAY = 2'b01;

  longint unsigned cycle = 0;
  int unsigned     own = 0, of_channel[5];   // violations
  logic            ar_fresh, aw_fresh, r_fresh, b_fresh;
  int unsigned     ar_total = 0, r_total = 0, aw_total = 0, w_total = 0, b_total = 0;

  channel_checker #(.NAME(NAME), .CHANNEL("AXIL_AR"), .WIDTH(ADDR_WIDTH)) check_ar (
      .clk, .rst, .cycle, .valid(arvalid), .ready(arready), .fresh(ar_fresh), .violations(of_channel[0]),
      .payload(araddr));
  channel_checker #(.NAME(NAME), .CHANNEL("AXIL_AW"), .WIDTH(ADDR_WIDTH)) check_aw (
      .clk, .rst, .cycle, .valid(awvalid), .ready(awready), .fresh(aw_fresh), .violations(of_channel[1]),
      .payload(awaddr));
  channel_checker #(.NAME(NAME), .CHANNEL("AXIL_W"), .WIDTH(DATA_WIDTH + DATA_WIDTH / 8)) check_w (
      .clk, .rst, .cycle, .valid(wvalid), .ready(wready), .fresh(), .violations(of_channel[2]),
      .payload({wdata, wstrb}));
  channel_checker #(.NAME(NAME), .CHANNEL("AXIL_R"), .WIDTH(DATA_WIDTH + 2)) check_r (
      .clk, .rst, .cycle, .valid(rvalid), .ready(rready), .fresh(r_fresh), .violations(of_channel[3]),
      .payload({rdata, rresp}));
  channel_checker #(.NAME(NAME), .CHANNEL("AXIL_B"), .WIDTH(2)) check_b (
      .clk, .rst, .cycle, .valid(bvalid), .ready(bready), .fresh(b_fresh), .violations(of_channel[4]),
      .payload(bresp));

  assign violations = own + of_channel[0] + of_channel[1] + of_channel[2] + of_channel[3] + of_channel[4];
  assign error = violations != 0;
  assign idle = ar_total == r_total && aw_total == b_total && w_total == b_total;

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (rst) begin
      ar_total = 0; r_total = 0; aw_total = 0; w_total = 0; b_total = 0;
    end else begin
      // Responses first: one that comes in the very cycle of its request has not waited for it.
      if (r_fresh && r_total == ar_total) report("AXIL_R_ORPHAN", "data that no read is waiting for");
      if (b_fresh && (b_total == aw_total || b_total == w_total))
        report("AXIL_B_ORPHAN", "a response before an address and its data were taken");
      if (r_fresh && rresp == EXOKAY) report("AXIL_R_RESP", "EXOKAY, which AXI4-Lite does not have");
      if (b_fresh && bresp == EXOKAY) report("AXIL_B_RESP", "EXOKAY, which AXI4-Lite does not have");
      if (ar_fresh) judge_address("AXIL_AR_ALIGN", araddr);
      if (aw_fresh) judge_address("AXIL_AW_ALIGN", awaddr);
      if (rvalid && rready && r_total != ar_total) r_total++;
      if (bvalid && bready && b_total != aw_total && b_total != w_total) b_total++;
      if (arvalid && arready) ar_total++;
      if (awvalid && awready) aw_total++;
      if (wvalid && wready) w_total++;
    end
  end

  task automatic judge_address(input string rule, input logic [ADDR_WIDTH-1:0] address);
    if (64'(address) % BYTES != 0)
      report(rule, $sformatf("address %0h is not a multiple of %0d bytes", address, BYTES));
  endtask

  task automatic report(input string rule, input string text);
    own++;
    bus_check_pkg::violation(rule, cycle, {NAME, ": ", text});
  endtask
endmodule
