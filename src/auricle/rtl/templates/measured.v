// The engine as it is measured: without tkeep, and with the bits of each number that differ from lane to lane alone.
`default_nettype none

module auricle_measured (
    input  wire             clk,
    input  wire             rst,
    input  wire             cmd_valid,
    output wire             cmd_ready,
    input  wire [1:0]       cmd,
    input  wire [31:0]      cfg_rows,
    input  wire [15:0]      cfg_tail,
    input  wire [7:0]       cfg_pad,
    input  wire [{{shift_msb}}:0]       cfg_shift,
    input  wire             seed_valid,
    output wire             seed_ready,
    input  wire [{{index_msb}}:0]       seed_index,
    input  wire [{{seed_msb}}:0]      seed_data,
    output wire             fault,
    output wire             valid,
    input  wire             ready,
    output wire [15:0]      count,
    output wire             last,
    output wire [{{row_msb}}:0] row
);
    wire [{{data_msb}}:0] data;

    {{name}} #(.KEEP(0)) engine (
        .clk(clk),
        .rst(rst),
        .cmd_valid(cmd_valid),
        .cmd_ready(cmd_ready),
        .cmd(cmd),
        .cfg_rows(cfg_rows),
        .cfg_tail(cfg_tail),
{{pad_port}}        .cfg_shift({{shift}}),
        .seed_valid(seed_valid),
        .seed_ready(seed_ready),
        .seed_index(seed_index),
        .seed_data(seed_data),
        .fault(fault),
        .m_axis_tvalid(valid),
        .m_axis_tready(ready),
        .m_axis_tdata(data),
        .m_axis_tkeep(),
        .m_axis_tuser(count),
        .m_axis_tlast(last)
    );

    genvar l;
    generate
        for (l = 0; l < {{lanes}}; l = l + 1) begin : lanes
            assign row[l*{{number_bits}} +: {{number_bits}}] = data[l*{{lane_bits}} + {{first}} +: {{number_bits}}];
        end
    endgenerate
endmodule

`default_nettype wire
