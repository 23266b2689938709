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
    wire [{{last}}:0] stream;  // the state, and the bits that come in
    assign stream[{{msb}}:0] = state;

    genvar i;
    generate
        for (i = 0; i < {{leap}}; i = i + 1) begin : clocks
            assign stream[{{width}} + i] = {{sum}};
        end
    endgenerate

    always @(posedge clk) begin
        if (rst) state <= SEED;
        else if (next) state <= stream[{{leap}} +: {{width}}];
    end
endmodule

`default_nettype wire
