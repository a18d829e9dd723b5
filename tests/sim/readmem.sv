// Reads one memory four times, from files that plusargs name, and counts the words in which two readings differ.

module readmem #(
    parameter int WIDTH = 64,
    parameter int DEPTH = 1
) (
    output int differences,
    output int words
);
  logic [WIDTH-1:0] hex[DEPTH], binary[DEPTH], mem[DEPTH], raw;
  string path;
  int fd;

  function automatic string named(input string what);
    if (!$value$plusargs({what, "=%s"}, named)) $fatal(1, "+%s is missing", what);
  endfunction

  initial begin
    $readmemh(named("hex"), hex);
    $readmemb(named("binary"), binary);
    $readmemh(named("mem"), mem);
    fd = $fopen(named("raw"), "rb");
    for (int at = 0; at < DEPTH; at++) begin
      for (int i = 0; i < WIDTH / 8; i++) raw[8*i+:8] = 8'($fgetc(fd));
      if (hex[at] !== raw || binary[at] !== raw || mem[at] !== raw) differences++;
    end
    words = DEPTH;
    $fclose(fd);
  end
endmodule
