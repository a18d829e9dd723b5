// A coin for one channel: `stall` is high in a cycle with the probability that +stall_<CHANNEL>=PERMILLE says.
//
// Each channel has a generator of its own (xorshift32), so that a change of one probability leaves the
// others' sequences alone; +seed=N (default 1) gives another run. The same plusargs give the same run.

module stall_source #(
    parameter string CHANNEL = "ar",
    parameter int SALT = 1              // different for each channel
) (
    input  logic clk,
    output logic stall
);
  int unsigned permille;
  int unsigned state;

  function automatic int unsigned step(input int unsigned x);
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
  endfunction

  initial begin
    int unsigned seed;
    stall = 0;
    if (!$value$plusargs({"stall_", CHANNEL, "=%d"}, permille)) permille = 0;
    if (permille > 1000) $fatal(1, "+stall_%s=%0d is out of range; expected 0 to 1000 permille", CHANNEL, permille);
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    state = (seed * 32'h9E37_79B9) ^ (SALT * 32'h85EB_CA6B);
    if (state == 0) state = 1;                       // the one value that xorshift never leaves
    repeat (8) state = step(state);                  // neighbouring seeds start far apart
  end

  // The draw is made with the high half: the low bits of an xorshift are its weakest.
  always @(posedge clk)
    if (permille != 0) begin
      state = step(state);
      stall <= (state >> 16) * 1000 < permille << 16;
    end
endmodule
