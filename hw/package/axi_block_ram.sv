// A memory on chip behind an AXI4 slave port, filled from files when the device is configured.
//
// It takes INCR bursts of whole beats, one at a time in each direction, and moves a beat in two cycles when it is
// read, in one when it is written: an example for small networks, not a memory for fast ones. A second read port
// looks at results while the bus is quiet.

module axi_block_ram #(
    parameter int DATA_WIDTH = 128,
    parameter int ADDR_WIDTH = 32,
    parameter int WORDS = 1024,           // beats
    parameter IMAGE = "image.hex",        // $readmemh, a beat a line: at address 0
    parameter INPUTS = "inputs.hex",
    parameter int INPUT_WORD = 512,       // where INPUTS go, in beats
    localparam int WORD_BITS = $clog2(WORDS)
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic                    s_axi_awid,
    input  logic [ADDR_WIDTH-1:0]   s_axi_awaddr,
    input  logic                    s_axi_awvalid,
    output logic                    s_axi_awready,
    input  logic [DATA_WIDTH-1:0]   s_axi_wdata,
    input  logic [DATA_WIDTH/8-1:0] s_axi_wstrb,
    input  logic                    s_axi_wlast,
    input  logic                    s_axi_wvalid,
    output logic                    s_axi_wready,
    output logic                    s_axi_bid,
    output logic [1:0]              s_axi_bresp,
    output logic                    s_axi_bvalid,
    input  logic                    s_axi_bready,
    input  logic                    s_axi_arid,
    input  logic [ADDR_WIDTH-1:0]   s_axi_araddr,
    input  logic [7:0]              s_axi_arlen,
    input  logic                    s_axi_arvalid,
    output logic                    s_axi_arready,
    output logic                    s_axi_rid,
    output logic [DATA_WIDTH-1:0]   s_axi_rdata,
    output logic [1:0]              s_axi_rresp,
    output logic                    s_axi_rlast,
    output logic                    s_axi_rvalid,
    input  logic                    s_axi_rready,
    input  logic                    look,          // read `look_word` instead of what the bus asks for
    input  logic [WORD_BITS-1:0]    look_word,
    output logic [DATA_WIDTH-1:0]   looked         // a cycle later
);
  localparam int BYTE_BITS = $clog2(DATA_WIDTH / 8);

  logic [DATA_WIDTH-1:0] words[WORDS];
  logic [DATA_WIDTH-1:0] data;
  logic [WORD_BITS-1:0]  read_word, write_word;
  logic [7:0]            left;

  initial $readmemh(IMAGE, words);
  initial $readmemh(INPUTS, words, INPUT_WORD);

  always_ff @(posedge clk) data <= words[look ? look_word : read_word];
  assign looked = data;
  assign s_axi_rdata = data;

  // A read beat: fetch it, then offer it until it is taken.
  logic reading, offered;
  assign s_axi_arready = !reading;
  assign s_axi_rvalid  = offered;
  assign s_axi_rlast   = left == 0;
  assign s_axi_rresp   = 2'b00;
  always_ff @(posedge clk) begin
    if (s_axi_arvalid && s_axi_arready) begin
      s_axi_rid <= s_axi_arid;
      read_word <= s_axi_araddr[BYTE_BITS+:WORD_BITS];
      left      <= s_axi_arlen;
      reading   <= 1;
      offered   <= 0;
    end else if (reading && !offered) begin
      offered <= 1;
    end else if (offered && s_axi_rready) begin
      offered   <= 0;
      reading   <= !s_axi_rlast;
      read_word <= read_word + 1;
      left      <= left - 1;
    end
    if (rst) begin
      reading <= 0;
      offered <= 0;
    end
  end

  // A write burst: its address, its beats, its answer.
  logic writing, answering;
  assign s_axi_awready = !writing && !answering;
  assign s_axi_wready  = writing;
  assign s_axi_bvalid  = answering;
  assign s_axi_bresp   = 2'b00;
  always_ff @(posedge clk) begin
    if (s_axi_awvalid && s_axi_awready) begin
      s_axi_bid  <= s_axi_awid;
      write_word <= s_axi_awaddr[BYTE_BITS+:WORD_BITS];
      writing    <= 1;
    end else if (s_axi_wvalid && s_axi_wready) begin
      write_word <= write_word + 1;
      writing    <= !s_axi_wlast;
      answering  <= s_axi_wlast;
    end else if (s_axi_bvalid && s_axi_bready) begin
      answering <= 0;
    end
    if (rst) begin
      writing   <= 0;
      answering <= 0;
    end
  end
  always_ff @(posedge clk)
    for (int i = 0; i < DATA_WIDTH / 8; i++)
      if (s_axi_wvalid && s_axi_wready && s_axi_wstrb[i]) words[write_word][8*i+:8] <= s_axi_wdata[8*i+:8];

  // Address bits beyond the memory and below a beat.
  wire unused = &{s_axi_araddr, s_axi_awaddr};
endmodule
