// Words of a row as odd integers, shifted, and spread over the lanes: few shifters, many wires.
`default_nettype none

module auricle_scale #(
    parameter LANES = 1024,
    parameter WORDS = 31,
    parameter BITS = 8,
    parameter LANE_BITS = 16,  // at least BITS + 2**SHIFT_BITS
    parameter SHIFT_BITS = 2
) (
    input  wire [WORDS*BITS-1:0]      words,
    input  wire [SHIFT_BITS-1:0]      shift,
    output wire [LANES*LANE_BITS-1:0] row
);
    localparam ROUNDS = LANES / WORDS;
    localparam REST = LANES % WORDS;

    reg [WORDS*LANE_BITS-1:0] made, scaled;
    reg [BITS:0] odd;
    integer g;

    always @* begin
        for (g = 0; g < WORDS; g = g + 1) begin
            // 2 w + 1 - 2**BITS: a one behind the word, and its first bit, inverted, as the sign.
            odd = {words[g*BITS +: BITS], 1'b1} ^ {1'b1, {BITS{1'b0}}};
            made[g*LANE_BITS +: LANE_BITS] = {{(LANE_BITS-BITS-1){odd[BITS]}}, odd} << shift;
        end
        // All at once: simulators then wake what reads them once instead of WORDS times.
        scaled = made;
    end

    generate
        // By concatenation, as simulators take a thousand part-selects badly.
        if (ROUNDS == 0) begin : some
            assign row = scaled[LANES*LANE_BITS-1:0];
        end else if (REST == 0) begin : whole
            assign row = {ROUNDS{scaled}};
        end else begin : part
            assign row = {scaled[REST*LANE_BITS-1:0], {ROUNDS{scaled}}};
        end
    endgenerate
endmodule

`default_nettype wire
