// Which lanes hold weights: those below count. Digit by digit, with few comparisons that all lanes share.
`default_nettype none

module auricle_tail #(
    parameter LANES = 1024
) (
    input  wire [15:0]      count,
    output reg  [LANES-1:0] counts
);
    localparam GROUPS = (LANES + 31) / 32;
    localparam DIGITS = LANES < 32 ? LANES : 32;
    reg [GROUPS-1:0] above, same;
    reg [DIGITS-1:0] below;
    integer l;

    always @* begin
        for (l = 0; l < GROUPS; l = l + 1) begin
            above[l] = {21'd0, count[15:5]} > l;
            same[l] = {21'd0, count[15:5]} == l;
        end
        for (l = 0; l < DIGITS; l = l + 1) below[l] = {27'd0, count[4:0]} > l;
        for (l = 0; l < LANES; l = l + 1) counts[l] = above[l/32] | (same[l/32] & below[l%32]);
    end
endmodule

`default_nettype wire
