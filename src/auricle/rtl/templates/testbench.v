// Sends {{commands}} commands to the engine, holds the stream back at random, and compares each of {{beats}} beats with
// the golden model of auricle.zeroth. Says PASS or FAIL.
`default_nettype none

module {{name}}_tb;
    localparam LANES = {{lanes}};
    localparam LANE_BITS = {{lane_bits}};
    localparam LANE_BYTES = {{lane_bytes}};
    localparam COMMANDS = {{commands}};
    localparam BEATS = {{beats}};
    localparam SEED_BITS = {{seed_bits}};

    localparam [7:0] NOTHING = 8'd3, SEED = 8'd4, RESET = 8'd5, ABORT = 8'd6, FAULT = 8'd7;

    // op, stall, rows, tail, pad, shift, index, data
    reg [96+SEED_BITS-1:0] commands [0:COMMANDS-1];
    // tlast, tuser, tdata
    reg [LANES*LANE_BITS+16:0] beats [0:BEATS-1];

    reg clk = 1'b0, rst = 1'b1;
    reg cmd_valid = 1'b0, seed_valid = 1'b0, tready = 1'b0;
    reg [1:0] cmd = 2'd0;
    wire cmd_ready, seed_ready, tvalid, tlast, fault;
    wire [LANES*LANE_BITS-1:0] tdata;
    wire [LANES*LANE_BYTES-1:0] tkeep;
    wire [15:0] tuser;

    reg [7:0] op = 8'd0, stall = 8'd0, pad = 8'd0, shift = 8'd0;
    reg [31:0] rows = 32'd0;
    reg [15:0] tail = 16'd0, index = 16'd0;
    reg [SEED_BITS-1:0] data = {SEED_BITS{1'b0}};

    {{name}} dut (
        .clk(clk),
        .rst(rst),
        .cmd_valid(cmd_valid),
        .cmd_ready(cmd_ready),
        .cmd(cmd),
        .cfg_rows(rows),
        .cfg_tail(tail),
{{pad_port}}        .cfg_shift(shift[{{shift_msb}}:0]),
        .seed_valid(seed_valid),
        .seed_ready(seed_ready),
        .seed_index(index[{{index_msb}}:0]),
        .seed_data(data),
        .fault(fault),
        .m_axis_tvalid(tvalid),
        .m_axis_tready(tready),
        .m_axis_tdata(tdata),
        .m_axis_tkeep(tkeep),
        .m_axis_tuser(tuser),
        .m_axis_tlast(tlast)
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

    integer cycles = 0, beat = 0, stalls = 0;
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
        tready <= stall == 8'd0 ? 1'b1 : stall == 8'd1 ? noise[7] : noise[9:7] == 3'd0;
        cycles = cycles + 1;
        if (cycles > {{limit}}) fail("the engine hangs");
    end

    // The stream: what waits must not change, and what is taken must be what the golden model says.
    reg waiting = 1'b0;
    reg [LANES*LANE_BITS-1:0] held_data;
    reg [LANES*LANE_BYTES-1:0] held_keep;
    reg [16:0] held_end;
    reg [LANES*LANE_BITS+16:0] expected;
    integer lane;

    always @(posedge clk) begin
        if (rst) begin
            waiting <= 1'b0;
        end else begin
            if (tvalid !== 1'b0 && tvalid !== 1'b1) fail("tvalid is unknown");
            if (waiting && !tvalid) fail("tvalid fell without a handshake");
            if (waiting && (tdata !== held_data || tkeep !== held_keep || {tlast, tuser} !== held_end))
                fail("a waiting beat changed");
            waiting <= tvalid && !tready;
            held_data <= tdata;
            held_keep <= tkeep;
            held_end <= {tlast, tuser};
            if (tvalid && !tready) stalls = stalls + 1;
            if (tvalid && tready) begin
                if (beat == BEATS) begin
                    fail("more beats than there should be");
                end else begin
                    expected = beats[beat];
                    if ({tlast, tuser} !== expected[LANES*LANE_BITS +: 17]) fail("tlast or tuser differs");
                    if (tuser == LANES) begin
                        if (tdata !== expected[LANES*LANE_BITS-1:0]) fail("tdata differs");
                        if (tkeep !== {LANES*LANE_BYTES{1'b1}}) fail("tkeep differs");
                    end else begin
                        for (lane = 0; lane < LANES; lane = lane + 1) begin
                            if (lane < tuser &&
                                tdata[lane*LANE_BITS +: LANE_BITS] !== expected[lane*LANE_BITS +: LANE_BITS])
                                fail("tdata of the last row differs");
                            if (tkeep[lane*LANE_BYTES +: LANE_BYTES] !== {LANE_BYTES{lane < tuser}})
                                fail("tkeep of the last row differs");
                        end
                    end
                    numbers = numbers + {48'd0, tuser};
                    beat = beat + 1;
                end
            end
        end
    end

    // What happened at a rising edge is looked at, and the next signals are set, at the falling edge: no races.
    reg cmd_taken = 1'b0, seed_taken = 1'b0, beat_taken = 1'b0;
    integer at = 0, taken = 0;

    always @(posedge clk) begin
        cmd_taken <= cmd_valid && cmd_ready && !rst;
        seed_taken <= seed_valid && seed_ready && !rst;
        beat_taken <= tvalid && tready && !rst;
    end

    task send;
        begin
            cmd_valid = 1'b1;
            @(negedge clk);
            while (!cmd_taken) @(negedge clk);
            cmd_valid = 1'b0;
        end
    endtask

    task drain;
        while (!cmd_ready) @(negedge clk);
    endtask

    task reset;
        begin
            rst = 1'b1;
            @(negedge clk);
            rst = 1'b0;
        end
    endtask

    initial begin
        $readmemh("{{name}}_commands.hex", commands);
        $readmemh("{{name}}_beats.hex", beats);
        repeat (3) @(negedge clk);
        rst = 1'b0;
        for (at = 0; at < COMMANDS; at = at + 1) begin
            {op, stall, rows, tail, pad, shift, index, data} = commands[at];
            cmd = op[1:0];
            while (noise[11:10] == 2'd0) @(negedge clk);
            if (op <= NOTHING) begin
                send;
            end else if (op == SEED) begin
                seed_valid = 1'b1;
                @(negedge clk);
                while (!seed_taken) @(negedge clk);
                seed_valid = 1'b0;
            end else if (op == RESET) begin
                drain;
                reset;
            end else if (op == ABORT) begin
                // A reset in the middle of a direction, after `index` beats.
                drain;
                cmd = 2'd0;
                send;
                taken = 0;
                while (taken < index) begin
                    @(negedge clk);
                    if (beat_taken) taken = taken + 1;
                end
                reset;
            end else if (op == FAULT) begin
                drain;
                if (fault !== data[0]) fail("fault differs");
            end
        end
        drain;
        repeat (10) @(negedge clk);
        if (beat != BEATS) fail("beats are missing");
        if (!failed) $display("PASS commands=%0d beats=%0d numbers=%0d stalls=%0d", COMMANDS, beat, numbers, stalls);
        $finish;
    end
endmodule

`default_nettype wire
