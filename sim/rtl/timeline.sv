// When the convolutions of a run began and ended, and what the cycles went to: with +timeline=FILE the first run of the
// core is written there, a line for each thing that happens. Cycles count from 0, as the register CYCLES does.
//
//   span FIRST LAST STREAM DEPEND TILE SHORT OUTPUT BANK IDLE
//                 the cycles by cause from the one after the last token of a convolution to that of the last token of
//                 the next, and the cycles of its first and its last token; one more, without tokens (-1), is what
//                 lies between the last convolution and the end of the run
//   done CYCLE    a convolution is complete; they are in program order
//   end CYCLES    the run has ended
//
// It looks into the core by the names of its instances, at control and never at tensors.

module timeline (
    input logic clk
);
  localparam int CAUSES = 7;

  wire        running = core_tb.core.control.run.running;
  wire        issue   = core_tb.core.engine.token_issue.issue;
  wire [2:0]  cause   = core_tb.core.engine.token_issue.cause;
  wire        ends    = core_tb.core.engine.token_issue.ends;
  wire [15:0] done    = core_tb.core.engine.conv_done;

  bit          watching, begun;
  int          fd, first, last;
  int unsigned cycle;
  int unsigned counts[CAUSES];
  logic [15:0] counted;

  task automatic clear_span();
    first = -1;
    last  = -1;
    foreach (counts[i]) counts[i] = 0;
  endtask

  task automatic write_span();
    $fwrite(fd, "span %0d %0d", first, last);
    foreach (counts[i]) $fwrite(fd, " %0d", counts[i]);
    $fwrite(fd, "\n");
  endtask

  initial begin
    string path;
    watching = 0;
    begun    = 0;
    cycle    = 0;
    counted  = 0;
    clear_span();
    if ($value$plusargs("timeline=%s", path)) begin
      fd = $fopen(path, "w");
      if (fd == 0) $fatal(1, "+timeline=%s cannot be written", path);
      watching = 1;
    end
  end

  always @(posedge clk)
    if (watching) begin
      if (running) begin
        begun = 1;
        counts[cause] = counts[cause] + 1;
        if (issue) begin
          if (first < 0) first = cycle;
          last = cycle;
        end
        if (done != counted) begin
          $fwrite(fd, "done %0d\n", cycle);
          counted = counted + 1;
        end
        if (ends) begin
          write_span();
          clear_span();
        end
        cycle = cycle + 1;
      end else if (begun) begin
        write_span();
        $fwrite(fd, "end %0d\n", cycle);
        $fclose(fd);
        watching = 0;
      end
    end
endmodule
