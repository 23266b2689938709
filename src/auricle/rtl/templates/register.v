// A shift register of {{width}} bits with taps {{taps}}, which leaps {{leap}} clocks at a time.
`default_nettype none

module auricle_lfsr_{{width}} #(
    parameter PROTECT = 1  // 1: a register that was disturbed into zero, which it would never leave, goes on with one
) (
    input  wire        clk,
    input  wire        rst,
    input  wire {{range}} seed,    // state after reset
    input  wire        load,
    input  wire {{range}} loaded,  // not zero
    input  wire        snapshot,
    input  wire        restore,
    input  wire        next,
    input  wire {{range}} from,    // state of the register whose place is taken
    output reg  {{range}} state,
    output wire        zero
);
    wire {{range}} leapt;
    reg  {{range}} saved;

    assign zero = (PROTECT != 0) & (from == {{width}}'d0);
{{sums}}

    always @(posedge clk) begin
        if (rst) state <= seed;
        else if (load) state <= loaded;
        else if (restore) state <= saved;
        else if (next) state <= leapt;
    end

    always @(posedge clk) begin
        if (rst) saved <= seed;
        else if (snapshot) saved <= state;
    end

`ifdef FORMAL
    // Proved by `auricle rtl verify`: from the state after reset, no input ever leads to zero.
    always @* begin
        if ($initstate) assume (state == seed && saved == seed);
        assert (state != {{width}}'d0 && saved != {{width}}'d0);
    end
`endif
endmodule

`default_nettype wire
