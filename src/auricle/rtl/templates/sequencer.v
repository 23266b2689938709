// Takes commands, and sends the rows of a direction as one packet of an AXI stream.
//
// A row that the sink doesn't take stays as it is: while a row waits, `next` comes with the handshake alone.
`default_nettype none

module auricle_sequencer #(
    parameter LANES = 1024,  // numbers in a row
    parameter LANE_BYTES = 2,
    parameter KEEP = 1       // 0: tkeep is all ones, and m_axis_tuser alone tells how many lanes count
) (
    input  wire                        clk,
    input  wire                        rst,

    input  wire                        cmd_valid,
    output wire                        cmd_ready,
    input  wire [1:0]                  cmd,
    input  wire [31:0]                 cfg_rows,
    input  wire [15:0]                 cfg_tail,
    input  wire [7:0]                  cfg_pad,

    output wire                        run,       // a direction begins
    output wire                        snapshot,
    output wire                        restore,
    output wire                        next,      // the row is taken, or left out

    output wire                        m_axis_tvalid,
    input  wire                        m_axis_tready,
    output wire                        m_axis_tlast,
    output reg  [LANES*LANE_BYTES-1:0] m_axis_tkeep,
    output wire [15:0]                 m_axis_tuser
);
    localparam [1:0] RUN = 2'd0, SNAPSHOT = 2'd1, RESTORE = 2'd2;
    localparam [1:0] IDLE = 2'd0, STREAM = 2'd1, PAD = 2'd2;

    reg [1:0]  state;
    reg [31:0] left;  // rows after this one
    reg [15:0] tail;
    reg [7:0]  pad;   // cycles still to be left out

    wire taken = cmd_valid & cmd_ready;
    wire sent = m_axis_tvalid & m_axis_tready;

    assign cmd_ready = state == IDLE;
    assign run = taken & (cmd == RUN) & (cfg_rows != 32'd0);
    assign snapshot = taken & (cmd == SNAPSHOT);
    assign restore = taken & (cmd == RESTORE);
    assign next = sent | (state == PAD);
    assign m_axis_tvalid = state == STREAM;
    assign m_axis_tlast = left == 32'd0;
    assign m_axis_tuser = m_axis_tlast ? tail : LANES[15:0];

    always @(posedge clk) begin
        if (rst) begin
            state <= IDLE;
            left <= 32'd0;
            tail <= 16'd0;
            pad <= 8'd0;
        end else if (run) begin
            state <= STREAM;
            left <= cfg_rows - 32'd1;
            tail <= cfg_tail;
            pad <= cfg_pad;
        end else if (sent & m_axis_tlast) begin
            state <= pad == 8'd0 ? IDLE : PAD;
        end else if (sent) begin
            left <= left - 32'd1;
        end else if (state == PAD) begin
            state <= pad == 8'd1 ? IDLE : PAD;
            pad <= pad - 8'd1;
        end
    end

    wire [LANES-1:0] counts;
    integer l;

    auricle_tail #(.LANES(LANES)) lanes (.count(m_axis_tuser), .counts(counts));

    always @* begin
        for (l = 0; l < LANES; l = l + 1)
            m_axis_tkeep[l*LANE_BYTES +: LANE_BYTES] = {LANE_BYTES{counts[l] | (KEEP == 0)}};
    end
endmodule

`default_nettype wire
