// Which bursts of one direction are to fail: the one that +fault_<KIND>=ADDR (hex, bytes) lies in.
//
// +fault_<KIND>_nth=K (from 1) takes only the K-th burst that touches the address, without it all of them do.
// +fault_resp=2 (SLVERR, the default) or 3 (DECERR) is the response that axi_dram gives for it.

module dram_fault #(
    parameter string KIND = "read"
) (
    input  logic        clk,
    input  logic        taken,   // an address is being taken
    input  logic [63:0] first,   // the first byte of its burst
    input  logic [63:0] bytes,   // and how many there are
    output logic        hit,     // this burst is to fail (in the cycle of `taken`)
    output logic [63:0] address, // the byte whose beat fails
    output logic [1:0]  resp
);
  longint unsigned target;
  int unsigned nth, chosen_resp;
  int unsigned touched = 0;
  bit armed;

  initial begin
    armed = $value$plusargs({"fault_", KIND, "=%h"}, target) != 0;
    if (!$value$plusargs({"fault_", KIND, "_nth=%d"}, nth)) nth = 0;
    if (!$value$plusargs("fault_resp=%d", chosen_resp)) chosen_resp = 2;
    if (chosen_resp < 2 || chosen_resp > 3)
      $fatal(1, "+fault_resp=%0d is no error; expected 2 (SLVERR) or 3 (DECERR)", chosen_resp);
  end

  logic touches;
  assign touches = armed && target >= first && target - first < bytes;
  assign hit     = touches && (nth == 0 || touched + 1 == nth);
  assign address = target;
  assign resp    = chosen_resp[1:0];

  always @(posedge clk) if (taken && touches) touched <= touched + 1;
endmodule
