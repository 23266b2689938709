// A shift register of {{width}} bits with taps {{taps}}, which leaps {{leap}} clocks at a time. Bit 0 of its state is the oldest.
`default_nettype none

module {{name}} #(
    parameter [{{msb}}:0] SEED = {{width}}'d1
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         next,
    output reg  [{{msb}}:0] state
);
    // Bits come in as many at a time as depend on earlier ones alone.
    wire [{{msb}}:0] stream_0 = state;
{{blocks}}

    always @(posedge clk) begin
        if (rst) state <= SEED;
        else if (next) state <= stream_{{last}}[{{leap}} +: {{width}}];
    end
endmodule

`default_nettype wire
