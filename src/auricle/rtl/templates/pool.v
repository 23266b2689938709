// A pool of {{rows}} rows in block memory. A direction reads rows start, start + stride, start + 2 stride, ... modulo
// {{rows}}; after it, start moves on by stride + 1 and stride doubles, modulo {{rows}}.
`default_nettype none

module auricle_row_pool #(
    parameter POOL_FILE = "{{name}}.hex"  // the rows, word 0 in the lowest bits
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         run,
    input  wire         next,
    input  wire         finish,
    input  wire         snapshot,
    input  wire         restore,
    input  wire         load,
    input  wire [{{address_msb}}:0]   load_index,  // a row, or {{rows}} for the counters, {stride, start}
    input  wire [{{seed_msb}}:0] load_data,
    output reg  [{{words_msb}}:0] words,
    output reg          fault        // counters out of range were loaded or met, and replaced by 1
);
    localparam [{{address_bits}}:0] ROWS = {{rows}};

    reg [{{words_msb}}:0] memory [0:{{last_row}}];
    initial $readmemh(POOL_FILE, memory);

    reg  [{{address_msb}}:0] start, stride, address;
    reg  [{{address_msb}}:0] saved_start, saved_stride;

    // A sum of two numbers below ROWS is brought below ROWS by one subtraction, in which the carry doesn't matter.
    wire [{{address_bits}}:0] along = {1'b0, address} + {1'b0, stride};
    wire [{{address_bits}}:0] twice = {stride, 1'b0};
    wire [{{address_msb}}:0] next_address = along < ROWS ? along[{{address_msb}}:0] : along[{{address_msb}}:0] - ROWS[{{address_msb}}:0];
    wire [{{address_bits}}:0] onward = {1'b0, start} + {1'b0, stride} + {{{address_bits}}'d0, 1'b1};
    // A stride of 0 or ROWS doubles to itself, so one that was disturbed into such a value would never come back; a
    // start beyond the rows could stay there for long. Both go back to direction 0.
    wire lost = (stride == {{address_bits}}'d0) | (stride >= ROWS[{{address_msb}}:0]) | (start >= ROWS[{{address_msb}}:0]);
    wire [{{address_msb}}:0] doubled = twice < ROWS ? twice[{{address_msb}}:0] : twice[{{address_msb}}:0] - ROWS[{{address_msb}}:0];
    wire [{{address_msb}}:0] next_stride = lost ? {{address_bits}}'d1 : doubled;
    wire [{{address_msb}}:0] moved = onward < ROWS ? onward[{{address_msb}}:0] : onward[{{address_msb}}:0] - ROWS[{{address_msb}}:0];
    wire [{{address_msb}}:0] next_start = lost ? {{address_bits}}'d1 : moved;

    wire counters = load & (load_index == ROWS[{{address_msb}}:0]);
    wire [{{address_msb}}:0] given_start = load_data[{{address_msb}}:0];
    wire [{{address_msb}}:0] given_stride = load_data[{{stride_msb}}:{{address_bits}}];
    wire bad_start = given_start >= ROWS[{{address_msb}}:0];
    wire bad_stride = (given_stride >= ROWS[{{address_msb}}:0]) | (given_stride == {{address_bits}}'d0);
    wire [{{address_msb}}:0] loaded_start = bad_start ? {{address_bits}}'d1 : given_start;
    wire [{{address_msb}}:0] loaded_stride = bad_stride ? {{address_bits}}'d1 : given_stride;

    // No reset here: block memory has none.
    always @(posedge clk) begin
        if (run | next) words <= memory[address];
        if (load & (load_index < ROWS[{{address_msb}}:0])) memory[load_index] <= load_data[{{words_msb}}:0];
    end

    always @(posedge clk) begin
        if (rst) begin
            start <= {{address_bits}}'d1;
            address <= {{address_bits}}'d1;
            stride <= {{address_bits}}'d1;
        end else if (counters) begin
            start <= loaded_start;
            address <= loaded_start;
            stride <= loaded_stride;
        end else if (restore) begin
            start <= saved_start;
            address <= saved_start;
            stride <= saved_stride;
        end else if (finish) begin
            start <= next_start;
            address <= next_start;
            stride <= next_stride;
        end else if (run | next) begin
            address <= next_address;
        end
    end

    always @(posedge clk) begin
        if (rst) begin
            saved_start <= {{address_bits}}'d1;
            saved_stride <= {{address_bits}}'d1;
        end else if (snapshot) begin
            saved_start <= start;
            saved_stride <= stride;
        end
    end

    always @(posedge clk) begin
        if (rst) fault <= 1'b0;
        else if ((counters & (bad_start | bad_stride)) | (finish & lost)) fault <= 1'b1;
    end
endmodule

`default_nettype wire
