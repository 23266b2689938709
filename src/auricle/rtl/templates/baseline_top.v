// {{lanes}} lanes: {{what}}
`default_nettype none

module {{name}} (
    input  wire        clk,
    input  wire        rst,
    input  wire        next,
    output wire [{{row_msb}}:0] row
);
    localparam [{{seeds_msb}}:0] SEEDS = {{seeds_bits}}'h{{seeds}};

    genvar u;
    generate
        for (u = 0; u < {{units}}; u = u + 1) begin : units
            {{name}}_unit #(.SEED(SEEDS[u*{{seed_bits}} +: {{seed_bits}}])) unit (
                .clk(clk),
                .rst(rst),
                .next(next),
                .number(row[u*{{out_bits}} +: {{out_bits}}])
            );
        end
    endgenerate
endmodule

`default_nettype wire
