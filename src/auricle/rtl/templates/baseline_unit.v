// {{what}}
`default_nettype none

module {{name}}_unit #(
    parameter [{{seed_msb}}:0] SEED = {{seed_bits}}'d1
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        next,
    output wire [{{out_msb}}:0] number
);
{{registers}}
{{body}}
endmodule

`default_nettype wire
