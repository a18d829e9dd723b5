// One valid/ready channel: what every channel of AXI4 and AXI4-Lite must keep.
//
//   <CHANNEL>_STABLE  once VALID is high, VALID and payload stay until the edge at which READY is high too
//   <CHANNEL>_RESET   VALID is low at every edge after one at which reset was seen
//
// `fresh` marks the first cycle of an item, the moment to judge what it says; `violations` counts, for ever.
// The simulator knows two states only, so unknown values are no rule of their own.

module channel_checker #(
    parameter string NAME = "bus",     // which bus, for the message
    parameter string CHANNEL = "AR",   // the channel, the first half of the rule's name
    parameter int WIDTH = 1            // bits of the payload
) (
    input  logic             clk,
    input  logic             rst,
    input  logic [63:0]      cycle,
    input  logic             valid,
    input  logic             ready,
    input  logic [WIDTH-1:0] payload,
    output logic             fresh,
    output int unsigned      violations
);
  logic             waiting = 0;    // an item was shown at the last edge and not taken
  logic             was_reset = 0;
  logic [WIDTH-1:0] shown;

  assign fresh = valid && !waiting;

  initial violations = 0;

  always @(posedge clk) begin
    waiting   <= valid && !ready && !rst;
    was_reset <= rst;
    if (valid && !ready) shown <= payload;

    if (!rst && waiting && !valid) report("STABLE", "VALID fell before READY");
    if (!rst && waiting && valid && payload != shown)
      report("STABLE", $sformatf("payload changed from %0h to %0h before READY", shown, payload));
    if (was_reset && valid) report("RESET", "VALID is high in reset");
  end

  task automatic report(input string rule, input string text);
    violations++;
    bus_check_pkg::violation({CHANNEL, "_", rule}, cycle, {NAME, ": ", text});
  endtask
endmodule
