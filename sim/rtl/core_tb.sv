// The core in its test bench: memory on the AXI4 bus, protocol checkers on both buses, and for cocotb the registers,
// the interrupt, and the memory's dump. Plusargs are those of axi_dram, of the checkers, of timeline.

module core_tb #(
    parameter int DATA_WIDTH = 128,
    parameter int ADDR_WIDTH = 32,
    parameter longint MEM_BYTES = 64 << 20
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic [7:0]            s_axil_awaddr,
    input  logic [2:0]            s_axil_awprot,
    input  logic                  s_axil_awvalid,
    output logic                  s_axil_awready,
    input  logic [31:0]           s_axil_wdata,
    input  logic [3:0]            s_axil_wstrb,
    input  logic                  s_axil_wvalid,
    output logic                  s_axil_wready,
    output logic [1:0]            s_axil_bresp,
    output logic                  s_axil_bvalid,
    input  logic                  s_axil_bready,
    input  logic [7:0]            s_axil_araddr,
    input  logic [2:0]            s_axil_arprot,
    input  logic                  s_axil_arvalid,
    output logic                  s_axil_arready,
    output logic [31:0]           s_axil_rdata,
    output logic [1:0]            s_axil_rresp,
    output logic                  s_axil_rvalid,
    input  logic                  s_axil_rready,
    output logic                  irq,
    input  logic [191:0]          windows,   // what the registers allow, as window_checker takes it
    input  logic                  load,
    input  logic                  dump,
    input  logic [ADDR_WIDTH-1:0] dump_base,
    input  logic [ADDR_WIDTH-1:0] dump_bytes,
    output logic                  bus_idle,
    output logic                  bus_error
);
  // The next-state logic of the core depends on its reset. Were that an input of the model, Verilator would
  // evaluate all of it at every change of an input, both edges of the clock included; a register cuts it off, and
  // the simulation is 1.7 times as fast. Reset comes and goes one cycle late.
  logic reset = 1;
  always_ff @(posedge clk) reset <= rst;

  logic                    awid, awvalid, awready, awlock, wlast, wvalid, wready, bid, bvalid, bready;
  logic                    arid, arvalid, arready, arlock, rid, rlast, rvalid, rready, r_uninit;
  logic [ADDR_WIDTH-1:0]   awaddr, araddr;
  logic [7:0]              awlen, arlen;
  logic [2:0]              awsize, arsize, awprot, arprot;
  logic [1:0]              awburst, arburst, bresp, rresp;
  logic [3:0]              awcache, arcache, awqos, arqos;
  logic [DATA_WIDTH-1:0]   wdata, rdata;
  logic [DATA_WIDTH/8-1:0] wstrb;
  logic                    axi_idle, axi_error, axil_idle, axil_error, window_error;

  assign bus_idle  = axi_idle && axil_idle;
  assign bus_error = axi_error || axil_error || window_error;

  pointwise_core core (
      .clk, .rst(reset), .irq,
      .s_axil_awaddr, .s_axil_awprot, .s_axil_awvalid, .s_axil_awready,
      .s_axil_wdata, .s_axil_wstrb, .s_axil_wvalid, .s_axil_wready,
      .s_axil_bresp, .s_axil_bvalid, .s_axil_bready,
      .s_axil_araddr, .s_axil_arprot, .s_axil_arvalid, .s_axil_arready,
      .s_axil_rdata, .s_axil_rresp, .s_axil_rvalid, .s_axil_rready,
      .m_axi_awid(awid), .m_axi_awaddr(awaddr), .m_axi_awlen(awlen), .m_axi_awsize(awsize), .m_axi_awburst(awburst),
      .m_axi_awlock(awlock), .m_axi_awcache(awcache), .m_axi_awprot(awprot), .m_axi_awqos(awqos),
      .m_axi_awvalid(awvalid), .m_axi_awready(awready),
      .m_axi_wdata(wdata), .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid), .m_axi_wready(wready),
      .m_axi_bid(bid), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid), .m_axi_bready(bready),
      .m_axi_arid(arid), .m_axi_araddr(araddr), .m_axi_arlen(arlen), .m_axi_arsize(arsize), .m_axi_arburst(arburst),
      .m_axi_arlock(arlock), .m_axi_arcache(arcache), .m_axi_arprot(arprot), .m_axi_arqos(arqos),
      .m_axi_arvalid(arvalid), .m_axi_arready(arready),
      .m_axi_rid(rid), .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast),
      .m_axi_rvalid(rvalid), .m_axi_rready(rready));

  axi_dram #(.DATA_WIDTH(DATA_WIDTH), .ADDR_WIDTH(ADDR_WIDTH), .MEM_BYTES(MEM_BYTES)) dram (
      .clk, .rst(reset), .load, .dump, .dump_base, .dump_bytes, .r_uninit,
      .s_axi_awid(awid), .s_axi_awaddr(awaddr), .s_axi_awlen(awlen), .s_axi_awsize(awsize), .s_axi_awburst(awburst),
      .s_axi_awvalid(awvalid), .s_axi_awready(awready),
      .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wlast(wlast), .s_axi_wvalid(wvalid), .s_axi_wready(wready),
      .s_axi_bid(bid), .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(bready),
      .s_axi_arid(arid), .s_axi_araddr(araddr), .s_axi_arlen(arlen), .s_axi_arsize(arsize), .s_axi_arburst(arburst),
      .s_axi_arvalid(arvalid), .s_axi_arready(arready),
      .s_axi_rid(rid), .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rlast(rlast),
      .s_axi_rvalid(rvalid), .s_axi_rready(rready));

  axi_checker #(.NAME("m_axi"), .DATA_WIDTH(DATA_WIDTH), .ADDR_WIDTH(ADDR_WIDTH)) watch (
      .clk, .rst(reset), .awid, .awaddr, .awlen, .awsize, .awburst, .awvalid, .awready, .wdata, .wstrb, .wlast, .wvalid,
      .wready, .bid, .bresp, .bvalid, .bready, .arid, .araddr, .arlen, .arsize, .arburst, .arvalid, .arready, .rid,
      .rdata, .rresp, .rlast, .rvalid, .rready, .r_uninit, .idle(axi_idle), .violations(), .error(axi_error));

  window_checker #(.NAME("m_axi"), .DATA_WIDTH(DATA_WIDTH), .ADDR_WIDTH(ADDR_WIDTH)) watch_windows (
      .clk, .rst(reset), .windows, .araddr, .arlen, .arvalid, .awaddr, .awlen, .awvalid, .idle(), .violations(),
      .error(window_error));

  axil_checker #(.NAME("s_axil"), .ADDR_WIDTH(8)) watch_registers (
      .clk, .rst(reset), .awaddr(s_axil_awaddr), .awvalid(s_axil_awvalid), .awready(s_axil_awready),
      .wdata(s_axil_wdata), .wstrb(s_axil_wstrb), .wvalid(s_axil_wvalid), .wready(s_axil_wready),
      .bresp(s_axil_bresp), .bvalid(s_axil_bvalid), .bready(s_axil_bready),
      .araddr(s_axil_araddr), .arvalid(s_axil_arvalid), .arready(s_axil_arready),
      .rdata(s_axil_rdata), .rresp(s_axil_rresp), .rvalid(s_axil_rvalid), .rready(s_axil_rready),
      .idle(axil_idle), .violations(), .error(axil_error));

  timeline times (.clk);

`ifdef COVER_POINTS
  cover_points points (.clk);
`endif

  // Attributes that a memory of this kind has no use for.
  wire unused = &{awlock, awcache, awprot, awqos, arlock, arcache, arprot, arqos};
endmodule
