// AXI4 protocol checker: watches one bus and drives nothing.
//
// Rules, beside those of channel_checker for AR, AW, W, R and B:
//
//   A*_BURST   the burst is INCR                      A*_SIZE    a beat is the whole bus
//   A*_ALIGN   the address is a multiple of a beat    A*_4K      no burst crosses a 4096-byte border
//   A*_LIMIT   no burst ends beyond +limit=HEX        A*_COUNT   at most OUTSTANDING bursts are open
//   W_LAST, R_LAST          LAST is high at the counted beat and at no other
//   R_ORPHAN, B_ORPHAN      every response has its request: R after its AR, B after its AW and its last W
//   R_ID, B_ID              responses come in the order of the requests, with their ID
//   R_RESP, B_RESP          no EXOKAY, because nothing here asks for exclusive access
//   R_UNINIT                no read of memory that nobody has written (`r_uninit`, told by axi_dram);
//                           +allow_uninit turns it off
//
// Write data may come before its address, as AXI4 allows. Responses in order are the strictest that a slave may
// do, and what axi_dram does. The port directions are those of a watcher: every bus signal is an input.

module axi_checker #(
    parameter string NAME = "axi",
    parameter int DATA_WIDTH = 128,
    parameter int ADDR_WIDTH = 32,
    parameter int ID_WIDTH = 1,
    parameter int OUTSTANDING = 64
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic [ID_WIDTH-1:0]     awid,
    input  logic [ADDR_WIDTH-1:0]   awaddr,
    input  logic [7:0]              awlen,
    input  logic [2:0]              awsize,
    input  logic [1:0]              awburst,
    input  logic                    awvalid,
    input  logic                    awready,
    input  logic [DATA_WIDTH-1:0]   wdata,
    input  logic [DATA_WIDTH/8-1:0] wstrb,
    input  logic                    wlast,
    input  logic                    wvalid,
    input  logic                    wready,
    input  logic [ID_WIDTH-1:0]     bid,
    input  logic [1:0]              bresp,
    input  logic                    bvalid,
    input  logic                    bready,
    input  logic [ID_WIDTH-1:0]     arid,
    input  logic [ADDR_WIDTH-1:0]   araddr,
    input  logic [7:0]              arlen,
    input  logic [2:0]              arsize,
    input  logic [1:0]              arburst,
    input  logic                    arvalid,
    input  logic                    arready,
    input  logic [ID_WIDTH-1:0]     rid,
    input  logic [DATA_WIDTH-1:0]   rdata,
    input  logic [1:0]              rresp,
    input  logic                    rlast,
    input  logic                    rvalid,
    input  logic                    rready,
    input  logic                    r_uninit,   // the beat on R was never written; 0 where nobody knows
    output logic                    idle,       // nothing is open: every request has had its response
    output int unsigned             violations, // so far, for ever
    output logic                    error       // there was one
);
  localparam longint unsigned BYTES = 64'(DATA_WIDTH / 8);
  localparam logic [1:0] INCR = 2'b01, EXOKAY = 2'b01;

  longint unsigned cycle = 0;
  longint unsigned limit = '1;
  bit              allow_uninit;
  int unsigned     own = 0, of_channel[5];   // violations
  logic            ar_fresh, aw_fresh, r_fresh, b_fresh;

  // Bursts are numbered in the order of their requests; what is known of burst i lies at i mod OUTSTANDING.
  logic [7:0]          ar_len[OUTSTANDING], aw_len[OUTSTANDING], early_len[OUTSTANDING];
  logic [ID_WIDTH-1:0] ar_id[OUTSTANDING], aw_id[OUTSTANDING];
  int unsigned ar_total = 0, r_total = 0;               // read bursts asked for, and answered
  int unsigned aw_total = 0, w_total = 0, b_total = 0;  // write bursts asked for, sent whole, and answered
  int unsigned r_beats = 0, w_beats = 0;                // beats of the current burst so far

  initial begin
    void'($value$plusargs("limit=%h", limit));
    allow_uninit = $test$plusargs("allow_uninit") != 0;
  end

  channel_checker #(.NAME(NAME), .CHANNEL("AR"), .WIDTH(ID_WIDTH + ADDR_WIDTH + 13)) check_ar (
      .clk, .rst, .cycle, .valid(arvalid), .ready(arready), .fresh(ar_fresh), .violations(of_channel[0]),
      .payload({arid, araddr, arlen, arsize, arburst}));
  channel_checker #(.NAME(NAME), .CHANNEL("AW"), .WIDTH(ID_WIDTH + ADDR_WIDTH + 13)) check_aw (
      .clk, .rst, .cycle, .valid(awvalid), .ready(awready), .fresh(aw_fresh), .violations(of_channel[1]),
      .payload({awid, awaddr, awlen, awsize, awburst}));
  channel_checker #(.NAME(NAME), .CHANNEL("W"), .WIDTH(DATA_WIDTH + DATA_WIDTH / 8 + 1)) check_w (
      .clk, .rst, .cycle, .valid(wvalid), .ready(wready), .fresh(), .violations(of_channel[2]),
      .payload({wdata, wstrb, wlast}));
  channel_checker #(.NAME(NAME), .CHANNEL("R"), .WIDTH(ID_WIDTH + DATA_WIDTH + 3)) check_r (
      .clk, .rst, .cycle, .valid(rvalid), .ready(rready), .fresh(r_fresh), .violations(of_channel[3]),
      .payload({rid, rdata, rresp, rlast}));
  channel_checker #(.NAME(NAME), .CHANNEL("B"), .WIDTH(ID_WIDTH + 2)) check_b (
      .clk, .rst, .cycle, .valid(bvalid), .ready(bready), .fresh(b_fresh), .violations(of_channel[4]),
      .payload({bid, bresp}));

  assign violations = own + of_channel[0] + of_channel[1] + of_channel[2] + of_channel[3] + of_channel[4];
  assign error = violations != 0;
  assign idle = ar_total == r_total && aw_total == b_total && w_total == b_total && w_beats == 0;

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (rst) begin
      ar_total = 0; r_total = 0; r_beats = 0;
      aw_total = 0; w_total = 0; w_beats = 0; b_total = 0;
    end else begin
      // Responses first: one that comes in the very cycle of its request has not waited for it.
      if (r_fresh) judge_r();
      if (b_fresh) judge_b();
      if (rvalid && rready) take_r();
      if (bvalid && bready && b_total != aw_total && b_total != w_total) b_total++;
      if (ar_fresh) judge_address("AR", araddr, arlen, arsize, arburst, ar_total - r_total);
      if (aw_fresh) judge_address("AW", awaddr, awlen, awsize, awburst, aw_total - b_total);
      if (arvalid && arready) take_ar();
      if (awvalid && awready) take_aw();
      if (wvalid && wready) take_w();
    end
  end

  task automatic judge_address(input string channel, input logic [ADDR_WIDTH-1:0] address, input logic [7:0] len,
                               input logic [2:0] size, input logic [1:0] burst, input int unsigned open);
    longint unsigned first = 64'(address);
    longint unsigned bytes = (64'(len) + 1) * BYTES;
    string where = $sformatf("burst of %0d beats at %0h", 32'(len) + 1, address);
    if (burst != INCR) report({channel, "_BURST"}, $sformatf("%s is of type %0d; expected INCR (1)", where, burst));
    if (1 << size != BYTES)
      report({channel, "_SIZE"}, $sformatf("%s has beats of %0d bytes; the bus has %0d", where, 1 << size, BYTES));
    if (first % BYTES != 0)
      report({channel, "_ALIGN"}, $sformatf("%s is not at a multiple of %0d bytes", where, BYTES));
    if (first % 4096 + bytes > 4096) report({channel, "_4K"}, $sformatf("%s crosses a 4096-byte border", where));
    if (first > limit || bytes > limit - first)
      report({channel, "_LIMIT"}, $sformatf("%s ends beyond %0h", where, limit));
    if (open >= OUTSTANDING)
      report({channel, "_COUNT"}, $sformatf("%s is one more than %0d open bursts", where, OUTSTANDING));
  endtask

  task automatic judge_r();
    int unsigned slot = r_total % OUTSTANDING;
    if (r_total == ar_total) report("R_ORPHAN", "data that no read is waiting for");
    else begin
      logic last = r_beats == 32'(ar_len[slot]);
      if (rlast != last)
        report("R_LAST", $sformatf("LAST is %0d at beat %0d of %0d", rlast, r_beats + 1, 32'(ar_len[slot]) + 1));
      if (rid != ar_id[slot]) report("R_ID", $sformatf("ID %0h where %0h is next", rid, ar_id[slot]));
    end
    if (rresp == EXOKAY) report("R_RESP", "EXOKAY, and no exclusive access was asked for");
    if (r_uninit && !allow_uninit) report("R_UNINIT", "a beat of memory that was never written is being read");
  endtask

  task automatic judge_b();
    int unsigned slot = b_total % OUTSTANDING;
    if (b_total == aw_total || b_total == w_total)
      report("B_ORPHAN", "a response before an address and its last beat of data were taken");
    else if (bid != aw_id[slot]) report("B_ID", $sformatf("ID %0h where %0h is next", bid, aw_id[slot]));
    if (bresp == EXOKAY) report("B_RESP", "EXOKAY, and no exclusive access was asked for");
  endtask

  task automatic take_ar();
    ar_len[ar_total % OUTSTANDING] = arlen;
    ar_id[ar_total % OUTSTANDING]  = arid;
    ar_total++;
  endtask

  // The count of beats decides where a burst ends, so that a wrong LAST is one violation and does not bring others.
  task automatic take_r();
    if (r_total == ar_total) return;
    if (r_beats == 32'(ar_len[r_total % OUTSTANDING])) begin
      r_beats = 0;
      r_total++;
    end else r_beats++;
  endtask

  task automatic take_aw();
    int unsigned slot = aw_total % OUTSTANDING;
    aw_len[slot] = awlen;
    aw_id[slot]  = awid;
    // Its data may have come before it, whole or in part.
    if (aw_total < w_total && early_len[slot] != awlen)
      report("W_LAST", $sformatf("LAST came at beat %0d of a burst of %0d", 32'(early_len[slot]) + 1, 32'(awlen) + 1));
    else if (aw_total == w_total && w_beats > 32'(awlen))
      report("W_LAST", $sformatf("no LAST in %0d beats of a burst of %0d", w_beats, 32'(awlen) + 1));
    aw_total++;
  endtask

  task automatic take_w();
    int unsigned slot = w_total % OUTSTANDING;
    logic last = w_total < aw_total ? w_beats == 32'(aw_len[slot]) : wlast;
    if (wlast != last)
      report("W_LAST", $sformatf("LAST is %0d at beat %0d of %0d", wlast, w_beats + 1, 32'(aw_len[slot]) + 1));
    if (last) begin
      early_len[slot] = 8'(w_beats);
      w_beats = 0;
      w_total++;
    end else w_beats++;
  endtask

  task automatic report(input string rule, input string text);
    own++;
    bus_check_pkg::violation(rule, cycle, {NAME, ": ", text});
  endtask
endmodule
