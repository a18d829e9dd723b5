// Behavioural AXI4 memory: what the core finds at the other end of its bus, with every nuisance on request.
//
// INCR bursts of whole beats, any number of them open up to OUTSTANDING each way, answered in order, one beat a
// cycle in each direction when nothing stalls. Write data may come before its address. Plusargs (axi_checker
// judges the protocol and has its own):
//
//   +latency=N    cycles from an address to its first beat, and from the last beat to the response (1, the least)
//   +mem_bytes=N, +image=, +inputs=, +dump= and their bases                        see dram_memory
//   +stall_ar= (aw, w, r, b) and +seed=N                                           see stall_source
//   +fault_read=, +fault_write=, +fault_read_nth=, +fault_write_nth=, +fault_resp= see dram_fault
//
// Beyond the memory the answer is DECERR. A beat that nobody has written reads as 0 and raises `r_uninit` beside
// RVALID. A failing read gives the complement of the data, so that whoever uses it is found out; a failing write
// leaves the memory as it is.

module axi_dram #(
    parameter int DATA_WIDTH = 128,
    parameter int ADDR_WIDTH = 32,
    parameter int ID_WIDTH = 1,
    parameter longint MEM_BYTES = 64 << 20,
    parameter int OUTSTANDING = 32
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic [ID_WIDTH-1:0]     s_axi_awid,
    input  logic [ADDR_WIDTH-1:0]   s_axi_awaddr,
    input  logic [7:0]              s_axi_awlen,
    input  logic [2:0]              s_axi_awsize,    // axi_checker holds the master to whole beats
    input  logic [1:0]              s_axi_awburst,   // and to INCR
    input  logic                    s_axi_awvalid,
    output logic                    s_axi_awready,
    input  logic [DATA_WIDTH-1:0]   s_axi_wdata,
    input  logic [DATA_WIDTH/8-1:0] s_axi_wstrb,
    input  logic                    s_axi_wlast,     // beats are counted
    input  logic                    s_axi_wvalid,
    output logic                    s_axi_wready,
    output logic [ID_WIDTH-1:0]     s_axi_bid,
    output logic [1:0]              s_axi_bresp,
    output logic                    s_axi_bvalid,
    input  logic                    s_axi_bready,
    input  logic [ID_WIDTH-1:0]     s_axi_arid,
    input  logic [ADDR_WIDTH-1:0]   s_axi_araddr,
    input  logic [7:0]              s_axi_arlen,
    input  logic [2:0]              s_axi_arsize,
    input  logic [1:0]              s_axi_arburst,
    input  logic                    s_axi_arvalid,
    output logic                    s_axi_arready,
    output logic [ID_WIDTH-1:0]     s_axi_rid,
    output logic [DATA_WIDTH-1:0]   s_axi_rdata,
    output logic [1:0]              s_axi_rresp,
    output logic                    s_axi_rlast,
    output logic                    s_axi_rvalid,
    input  logic                    s_axi_rready,
    output logic                    r_uninit,
    input  logic                    load,            // see dram_memory
    input  logic                    dump,
    input  logic [ADDR_WIDTH-1:0]   dump_base,
    input  logic [ADDR_WIDTH-1:0]   dump_bytes
);
  localparam longint unsigned BYTES = 64'(DATA_WIDTH / 8);
  localparam logic [1:0] OKAY = 2'b00, DECERR = 2'b11;

  typedef bit [DATA_WIDTH-1:0] beat_t;

  typedef struct {
    logic [ID_WIDTH-1:0] id;
    longint unsigned     address;   // of the next beat
    int unsigned         beats;     // still to come
    longint unsigned     due;       // the cycle from which it may be answered
    logic                fault;
    logic [1:0]          resp;      // the worst so far (writes)
  } burst_t;

  longint unsigned cycle = 0;
  int unsigned latency;

  initial if (!$value$plusargs("latency=%d", latency) || latency == 0) latency = 1;

  dram_memory #(.DATA_WIDTH(DATA_WIDTH), .MEM_BYTES(MEM_BYTES)) memory (
      .clk, .load, .dump, .dump_base(64'(dump_base)), .dump_bytes(64'(dump_bytes)));

  // --- Reads ---------------------------------------------------------------------------------------------------

  logic stall_ar, stall_aw, stall_w, stall_r, stall_b;

  stall_source #(.CHANNEL("ar"), .SALT(1)) draw_ar (.clk, .stall(stall_ar));
  stall_source #(.CHANNEL("aw"), .SALT(2)) draw_aw (.clk, .stall(stall_aw));
  stall_source #(.CHANNEL("w"), .SALT(3)) draw_w (.clk, .stall(stall_w));
  stall_source #(.CHANNEL("r"), .SALT(4)) draw_r (.clk, .stall(stall_r));
  stall_source #(.CHANNEL("b"), .SALT(5)) draw_b (.clk, .stall(stall_b));

  logic        read_hit, write_hit;
  logic [63:0] read_fault_address, write_fault_address;
  logic [1:0]  read_fault_resp, write_fault_resp;

  dram_fault #(.KIND("read")) fault_read (
      .clk, .taken(s_axi_arvalid && s_axi_arready && !rst), .first(64'(s_axi_araddr)),
      .bytes((64'(s_axi_arlen) + 1) * BYTES), .hit(read_hit), .address(read_fault_address), .resp(read_fault_resp));
  dram_fault #(.KIND("write")) fault_write (
      .clk, .taken(s_axi_awvalid && s_axi_awready && !rst), .first(64'(s_axi_awaddr)),
      .bytes((64'(s_axi_awlen) + 1) * BYTES), .hit(write_hit), .address(write_fault_address), .resp(write_fault_resp));

  function automatic bit in_beat(input longint unsigned first, input longint unsigned address);
    return address >= first && address - first < BYTES;
  endfunction

  burst_t reads[OUTSTANDING];
  int unsigned read_head = 0, read_count = 0;

  always @(posedge clk) begin
    if (s_axi_arvalid && s_axi_arready) begin
      reads[(read_head+read_count)%OUTSTANDING] = '{
          id: s_axi_arid, address: 64'(s_axi_araddr), beats: 32'(s_axi_arlen) + 1,
          due: cycle + 64'(latency) - 1, fault: read_hit, resp: OKAY};
      read_count++;
    end
    if (!s_axi_rvalid || s_axi_rready) begin
      s_axi_rvalid <= 0;
      if (read_count != 0 && cycle >= reads[read_head].due && !stall_r) show_beat();
    end
    s_axi_arready <= read_count < OUTSTANDING && !stall_ar;
    if (rst) begin
      read_count = 0;
      s_axi_arready <= 0;
      s_axi_rvalid  <= 0;
    end
  end

  task automatic show_beat();
    longint unsigned address = reads[read_head].address;
    longint unsigned at = address / BYTES;
    bit exists = memory.holds(at);
    bit fails = reads[read_head].fault && in_beat(address, read_fault_address);
    beat_t beat = memory.read(at);
    s_axi_rvalid <= 1;
    s_axi_rid    <= reads[read_head].id;
    s_axi_rdata  <= fails ? ~beat : beat;
    s_axi_rresp  <= fails ? read_fault_resp : exists ? OKAY : DECERR;
    s_axi_rlast  <= reads[read_head].beats == 1;
    r_uninit     <= exists && !memory.known(at);
    reads[read_head].address = address + BYTES;
    reads[read_head].beats   = reads[read_head].beats - 1;
    if (reads[read_head].beats == 0) begin
      read_head = (read_head + 1) % OUTSTANDING;
      read_count--;
    end
  endtask

  // --- Writes --------------------------------------------------------------------------------------------------

  // Bursts whose data is still to come, then those that wait for their response; and data without an address.
  burst_t writes[OUTSTANDING], answers[OUTSTANDING];
  int unsigned write_head = 0, write_count = 0, answer_head = 0, answer_count = 0;
  beat_t                   early_data[OUTSTANDING];
  logic [DATA_WIDTH/8-1:0] early_strb[OUTSTANDING];
  int unsigned early_head = 0, early_count = 0;

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (s_axi_awvalid && s_axi_awready) begin
      writes[(write_head+write_count)%OUTSTANDING] = '{
          id: s_axi_awid, address: 64'(s_axi_awaddr), beats: 32'(s_axi_awlen) + 1,
          due: 0, fault: write_hit, resp: OKAY};
      write_count++;
    end
    if (s_axi_wvalid && s_axi_wready) begin
      early_data[(early_head+early_count)%OUTSTANDING] = s_axi_wdata;
      early_strb[(early_head+early_count)%OUTSTANDING] = s_axi_wstrb;
      early_count++;
    end
    if (write_count != 0 && early_count != 0 && answer_count < OUTSTANDING) write_beat();
    if (!s_axi_bvalid || s_axi_bready) begin
      s_axi_bvalid <= 0;
      if (answer_count != 0 && cycle >= answers[answer_head].due && !stall_b) begin
        s_axi_bvalid <= 1;
        s_axi_bid    <= answers[answer_head].id;
        s_axi_bresp  <= answers[answer_head].resp;
        answer_head = (answer_head + 1) % OUTSTANDING;
        answer_count--;
      end
    end
    s_axi_awready <= write_count < OUTSTANDING && !stall_aw;
    s_axi_wready  <= early_count < OUTSTANDING && !stall_w;
    if (rst) begin
      write_count = 0; answer_count = 0; early_count = 0;
      s_axi_awready <= 0;
      s_axi_wready  <= 0;
      s_axi_bvalid  <= 0;
    end
  end

  task automatic write_beat();
    longint unsigned address = writes[write_head].address;
    longint unsigned at = address / BYTES;
    if (!memory.holds(at)) writes[write_head].resp = DECERR;
    else if (writes[write_head].fault && in_beat(address, write_fault_address))
      writes[write_head].resp = write_fault_resp;
    else memory.write(at, early_data[early_head], early_strb[early_head]);
    early_head = (early_head + 1) % OUTSTANDING;
    early_count--;
    writes[write_head].address = address + BYTES;
    writes[write_head].beats   = writes[write_head].beats - 1;
    if (writes[write_head].beats == 0) begin
      answers[(answer_head+answer_count)%OUTSTANDING] = writes[write_head];
      answers[(answer_head+answer_count)%OUTSTANDING].due = cycle + 64'(latency) - 1;
      answer_count++;
      write_head = (write_head + 1) % OUTSTANDING;
      write_count--;
    end
  endtask
endmodule
