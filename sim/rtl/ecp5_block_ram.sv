// The block RAM of an ECP5, for which Yosys has a black box only, as far as Yosys' memories use it: output registers
// bypassed, every chip select 0. What a port reads while the other one writes the same word is the old word here.
//
// It holds 2048 bytes of 9 bits. A port of 9, 18 or 36 bits sees 1, 2 or 4 of them, first byte low, with a write
// enable for each in the lowest bits of its address; a narrower one sees a part of the lower 8 bits. A port of 36 bits
// has the data pins of both ports: A to write, B to read.

module DP16KD #(
    parameter int DATA_WIDTH_A = 18,
    parameter int DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG",
    parameter REGMODE_B = "NOREG",
    parameter RESETMODE = "SYNC",
    parameter ASYNC_RESET_RELEASE = "SYNC",
    parameter CSDECODE_A = "0b000",
    parameter CSDECODE_B = "0b000",
    parameter WRITEMODE_A = "NORMAL",
    parameter WRITEMODE_B = "NORMAL",
    parameter CLKAMUX = "CLKA",
    parameter CLKBMUX = "CLKB",
    parameter GSR = "ENABLED",
    parameter logic [319:0]
        INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0,
        INITVAL_06 = 0, INITVAL_07 = 0, INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0,
        INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0, INITVAL_10 = 0, INITVAL_11 = 0,
        INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0,
        INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0,
        INITVAL_1E = 0, INITVAL_1F = 0, INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0,
        INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0, INITVAL_28 = 0, INITVAL_29 = 0,
        INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0,
        INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0,
        INITVAL_36 = 0, INITVAL_37 = 0, INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0,
        INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0
) (
    input  DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2,
        DIA1, DIA0,
    input  ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input  CLKA, CEA, OCEA, WEA, RSTA, CSA2, CSA1, CSA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
        DOA1, DOA0,
    input  DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
        DIB1, DIB0,
    input  ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input  CLKB, CEB, OCEB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
        DOB1, DOB0
);
  localparam logic [64*320-1:0] INITVAL = {
      INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38, INITVAL_37,
      INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E,
      INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25,
      INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C,
      INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13,
      INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A,
      INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01,
      INITVAL_00
  };

  logic [8:0] bytes[2048];
  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
      DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
      DIB3, DIB2, DIB1, DIB0};
  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  logic [35:0] doa, dob;
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
      DOA1, DOA0} =
      DATA_WIDTH_B == 36 ? dob[17:0] : doa[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
      DOB1, DOB0} =
      DATA_WIDTH_B == 36 ? dob[35:18] : dob[17:0];

  function automatic logic [35:0] held(input int width, input logic [13:0] address);
    case (width)
      36: held = {bytes[{address[13:5], 2'd3}], bytes[{address[13:5], 2'd2}], bytes[{address[13:5], 2'd1}],
          bytes[{address[13:5], 2'd0}]};
      18: held = {18'b0, bytes[{address[13:4], 1'b1}], bytes[{address[13:4], 1'b0}]};
      9: held = {27'b0, bytes[address[13:3]]};
      4: held = {32'b0, bytes[address[13:3]][4*address[2]+:4]};
      2: held = {34'b0, bytes[address[13:3]][2*address[2:1]+:2]};
      default: held = {35'b0, bytes[address[13:3]][address[2:0]]};
    endcase
  endfunction

  task automatic put(input int width, input logic [13:0] address, input logic [35:0] data);
    case (width)
      36: for (int i = 0; i < 4; i++) if (address[i]) bytes[{address[13:5], 2'(i)}] <= data[9*i+:9];
      18: for (int i = 0; i < 2; i++) if (address[i]) bytes[{address[13:4], 1'(i)}] <= data[9*i+:9];
      9: bytes[address[13:3]] <= data[8:0];
      4: bytes[address[13:3]][4*address[2]+:4] <= data[3:0];
      2: bytes[address[13:3]][2*address[2:1]+:2] <= data[1:0];
      default: bytes[address[13:3]][address[2:0]] <= data[0];
    endcase
  endtask

  initial begin
    for (int i = 0; i < 2048; i++) bytes[i] = INITVAL[20*(i/2)+9*(i%2)+:9];
    doa = 0;
    dob = 0;
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000"
        || CLKAMUX != "CLKA" || CLKBMUX != "CLKB" || WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_B == "WRITETHROUGH")
      $fatal(1, "DP16KD: of this mode of the block RAM there is no model");
  end

  // A reset is asked for in no memory of the core; where it is, it goes before everything else.
  always_ff @(posedge CLKA)
    if (RSTA) doa <= 0;
    else if (CEA) begin
      if (!WEA || WRITEMODE_A == "READBEFOREWRITE") doa <= held(DATA_WIDTH_A, ada);
      if (WEA) put(DATA_WIDTH_A, ada, {dib, dia});
    end

  always_ff @(posedge CLKB)
    if (RSTB) dob <= 0;
    else if (CEB) begin
      if (!WEB || WRITEMODE_B == "READBEFOREWRITE") dob <= held(DATA_WIDTH_B, adb);
      if (WEB) put(DATA_WIDTH_B, adb, {18'b0, dib});
    end

  wire unused = &{OCEA, OCEB, CSA2, CSA1, CSA0, CSB2, CSB1, CSB0};
endmodule
