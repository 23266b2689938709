// {{title}}
//
// Spec (docs/perturbations.md of auricle):
// {{spec}}
//
{{ports}}
`default_nettype none

module {{name}} #(
{{parameters}}
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             cmd_valid,
    output wire             cmd_ready,
    input  wire [1:0]       cmd,
    input  wire [31:0]      cfg_rows,
    input  wire [15:0]      cfg_tail,
{{pad_port}}    input  wire [{{shift_msb}}:0]       cfg_shift,

    input  wire             seed_valid,
    output wire             seed_ready,
    input  wire [{{index_msb}}:0]       seed_index,
    input  wire [{{seed_msb}}:0]      seed_data,
    output wire             fault,

    output wire             m_axis_tvalid,
    input  wire             m_axis_tready,
    output wire [LANES*{{lane_bits}}-1:0] m_axis_tdata,
    output wire [LANES*{{lane_bytes}}-1:0] m_axis_tkeep,
    output wire [15:0]      m_axis_tuser,
    output wire             m_axis_tlast
);
    wire run, snapshot, restore, next;
    wire [{{words}}*{{bits}}-1:0] words;
    reg  [{{shift_msb}}:0] shift;

    // Commands first: a seed must not change the state under a snapshot.
    assign seed_ready = cmd_ready & ~cmd_valid;

    always @(posedge clk) begin
        if (rst) shift <= {{shift_bits}}'d0;
        else if (run) shift <= cfg_shift;
    end

    auricle_sequencer #(.LANES(LANES), .LANE_BYTES({{lane_bytes}}), .KEEP(KEEP)) sequencer (
        .clk(clk),
        .rst(rst),
        .cmd_valid(cmd_valid),
        .cmd_ready(cmd_ready),
        .cmd(cmd),
        .cfg_rows(cfg_rows),
        .cfg_tail(cfg_tail),
        .cfg_pad({{pad}}),
        .run(run),
        .snapshot(snapshot),
        .restore(restore),
        .next(next),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast),
        .m_axis_tkeep(m_axis_tkeep),
        .m_axis_tuser(m_axis_tuser)
    );

{{core}}

    auricle_scale #(
        .LANES(LANES), .WORDS({{words}}), .BITS({{bits}}), .LANE_BITS({{lane_bits}}), .SHIFT_BITS({{shift_bits}})
    ) scale (
        .words(words),
        .shift(shift),
        .row(m_axis_tdata)
    );
endmodule

`default_nettype wire
