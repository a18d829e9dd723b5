// An SDRAM chip of four banks behind 16 data pins, such as the MT48LC16M16A2 of the boards, as its data sheet has
// it: open rows, CAS latency, refresh, and a check of every timing that a controller must keep. The first violation
// ends the simulation. Bursts of one or two words, which is what LiteDRAM programs at full and at half rate.
//
// Commands are taken at the rising edge of clk. +sdram_image names a file that lies in the memory from the start,
// +sdram_clock_ps is another period: with a shorter one a controller that is right breaks the timings.

module sdram_chip #(
    parameter int CLOCK_PS = 10_000,  // one period of clk
    parameter int ROW_BITS = 13,
    parameter int COLUMN_BITS = 9,
    // Data sheet, speed grade 75, in ps.
    parameter int T_RCD = 20_000,
    parameter int T_RP = 20_000,
    parameter int T_RAS = 44_000,
    parameter int T_RC = 66_000,
    parameter int T_RFC = 66_000,
    parameter int T_RRD = 15_000,
    parameter int T_WR = 15_000,
    parameter longint T_REF = 64'd64_000_000_000  // in which all rows must be refreshed
) (
    input wire                clk,
    input wire                cke,
    input wire                cs_n,
    input wire                ras_n,
    input wire                cas_n,
    input wire                we_n,
    input wire [1:0]          ba,
    input wire [ROW_BITS-1:0] a,
    input wire [1:0]          dm,
    inout wire [15:0]         dq
);
  localparam int BYTES = 2 << (ROW_BITS + 2 + COLUMN_BITS);
  localparam longint REFRESHES = 1 << ROW_BITS;
  localparam logic [2:0] ACTIVE = 3'b011, READ = 3'b101, WRITE = 3'b100, PRECHARGE = 3'b010, REFRESH = 3'b001,
      LOAD_MODE = 3'b000;

  logic [7:0] memory[BYTES];
  longint     now = 0;  // in periods
  logic       initialised = 0;
  logic [2:0] cas_latency = 0;
  logic       pairs = 0;  // bursts of two words, of which the second has the other lowest column bit

  logic                open_row[4];
  logic [ROW_BITS-1:0] row[4];
  longint              opened[4], precharged[4], written[4];
  longint              refreshed = -1000, mode_set = -1000, any_opened = -1000;
  longint              activates = 0, reads = 0, writes = 0, refreshes = 0;
  // Refreshes of the last T_REF at least: a bucket that fills with time and that each refresh drains.
  longint              debt = 0;
  logic                used = 0;  // since the chip was brought up
  logic                lost = 0;  // what it held, for want of refreshes

  // The second word of a write that began in the cycle before.
  logic        second = 0;
  logic [31:0] second_place;
  logic [1:0]  second_bank;

  longint      period = CLOCK_PS;
  string       image;
  int          file, ignored;
  logic [15:0] data[4];
  logic        drive[4];
  logic [15:0] out;
  logic        out_drive = 0;
  logic        violated = 0;

  initial begin
    for (int bank = 0; bank < 4; bank++) begin
      open_row[bank] = 0;
      opened[bank] = -1000;
      precharged[bank] = -1000;
      written[bank] = -1000;
      drive[bank] = 0;
    end
    if ($value$plusargs("sdram_clock_ps=%d", period)) ;
    if ($value$plusargs("sdram_image=%s", image)) begin
      file = $fopen(image, "rb");
      if (file == 0) begin
        $display("SDRAM CHECK: image: %s cannot be read", image);
        $fatal;
      end
      ignored = $fread(memory, file);
      $fclose(file);
    end
  end

  task automatic must(input logic holds, input string rule);
    if (!holds && !violated) begin
      $display("SDRAM CHECK: %s at cycle %0d", rule, now);
      violated = 1;
      $fflush;
      $fatal;
    end
  endtask

  function automatic logic since(input longint when_, input int ps);
    return (now - when_) * period >= longint'(ps);
  endfunction

  wire [2:0] command = {ras_n, cas_n, we_n};
  wire [31:0] place = {7'b0, row[ba], ba, a[COLUMN_BITS-1:0], 1'b0};

  task automatic close(input int bank);
    if (open_row[bank]) begin
      must(since(opened[bank], T_RAS), "tRAS");
      must(since(written[bank], T_WR), "tWR");
      precharged[bank] <= now;
    end
    open_row[bank] <= 0;
  endtask

  function automatic longint cycles(input int ps);
    return (longint'(ps) + period - 1) / period;
  endfunction

  task automatic store(input logic [31:0] at, input logic [1:0] bank);
    must(!drive[0] && !drive[1], "bus contention");
    if (!dm[0]) memory[at] <= dq[7:0];
    if (!dm[1]) memory[at|1] <= dq[15:8];
    written[bank] <= now;
  endtask

  // Auto precharge: the bank closes by itself, but not before tRAS.
  task automatic close_at(input longint when_);
    longint least = opened[ba] + cycles(T_RAS);
    open_row[ba] <= 0;
    precharged[ba] <= when_ > least ? when_ : least;
  endtask

  always @(posedge clk) begin
    now <= now + 1;
    // Output pipeline: data[0] is on the pins.
    for (int stage = 0; stage < 3; stage++) begin
      data[stage] <= data[stage+1];
      drive[stage] <= drive[stage+1];
    end
    drive[3] <= 0;
    if (used) begin  // there is something to keep
      debt <= debt + period * REFRESHES;
      // The controller may be eight refreshes late, as the data sheet's burst refresh is. Later is allowed
      // only where the chip is brought up anew before it is used again.
      if (debt > 9 * T_REF) lost <= 1;
    end
    second <= 0;
    // Another command for data ends a burst early.
    if (second && (cs_n || (command != READ && command != WRITE))) store(second_place, second_bank);
    if (cke && !cs_n) begin
      case (command)
        ACTIVE: begin
          must(initialised, "mode register");
          must(!lost, "tREF");
          must(!open_row[ba], "row open");
          must(since(precharged[ba], T_RP), "tRP");
          must(since(opened[ba], T_RC), "tRC");
          must(since(any_opened, T_RRD), "tRRD");
          must(since(refreshed, T_RFC), "tRFC");
          must(now - mode_set >= 2, "tMRD");
          open_row[ba] <= 1;
          row[ba] <= a;
          opened[ba] <= now;
          any_opened <= now;
          activates <= activates + 1;
          used <= 1;
        end
        READ: begin
          must(open_row[ba], "row closed");
          must(since(opened[ba], T_RCD), "tRCD");
          // CAS latency 2: on the pins after the next edge, to be taken before the one after that.
          data[cas_latency-1] <= {memory[place|1], memory[place]};
          drive[cas_latency-1] <= 1;
          if (pairs) data[cas_latency] <= {memory[place^3], memory[place^2]};
          drive[cas_latency] <= pairs;
          reads <= reads + 1;
          if (a[10]) close_at(now + (pairs ? 2 : 1));
        end
        WRITE: begin
          must(open_row[ba], "row closed");
          must(since(opened[ba], T_RCD), "tRCD");
          store(place, ba);
          second <= pairs;
          second_place <= place ^ 2;
          second_bank <= ba;
          writes <= writes + 1;
          if (a[10]) close_at(now + (pairs ? 1 : 0) + cycles(T_WR));
        end
        PRECHARGE: begin
          if (a[10]) for (int bank = 0; bank < 4; bank++) close(bank);
          else close(int'(ba));
        end
        REFRESH: begin
          for (int bank = 0; bank < 4; bank++) begin
            must(!open_row[bank], "refresh with an open row");
            must(since(precharged[bank], T_RP), "tRP");
          end
          must(since(refreshed, T_RFC), "tRFC");
          refreshed <= now;
          refreshes <= refreshes + 1;
          debt <= debt > T_REF ? debt - T_REF : 0;
        end
        LOAD_MODE: begin
          for (int bank = 0; bank < 4; bank++) must(!open_row[bank], "mode with an open row");
          must(a[2:0] <= 1 && !a[3], "burst length");
          must(a[6:4] == 2 || a[6:4] == 3, "CAS latency");
          cas_latency <= a[6:4];
          pairs <= a[0];
          initialised <= 1;
          mode_set <= now;
          debt <= 0;
          used <= 0;
          lost <= 0;
        end
        default: ;
      endcase
    end
  end

  // The access time, 5.4 ns, is more than half a period of the clocks that this chip is for.
  always @(negedge clk) begin
    out <= data[0];
    out_drive <= drive[0];
  end
  assign dq = out_drive ? out : 16'bz;

  final
    $display("SDRAM: %0d cycles, %0d activates, %0d reads, %0d writes, %0d refreshes", now, activates, reads,
             writes, refreshes);
endmodule
