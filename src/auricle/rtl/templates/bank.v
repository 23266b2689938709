// {{generators}} shift registers that leap together. In cycle T, lane l takes the word of register (l + T LANES) mod
// {{generators}}; so that no multiplexer is needed, the registers' states move instead, by LANES mod {{generators}} places a cycle.
`default_nettype none

module auricle_lfsr_bank #(
{{parameters}}
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire                     snapshot,
    input  wire                     restore,
    input  wire                     next,
    input  wire                     load,
    input  wire [{{index_msb}}:0]               load_index,
    input  wire [{{seed_msb}}:0]              load_data,
    output wire [{{words}}*{{bits}}-1:0] words,
    output reg                      fault  // a state of zero was loaded or met, and replaced by one
);
{{turn}}    wire [{{last}}:0] zero;
{{groups}}
    always @(posedge clk) begin
        if (rst) fault <= 1'b0;
        else if ({{empties}} | (next & (|zero))) fault <= 1'b1;
    end
endmodule

`default_nettype wire
