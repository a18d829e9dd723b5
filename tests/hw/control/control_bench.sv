// Control with the protocol checker on its registers.
module control_bench #(
    parameter int ADDR_WIDTH = 32
) (
    input  logic                  clk, rst,
    input  logic [7:0]            s_axil_awaddr, s_axil_araddr,
    input  logic [2:0]            s_axil_awprot, s_axil_arprot,
    input  logic                  s_axil_awvalid, s_axil_wvalid, s_axil_bready, s_axil_arvalid, s_axil_rready,
    output logic                  s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid,
    input  logic [31:0]           s_axil_wdata,
    input  logic [3:0]            s_axil_wstrb,
    output logic [31:0]           s_axil_rdata,
    output logic [1:0]            s_axil_bresp, s_axil_rresp,
    output logic                  irq, clear, checked, check_start, program_start, running,
    output logic [ADDR_WIDTH+31:0] windows_0, windows_1, windows_2,
    output logic [31:0]           image_bytes,
    input  logic                  idle, progress, check_done, ended, read_error, write_error,
    input  logic                  read_refused, write_refused, swept,
    output logic                  sweep, zero,
    input  logic [3:0]            check_error, program_error,
    input  logic [31:0]           instruction,
    input  logic [ADDR_WIDTH-1:0] read_address, write_address,
    input  logic [2:0]            cause
);
  control control (.*);

  axil_checker #(.ADDR_WIDTH(8)) checker_ (
      .clk, .rst, .awaddr(s_axil_awaddr), .awvalid(s_axil_awvalid), .awready(s_axil_awready), .wdata(s_axil_wdata),
      .wstrb(s_axil_wstrb), .wvalid(s_axil_wvalid), .wready(s_axil_wready), .bresp(s_axil_bresp),
      .bvalid(s_axil_bvalid), .bready(s_axil_bready), .araddr(s_axil_araddr), .arvalid(s_axil_arvalid),
      .arready(s_axil_arready), .rdata(s_axil_rdata), .rresp(s_axil_rresp), .rvalid(s_axil_rvalid),
      .rready(s_axil_rready), .idle(), .violations(), .error());
endmodule
