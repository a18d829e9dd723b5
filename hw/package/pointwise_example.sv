// A whole design around pointwise_core: a memory on chip that holds image, inputs and outputs, and a sequencer that
// starts one run after reset. What software does in a system with a processor is the table `script` here.
//
// image.hex comes from `pointwise export --format hex`, inputs.hex from the same folder; their sizes are parameters.
// When `done` rises, `result` shows the beat `result_word` of the output block, a cycle after it was asked for.

module pointwise_example #(
    parameter int IMAGE_BYTES = 4096,
    parameter int INPUT_BASE = 4096,      // byte addresses, multiples of 4096
    parameter int INPUT_BYTES = 4096,
    parameter int OUTPUT_BASE = 8192,
    parameter int OUTPUT_BYTES = 4096,
    parameter int MEMORY_BYTES = 12288,
    parameter IMAGE = "image.hex",
    parameter INPUTS = "inputs.hex"
) (
    input  logic        clk,
    input  logic        rst,
    output logic        done,
    output logic        failed,
    output logic [7:0]  code,             // of the error, see the register STATUS
    input  logic [15:0] result_word,
    output logic [pointwise_pkg::AXI_DATA_WIDTH-1:0] result
);
  localparam int AXI_DATA_WIDTH = pointwise_pkg::AXI_DATA_WIDTH;
  localparam int AXI_ADDR_WIDTH = pointwise_pkg::AXI_ADDR_WIDTH;
  localparam int AXIL_ADDR_WIDTH = pointwise_pkg::AXIL_ADDR_WIDTH;
  localparam int BEAT = AXI_DATA_WIDTH / 8;
  localparam int WORDS = MEMORY_BYTES / BEAT;
  localparam int WORD_BITS = $clog2(WORDS);

  logic                        irq;
  logic [AXIL_ADDR_WIDTH-1:0]  s_axil_awaddr, s_axil_araddr;
  logic [31:0]                 s_axil_wdata, s_axil_rdata;
  logic                        s_axil_awvalid, s_axil_awready, s_axil_wvalid, s_axil_wready, s_axil_bvalid;
  logic                        s_axil_arvalid, s_axil_arready, s_axil_rvalid;
  logic [1:0]                  s_axil_bresp, s_axil_rresp;
  logic                        m_axi_awid, m_axi_awlock, m_axi_awvalid, m_axi_awready, m_axi_wlast, m_axi_wvalid;
  logic                        m_axi_wready, m_axi_bid, m_axi_bvalid, m_axi_bready, m_axi_arid, m_axi_arlock;
  logic                        m_axi_arvalid, m_axi_arready, m_axi_rid, m_axi_rlast, m_axi_rvalid, m_axi_rready;
  logic [AXI_ADDR_WIDTH-1:0]   m_axi_awaddr, m_axi_araddr;
  logic [7:0]                  m_axi_awlen, m_axi_arlen;
  logic [2:0]                  m_axi_awsize, m_axi_arsize, m_axi_awprot, m_axi_arprot;
  logic [1:0]                  m_axi_awburst, m_axi_arburst, m_axi_bresp, m_axi_rresp;
  logic [3:0]                  m_axi_awcache, m_axi_arcache, m_axi_awqos, m_axi_arqos;
  logic [AXI_DATA_WIDTH-1:0]   m_axi_wdata, m_axi_rdata;
  logic [AXI_DATA_WIDTH/8-1:0] m_axi_wstrb;

  pointwise_core core (.*, .s_axil_awprot(3'b000), .s_axil_arprot(3'b000), .s_axil_wstrb(4'b1111),
      .s_axil_bready(1'b1), .s_axil_rready(1'b1));

  axi_block_ram #(.DATA_WIDTH(AXI_DATA_WIDTH), .ADDR_WIDTH(AXI_ADDR_WIDTH), .WORDS(WORDS), .IMAGE(IMAGE),
      .INPUTS(INPUTS), .INPUT_WORD(INPUT_BASE / BEAT)) memory (
      .clk, .rst,
      .s_axi_awid(m_axi_awid), .s_axi_awaddr(m_axi_awaddr), .s_axi_awvalid(m_axi_awvalid),
      .s_axi_awready(m_axi_awready), .s_axi_wdata(m_axi_wdata), .s_axi_wstrb(m_axi_wstrb),
      .s_axi_wlast(m_axi_wlast), .s_axi_wvalid(m_axi_wvalid), .s_axi_wready(m_axi_wready),
      .s_axi_bid(m_axi_bid), .s_axi_bresp(m_axi_bresp), .s_axi_bvalid(m_axi_bvalid), .s_axi_bready(m_axi_bready),
      .s_axi_arid(m_axi_arid), .s_axi_araddr(m_axi_araddr), .s_axi_arlen(m_axi_arlen),
      .s_axi_arvalid(m_axi_arvalid), .s_axi_arready(m_axi_arready), .s_axi_rid(m_axi_rid),
      .s_axi_rdata(m_axi_rdata), .s_axi_rresp(m_axi_rresp), .s_axi_rlast(m_axi_rlast),
      .s_axi_rvalid(m_axi_rvalid), .s_axi_rready(m_axi_rready),
      .look(done), .look_word(look_word[WORD_BITS-1:0]), .looked(result));

  wire [31:0] look_word = OUTPUT_BASE / BEAT + {16'd0, result_word};

  // The registers to write, in order; the last one starts the core, with its interrupt enabled.
  localparam int STEPS = 7;
  function automatic logic [AXIL_ADDR_WIDTH+31:0] script(input logic [2:0] step);
    case (step)
      0: script = {pointwise_pkg::IMAGE_BASE_REGISTER, 32'd0};
      1: script = {pointwise_pkg::IMAGE_BYTES_REGISTER, IMAGE_BYTES};
      2: script = {pointwise_pkg::INPUT_BASE_REGISTER, INPUT_BASE};
      3: script = {pointwise_pkg::INPUT_BYTES_REGISTER, INPUT_BYTES};
      4: script = {pointwise_pkg::OUTPUT_BASE_REGISTER, OUTPUT_BASE};
      5: script = {pointwise_pkg::OUTPUT_BYTES_REGISTER, OUTPUT_BYTES};
      default: script = {pointwise_pkg::CONTROL_REGISTER, 32'd3};
    endcase
  endfunction

  logic [2:0] step;
  logic begun, asked;
  assign {s_axil_awaddr, s_axil_wdata} = script(step);
  assign s_axil_araddr = pointwise_pkg::STATUS_REGISTER;

  always_ff @(posedge clk) begin
    // A register is written when its address, its data and its answer have passed.
    if (s_axil_awready) s_axil_awvalid <= 0;
    if (s_axil_wready) s_axil_wvalid <= 0;
    if (!begun || (s_axil_bvalid && step != 3'(STEPS - 1))) begin
      begun <= 1;
      step <= begun ? step + 1 : 0;
      s_axil_awvalid <= 1;
      s_axil_wvalid <= 1;
    end
    // The interrupt tells the end, STATUS what it was.
    if (irq && !asked) begin
      asked <= 1;
      s_axil_arvalid <= 1;
    end else if (s_axil_arready) s_axil_arvalid <= 0;
    if (s_axil_rvalid) begin
      done   <= 1;
      failed <= s_axil_rdata[2];
      code   <= s_axil_rdata[15:8];
    end
    if (rst) begin
      begun <= 0;
      s_axil_awvalid <= 0;
      s_axil_wvalid <= 0;
      s_axil_arvalid <= 0;
      asked <= 0;
      done <= 0;
      failed <= 0;
      code <= 0;
    end
  end

  // The memory takes whole beats in order, whatever else an address says; register accesses are always answered OKAY.
  wire unused = &{m_axi_awlen, m_axi_awsize, m_axi_arsize, m_axi_awburst, m_axi_arburst, m_axi_awlock, m_axi_arlock,
      m_axi_awcache, m_axi_arcache, m_axi_awprot, m_axi_arprot, m_axi_awqos, m_axi_arqos, s_axil_bresp,
      s_axil_rresp, s_axil_rdata, look_word};
endmodule
