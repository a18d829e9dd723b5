// The storage of axi_dram, and the files that it is loaded from and dumped to. Plusargs:
//
//   +mem_bytes=N                    size in bytes, instead of MEM_BYTES: one build serves every size of network
//   +image=FILE +image_base=HEX     loaded at the start, and so are
//   +inputs=FILE +inputs_base=HEX   these; a rising edge of `load` loads the inputs again, from the same name
//   +dump=FILE                      written at a rising edge of `dump`, complete at the edge of clk after it
//
// A FILE whose name ends in .bin holds bytes as they lie in memory. Any other holds one beat a line in hexadecimal,
// most significant byte first, lowest address first, without comments: what $readmemh takes for a memory of this
// width. ($readmemh itself would want the size fixed when this is compiled.)
//
// Addresses of the functions count beats. Memory starts as zeros; `known` tells what was loaded or written since.

module dram_memory #(
    parameter int DATA_WIDTH = 128,
    parameter longint MEM_BYTES = 64 << 20
) (
    input logic        clk,
    input logic        load,
    input logic        dump,
    input logic [63:0] dump_base,   // bytes, and multiples of a beat
    input logic [63:0] dump_bytes
);
  localparam longint unsigned BYTES = 64'(DATA_WIDTH / 8);
  localparam int CHUNK = 65536;     // of a binary file, a multiple of every beat

  typedef bit [DATA_WIDTH-1:0] beat_t;

  beat_t beats[];
  bit    written[];
  longint unsigned size;            // in beats
  byte unsigned chunk[CHUNK];
  logic load_seen = 0, dump_seen = 0;

  function automatic bit holds(input longint unsigned at);
    return at < size;
  endfunction

  function automatic bit known(input longint unsigned at);
    return holds(at) && written[at[31:0]];
  endfunction

  function automatic beat_t read(input longint unsigned at);
    return holds(at) ? beats[at[31:0]] : 0;
  endfunction

  task automatic write(input longint unsigned at, input beat_t data, input logic [DATA_WIDTH/8-1:0] strb);
    if (strb == 0) return;
    for (int i = 0; i < DATA_WIDTH / 8; i++) if (strb[i]) beats[at[31:0]][8*i+:8] = data[8*i+:8];
    written[at[31:0]] = 1;
  endtask

  initial begin
    longint unsigned bytes;
    if (!$value$plusargs("mem_bytes=%d", bytes)) bytes = MEM_BYTES;
    size    = (bytes + BYTES - 1) / BYTES;
    beats   = new[size[31:0]];
    written = new[size[31:0]];
    load_named("image");
    load_named("inputs");
  end

  always @(posedge clk) begin
    load_seen <= load;
    dump_seen <= dump;
    if (load && !load_seen) load_named("inputs");
    if (dump && !dump_seen) write_dump();
  end

  function automatic bit is_binary(input string path);
    return path.len() > 4 && path.substr(path.len() - 4, path.len() - 1) == ".bin";
  endfunction

  task automatic load_named(input string what);
    string path;
    longint unsigned base;
    int fd;
    if (!$value$plusargs({what, "=%s"}, path)) return;
    if (!$value$plusargs({what, "_base=%h"}, base)) base = 0;
    if (base % BYTES != 0) $fatal(1, "+%s_base=%0h is not a multiple of a beat, %0d bytes", what, base, BYTES);
    fd = $fopen(path, "rb");
    if (fd == 0) $fatal(1, "+%s=%s cannot be opened", what, path);
    if (is_binary(path)) load_binary(fd, base / BYTES, path);
    else load_hex(fd, base / BYTES, path);
    $fclose(fd);
  endtask

  task automatic load_hex(input int fd, input longint unsigned start, input string path);
    longint unsigned at = start;
    beat_t beat;
    while ($fscanf(fd, "%h", beat) == 1) begin
      store(at, beat, path);
      at++;
    end
    if ($feof(fd) == 0) $fatal(1, "%s: line %0d is no hexadecimal number", path, at - start + 1);
  endtask

  task automatic load_binary(input int fd, input longint unsigned start, input string path);
    longint unsigned at = start;
    int got;
    do begin
      got = $fread(chunk, fd);
      for (int first = 0; first < got; first += DATA_WIDTH / 8) begin
        beat_t beat = 0;
        for (int i = 0; i < DATA_WIDTH / 8 && first + i < got; i++) beat[8*i+:8] = chunk[first+i];
        store(at, beat, path);
        at++;
      end
    end while (got == CHUNK);
  endtask

  task automatic store(input longint unsigned at, input beat_t beat, input string path);
    if (!holds(at))
      $fatal(1, "%s does not fit a memory of %0d bytes; +mem_bytes=N makes it larger", path, size * BYTES);
    beats[at[31:0]]   = beat;
    written[at[31:0]] = 1;
  endtask

  task automatic write_dump();
    string path;
    int fd;
    if (!$value$plusargs("dump=%s", path)) $fatal(1, "a dump was asked for; name its file with +dump=FILE");
    if (dump_base % BYTES != 0 || dump_bytes % BYTES != 0)
      $fatal(1, "a dump of %0d bytes at %0h is not of whole beats of %0d bytes", dump_bytes, dump_base, BYTES);
    if (dump_base > size * BYTES || dump_bytes > size * BYTES - dump_base)
      $fatal(1, "a dump of %0d bytes at %0h ends beyond the memory", dump_bytes, dump_base);
    fd = $fopen(path, "wb");
    if (fd == 0) $fatal(1, "+dump=%s cannot be written", path);
    for (longint unsigned at = dump_base / BYTES; at < (dump_base + dump_bytes) / BYTES; at++)
      if (is_binary(path)) $fwrite(fd, "%u", beats[at[31:0]]);
      else $fwrite(fd, "%h\n", beats[at[31:0]]);
    $fclose(fd);
  endtask
endmodule
