// The multiplier of an ECP5, for which Yosys has a black box only, as bitstreams use it: without a register, or with
// the one behind the product. The others have no parameters here, so that a netlist that uses one does not compile.

module MULT18X18D #(
    parameter REG_OUTPUT_CLK = "NONE",
    parameter GSR = "ENABLED"
) (
    input  CLK0, CE0, RST0,
    input  A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input  B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input  C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input  SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
        P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  wire signed [18:0] a = {SIGNEDA & A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1,
      A0};
  wire signed [18:0] b = {SIGNEDB & B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1,
      B0};
  wire signed [37:0] product = a * b;
  wire [35:0] result;
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
      P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = result;

  generate
    if (REG_OUTPUT_CLK == "CLK0") begin : held
      reg [35:0] value = 0;
      always @(posedge CLK0)
        if (RST0) value <= 0;
        else if (CE0) value <= product[35:0];
      assign result = value;
    end else if (REG_OUTPUT_CLK == "NONE") begin : through
      assign result = product[35:0];
    end else begin : no_such_clock
      initial $fatal(1, "a multiplier has no clock %s in this model", REG_OUTPUT_CLK);
    end
  endgenerate

  wire unused = &{CLK0, CE0, RST0, SOURCEA, SOURCEB, product[37:36], C17, C16, C15, C14, C13, C12, C11, C10, C9, C8,
      C7, C6, C5, C4, C3, C2, C1, C0};
endmodule
