// Two registers behind AXI4-Lite, for tests of drivers and checkers: words 0 and 1; others answer SLVERR.
// AW and W are taken in cycles that differ, so that a driver must treat them apart. `deaf` answers nothing.

module registers (
    input  logic        clk,
    input  logic        rst,
    input  logic        deaf,
    input  logic [7:0]  s_axil_awaddr,
    input  logic        s_axil_awvalid,
    output logic        s_axil_awready,
    input  logic [31:0] s_axil_wdata,
    input  logic [3:0]  s_axil_wstrb,
    input  logic        s_axil_wvalid,
    output logic        s_axil_wready,
    output logic [1:0]  s_axil_bresp,
    output logic        s_axil_bvalid,
    input  logic        s_axil_bready,
    input  logic [7:0]  s_axil_araddr,
    input  logic        s_axil_arvalid,
    output logic        s_axil_arready,
    output logic [31:0] s_axil_rdata,
    output logic [1:0]  s_axil_rresp,
    output logic        s_axil_rvalid,
    input  logic        s_axil_rready
);
  logic [31:0] words[2];
  logic [7:0]  address;
  logic        addressed, turn;

  assign s_axil_awready = !deaf && turn && !addressed && !s_axil_bvalid;
  assign s_axil_wready  = !deaf && !turn && addressed && !s_axil_bvalid;
  assign s_axil_arready = !deaf && turn && !s_axil_rvalid;

  always_ff @(posedge clk) begin
    turn <= !turn;
    if (s_axil_awvalid && s_axil_awready) begin
      address   <= s_axil_awaddr;
      addressed <= 1;
    end
    if (s_axil_wvalid && s_axil_wready) begin
      addressed     <= 0;
      s_axil_bvalid <= 1;
      s_axil_bresp  <= address < 8 ? 2'b00 : 2'b10;
      for (int i = 0; i < 4; i++)
        if (s_axil_wstrb[i] && address < 8) words[address[2]][8*i+:8] <= s_axil_wdata[8*i+:8];
    end
    if (s_axil_bvalid && s_axil_bready) s_axil_bvalid <= 0;
    if (s_axil_arvalid && s_axil_arready) begin
      s_axil_rvalid <= 1;
      s_axil_rresp  <= s_axil_araddr < 8 ? 2'b00 : 2'b10;
      s_axil_rdata  <= s_axil_araddr < 8 ? words[s_axil_araddr[2]] : 0;
    end
    if (s_axil_rvalid && s_axil_rready) s_axil_rvalid <= 0;
    if (rst) {addressed, turn, s_axil_bvalid, s_axil_rvalid} <= 0;
  end
endmodule
