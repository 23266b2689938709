// Sends directions of the engine and weights through the update lane, holds each of the four streams back at random,
// and compares {{beats}} beats with the golden model, auricle.rtl.update. Says PASS or FAIL.
`default_nettype none

module {{name}}_update_tb;
    localparam LANES = {{lanes}};
    localparam LANE_BITS = {{lane_bits}};
    localparam WEIGHT_BITS = {{weight_bits}};
    localparam COEFFICIENT_BITS = {{coefficient_bits}};
    localparam COMMANDS = {{commands}};
    localparam COEFFICIENTS = {{coefficients}};
    localparam BEATS = {{beats}};

    localparam [7:0] NOTHING = 8'd3;

    // op, stalls, rows, tail, pad, shift, misaligned
    reg [87:0] commands [0:COMMANDS-1];
    // episode, coefficient
    reg [39:0] coefficients [0:COEFFICIENTS-1];
    // episode, tlast, tdata
    reg [LANES*WEIGHT_BITS+23:0] weights [0:BEATS-1];
    // saturated, tlast, tuser, tdata
    reg [LANES*WEIGHT_BITS+23:0] updated [0:BEATS-1];

    reg clk = 1'b0, rst = 1'b1;
    reg cmd_valid = 1'b0;
    reg [1:0] cmd = 2'd0;
    reg [7:0] op = 8'd0, stalls = 8'd0, pad = 8'd0, shift = 8'd0, misaligned_then = 8'd0;
    reg [31:0] rows = 32'd0;
    reg [15:0] tail = 16'd0, episode = 16'd0;
    wire cmd_ready, seed_ready, fault;

    wire tvalid, tready, tlast;
    wire [LANES*LANE_BITS-1:0] tdata;
    wire [LANES*LANE_BITS/8-1:0] tkeep;
    wire [15:0] tuser;

    {{name}} engine (
        .clk(clk),
        .rst(rst),
        .cmd_valid(cmd_valid),
        .cmd_ready(cmd_ready),
        .cmd(cmd),
        .cfg_rows(rows),
        .cfg_tail(tail),
{{pad_port}}        .cfg_shift(shift[{{shift_msb}}:0]),
        .seed_valid(1'b0),
        .seed_ready(seed_ready),
        .seed_index({{index_bits}}'d0),
        .seed_data({{seed_bits}}'d0),
        .fault(fault),
        .m_axis_tvalid(tvalid),
        .m_axis_tready(tready),
        .m_axis_tdata(tdata),
        .m_axis_tkeep(tkeep),
        .m_axis_tuser(tuser),
        .m_axis_tlast(tlast)
    );

    // A gate that holds the engine's beats back; one that was offered stays so until it is taken.
    reg open = 1'b0;
    wire u_ready;
    assign tready = u_ready & open;

    reg c_valid = 1'b0, w_valid = 1'b0, w_last = 1'b0, m_ready = 1'b0;
    reg [COEFFICIENT_BITS-1:0] c_data = {COEFFICIENT_BITS{1'b0}};
    reg [LANES*WEIGHT_BITS-1:0] w_data = {LANES*WEIGHT_BITS{1'b0}};
    wire c_ready, w_ready, m_valid, m_last, saturated, misaligned;
    wire [LANES*WEIGHT_BITS-1:0] m_data;
    wire [15:0] m_user;

    auricle_update dut (
        .clk(clk),
        .rst(rst),
        .coefficient_valid(c_valid),
        .coefficient_ready(c_ready),
        .coefficient(c_data),
        .s_axis_u_tvalid(tvalid & open),
        .s_axis_u_tready(u_ready),
        .s_axis_u_tdata(tdata),
        .s_axis_u_tuser(tuser),
        .s_axis_u_tlast(tlast),
        .s_axis_w_tvalid(w_valid),
        .s_axis_w_tready(w_ready),
        .s_axis_w_tdata(w_data),
        .s_axis_w_tlast(w_last),
        .m_axis_tvalid(m_valid),
        .m_axis_tready(m_ready),
        .m_axis_tdata(m_data),
        .m_axis_tuser(m_user),
        .m_axis_tlast(m_last),
        .saturated(saturated),
        .misaligned(misaligned)
    );

    always #5 clk = ~clk;

    // Its own random numbers (xorshift32): the same in every simulator.
    reg [31:0] noise = 32'h9E3779B9;
    function [31:0] following;
        input [31:0] now;
        reg [31:0] x;
        begin
            x = now ^ (now << 13);
            x = x ^ (x >> 17);
            following = x ^ (x << 5);
        end
    endfunction

    // Always, half of the time, or seldom.
    function goes;
        input [1:0] how;
        input [2:0] chance;
        goes = how <= 2'd1 ? 1'b1 : how == 2'd2 ? chance[0] : chance == 3'd0;
    endfunction

    integer cycles = 0, beat = 0, waits = 0, at = 0;
    reg [63:0] numbers = 64'd0;
    reg failed = 1'b0;

    task fail;
        input [8*40-1:0] what;
        begin
            if (!failed) $display("FAIL %0s: beat %0d, command %0d, cycle %0d", what, beat, at, cycles);
            failed = 1'b1;
            $finish;
        end
    endtask

    always @(posedge clk) begin
        noise <= following(noise);
        cycles = cycles + 1;
        if (cycles > {{limit}}) fail("the engine hangs");
    end

    // The three sources and the sink: each goes on when it was heard, or had nothing to say.
    integer coefficient_at = 0, weight_at = 0;

    always @(posedge clk) begin
        open <= ~rst & ((open & tvalid & ~u_ready) | goes(stalls[1:0], noise[2:0]));
        m_ready <= goes(stalls[3:2], noise[5:3]);
        if (rst) begin
            c_valid <= 1'b0;
            w_valid <= 1'b0;
        end else begin
            if (c_valid && c_ready) begin
                c_valid <= 1'b0;
                coefficient_at = coefficient_at + 1;
            end
            if ((!c_valid || c_ready) && goes(stalls[5:4], noise[8:6]) && coefficient_at < COEFFICIENTS)
                if (coefficients[coefficient_at][39:24] == episode) begin
                    c_valid <= 1'b1;
                    c_data <= coefficients[coefficient_at][COEFFICIENT_BITS-1:0];
                end
            if (w_valid && w_ready) begin
                w_valid <= 1'b0;
                weight_at = weight_at + 1;
            end
            if ((!w_valid || w_ready) && goes(stalls[7:6], noise[11:9]) && weight_at < BEATS)
                if (weights[weight_at][LANES*WEIGHT_BITS+8 +: 16] == episode) begin
                    w_valid <= 1'b1;
                    w_last <= weights[weight_at][LANES*WEIGHT_BITS];
                    w_data <= weights[weight_at][LANES*WEIGHT_BITS-1:0];
                end
        end
    end

    // What leaves must not change while it waits, and must be what the golden model says.
    reg waiting = 1'b0, look = 1'b0, saturated_then = 1'b0;
    reg [LANES*WEIGHT_BITS+16:0] held;
    reg [LANES*WEIGHT_BITS+23:0] expected;

    always @(posedge clk) begin
        if (rst) begin
            waiting <= 1'b0;
            look <= 1'b0;
        end else begin
            if (m_valid !== 1'b0 && m_valid !== 1'b1) fail("tvalid is unknown");
            if (waiting && !m_valid) fail("tvalid fell without a handshake");
            if (waiting && {m_last, m_user, m_data} !== held) fail("a waiting beat changed");
            waiting <= m_valid && !m_ready;
            held <= {m_last, m_user, m_data};
            if ((m_valid && !m_ready) || (w_valid && !w_ready) || (tvalid && !tready)) waits = waits + 1;
            look <= m_valid && m_ready;
            if (look && saturated !== saturated_then) fail("saturated differs");
            if (m_valid && m_ready) begin
                if (beat == BEATS) begin
                    fail("more beats than there should be");
                end else begin
                    expected = updated[beat];
                    if ({m_last, m_user} !== expected[LANES*WEIGHT_BITS +: 17]) fail("tlast or tuser differs");
                    if (m_data !== expected[LANES*WEIGHT_BITS-1:0]) fail("tdata differs");
                    saturated_then <= expected[LANES*WEIGHT_BITS+17];
                    numbers = numbers + {48'd0, m_user};
                    beat = beat + 1;
                end
            end
        end
    end

    // What happened at a rising edge is looked at, and the next signals are set, at the falling edge: no races.
    reg cmd_taken = 1'b0;
    always @(posedge clk) cmd_taken <= cmd_valid && cmd_ready && !rst;

    initial begin
        $readmemh("{{name}}_update_commands.hex", commands);
        $readmemh("{{name}}_update_coefficients.hex", coefficients);
        $readmemh("{{name}}_update_weights.hex", weights);
        $readmemh("{{name}}_update_beats.hex", updated);
        repeat (3) @(negedge clk);
        rst = 1'b0;
        for (at = 0; at < COMMANDS; at = at + 1) begin
            {op, stalls, rows, tail, pad, shift, misaligned_then} = commands[at];
            cmd = op[1:0];
            if (op <= NOTHING) begin
                cmd_valid = 1'b1;
                @(negedge clk);
                while (!cmd_taken) @(negedge clk);
                cmd_valid = 1'b0;
            end else begin
                while (beat < rows) @(negedge clk);
                // Long enough for beats that should not be there.
                repeat (20) @(negedge clk);
                if (beat != rows) fail("more beats than there should be");
                if (misaligned !== misaligned_then[0]) fail("misaligned differs");
                rst = 1'b1;
                episode = episode + 16'd1;
                @(negedge clk);
                if (m_valid !== 1'b0 || saturated !== 1'b0 || misaligned !== 1'b0) fail("reset left something");
                rst = 1'b0;
            end
        end
        if (beat != BEATS || weight_at != BEATS || coefficient_at != COEFFICIENTS) fail("beats are missing");
        if (!failed) $display("PASS commands=%0d beats=%0d numbers=%0d stalls=%0d", COMMANDS, beat, numbers, waits);
        $finish;
    end
endmodule

`default_nettype wire
