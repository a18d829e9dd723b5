// Reader and writer on one bus, with the behavioural memory behind it and the protocol checker beside it.
module masters #(
    parameter int DATA_WIDTH = 128,
    parameter int ADDR_WIDTH = 32
) (
    input  logic                   clk,
    input  logic                   rst,
    input  logic [ADDR_WIDTH+31:0] window0, window1, window2,
    input  logic [65:0]            read0_payload, read1_payload, read2_payload,
    input  logic                   read0_valid, read1_valid, read2_valid,
    output logic                   read0_ready, read1_ready, read2_ready,
    output logic [DATA_WIDTH-1:0]  data0_payload, data1_payload, data2_payload,
    output logic                   data0_valid, data1_valid, data2_valid,
    input  logic                   data0_ready, data1_ready, data2_ready,
    input  logic [65:0]            write_payload,
    input  logic                   write_valid,
    output logic                   write_ready,
    input  logic [DATA_WIDTH-1:0]  beats_payload,
    input  logic                   beats_valid,
    output logic                   beats_ready,
    input  logic                   halt,
    output logic                   read_idle, write_idle, read_error, write_error, write_refused,
    output logic [2:0]             read_refused,
    output logic [ADDR_WIDTH-1:0]  read_address, write_address,
    output logic                   ar_taken, aw_taken,
    output logic [ADDR_WIDTH-1:0]  araddr, awaddr,
    output logic [7:0]             arlen, awlen,
    output logic                   bus_idle,
    input  logic                   dump,
    input  logic [ADDR_WIDTH-1:0]  dump_base, dump_bytes
);
  logic [0:0]              arid, awid, rid, bid;
  logic [2:0]              arsize, awsize;
  logic [1:0]              arburst, awburst, rresp, bresp;
  logic                    arvalid, arready, awvalid, awready, rvalid, rready, rlast;
  logic                    wvalid, wready, wlast, bvalid, bready, r_uninit;
  logic [DATA_WIDTH-1:0]   rdata, wdata;
  logic [DATA_WIDTH/8-1:0] wstrb;

  assign ar_taken = arvalid && arready;
  assign aw_taken = awvalid && awready;

  reader reader (
      .clk, .rst, .halt, .idle(read_idle), .error(read_error), .error_address(read_address), .progress(),
      .refused(read_refused), .windows_0(window0), .windows_1(window1), .windows_2(window2),
      .transfers_0_payload(read0_payload), .transfers_0_valid(read0_valid), .transfers_0_ready(read0_ready),
      .transfers_1_payload(read1_payload), .transfers_1_valid(read1_valid), .transfers_1_ready(read1_ready),
      .transfers_2_payload(read2_payload), .transfers_2_valid(read2_valid), .transfers_2_ready(read2_ready),
      .beats_0_payload(data0_payload), .beats_0_valid(data0_valid), .beats_0_ready(data0_ready),
      .beats_1_payload(data1_payload), .beats_1_valid(data1_valid), .beats_1_ready(data1_ready),
      .beats_2_payload(data2_payload), .beats_2_valid(data2_valid), .beats_2_ready(data2_ready),
      .axi_arid(arid), .axi_araddr(araddr), .axi_arlen(arlen), .axi_arsize(arsize), .axi_arburst(arburst),
      .axi_arlock(), .axi_arcache(), .axi_arprot(), .axi_arqos(), .axi_arvalid(arvalid), .axi_arready(arready),
      .axi_rid(rid), .axi_rdata(rdata), .axi_rresp(rresp), .axi_rlast(rlast), .axi_rvalid(rvalid),
      .axi_rready(rready));

  writer writer (
      .clk, .rst, .halt, .idle(write_idle), .error(write_error), .error_address(write_address), .progress(),
      .refused(write_refused), .windows_0(window0), .windows_1(window1), .windows_2(window2),
      .transfers_payload(write_payload), .transfers_valid(write_valid), .transfers_ready(write_ready),
      .beats_payload, .beats_valid, .beats_ready,
      .axi_awid(awid), .axi_awaddr(awaddr), .axi_awlen(awlen), .axi_awsize(awsize), .axi_awburst(awburst),
      .axi_awlock(), .axi_awcache(), .axi_awprot(), .axi_awqos(), .axi_awvalid(awvalid), .axi_awready(awready),
      .axi_wdata(wdata), .axi_wstrb(wstrb), .axi_wlast(wlast), .axi_wvalid(wvalid), .axi_wready(wready),
      .axi_bid(bid), .axi_bresp(bresp), .axi_bvalid(bvalid), .axi_bready(bready));

  axi_dram #(.DATA_WIDTH(DATA_WIDTH), .ADDR_WIDTH(ADDR_WIDTH), .OUTSTANDING(64)) dram (
      .clk, .rst,
      .s_axi_awid(awid), .s_axi_awaddr(awaddr), .s_axi_awlen(awlen), .s_axi_awsize(awsize),
      .s_axi_awburst(awburst), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
      .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wlast(wlast), .s_axi_wvalid(wvalid), .s_axi_wready(wready),
      .s_axi_bid(bid), .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(bready),
      .s_axi_arid(arid), .s_axi_araddr(araddr), .s_axi_arlen(arlen), .s_axi_arsize(arsize),
      .s_axi_arburst(arburst), .s_axi_arvalid(arvalid), .s_axi_arready(arready),
      .s_axi_rid(rid), .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rlast(rlast), .s_axi_rvalid(rvalid),
      .s_axi_rready(rready),
      .r_uninit, .load(1'b0), .dump, .dump_base, .dump_bytes);

  axi_checker #(.DATA_WIDTH(DATA_WIDTH), .ADDR_WIDTH(ADDR_WIDTH)) checker_ (
      .clk, .rst, .awid, .awaddr, .awlen, .awsize, .awburst, .awvalid, .awready, .wdata, .wstrb, .wlast, .wvalid,
      .wready, .bid, .bresp, .bvalid, .bready, .arid, .araddr, .arlen, .arsize, .arburst, .arvalid, .arready, .rid,
      .rdata, .rresp, .rlast, .rvalid, .rready, .r_uninit, .idle(bus_idle), .error());
endmodule
