// Adds a direction of the engine to weights in fixed point: w becomes w - c u, rounded and saturated.
//
// A coefficient of -1 and 1 makes the two perturbations of a step, and one from their losses the update. The numbers
// repeat after WORDS lanes, so there are WORDS multipliers and roundings, and in a lane only a subtraction.
//
{{ports}}
`default_nettype none

module auricle_update #(
    parameter LANES = {{lanes}},          // weights in a beat
    parameter WORDS = {{words}},          // numbers that differ in a beat: lane l takes number l mod WORDS
    parameter LANE_BITS = {{lane_bits}},      // bits of a number on the bus
    parameter NUMBER_BITS = {{number_bits}},    // of which so many count, and the others repeat the sign
    parameter WEIGHT_BITS = {{weight_bits}},
    parameter COEFFICIENT_BITS = {{coefficient_bits}},
    parameter FRACTION_BITS = {{fraction_bits}}   // of the coefficient
) (
    input  wire                         clk,
    input  wire                         rst,

    input  wire                         coefficient_valid,
    output wire                         coefficient_ready,
    input  wire [COEFFICIENT_BITS-1:0]  coefficient,

    input  wire                         s_axis_u_tvalid,
    output wire                         s_axis_u_tready,
    input  wire [LANES*LANE_BITS-1:0]   s_axis_u_tdata,
    input  wire [15:0]                  s_axis_u_tuser,
    input  wire                         s_axis_u_tlast,

    input  wire                         s_axis_w_tvalid,
    output wire                         s_axis_w_tready,
    input  wire [LANES*WEIGHT_BITS-1:0] s_axis_w_tdata,
    input  wire                         s_axis_w_tlast,

    output reg                          m_axis_tvalid,
    input  wire                         m_axis_tready,
    output reg  [LANES*WEIGHT_BITS-1:0] m_axis_tdata,
    output reg  [15:0]                  m_axis_tuser,
    output reg                          m_axis_tlast,

    output reg                          saturated,
    output reg                          misaligned
);
    localparam PRODUCT_BITS = NUMBER_BITS + COEFFICIENT_BITS;
    localparam WIDE = (PRODUCT_BITS > WEIGHT_BITS ? PRODUCT_BITS : WEIGHT_BITS) + 1;
    localparam SUM_BITS = WEIGHT_BITS + 1;
    localparam ROUNDS = LANES / WORDS;
    localparam REST = LANES % WORDS;

    localparam signed [WIDE-1:0] ONE = {{(WIDE-1){1'b0}}, 1'b1};
    localparam signed [WIDE-1:0] HALF = (ONE << FRACTION_BITS) >> 1;
    localparam signed [WIDE-1:0] LESS = FRACTION_BITS == 0 ? HALF : HALF - ONE;
    localparam signed [WIDE-1:0] LIMIT = (ONE << (WEIGHT_BITS - 1)) - ONE;

    // A stage is free when it is empty, or when what it holds moves on.
    reg products_valid, changes_valid;
    wire sums_free = ~m_axis_tvalid | m_axis_tready;
    wire join_now = changes_valid & s_axis_w_tvalid & sums_free;
    wire changes_free = ~changes_valid | join_now;
    wire products_free = ~products_valid | changes_free;
    assign s_axis_w_tready = changes_valid & sums_free;

    // The coefficient of a direction, from before its first beat to its last.
    reg held;
    reg [COEFFICIENT_BITS-1:0] factor;
    assign coefficient_ready = ~held;
    assign s_axis_u_tready = held & products_free;
    wire multiply = s_axis_u_tvalid & s_axis_u_tready;

    always @(posedge clk) begin
        if (rst) held <= 1'b0;
        else if (coefficient_valid & ~held) held <= 1'b1;
        else if (multiply & s_axis_u_tlast) held <= 1'b0;
        if (~held) factor <= coefficient;
    end

    // First stage: the products of the numbers that differ.
    reg [WORDS*PRODUCT_BITS-1:0] made, products;
    reg [NUMBER_BITS-1:0] number;
    reg [15:0] products_user;
    reg products_last;
    integer g;

    always @* begin
        for (g = 0; g < WORDS; g = g + 1) begin
            number = s_axis_u_tdata[g*LANE_BITS +: NUMBER_BITS];
            made[g*PRODUCT_BITS +: PRODUCT_BITS] =
                $signed({{COEFFICIENT_BITS{number[NUMBER_BITS-1]}}, number}) *
                $signed({{NUMBER_BITS{factor[COEFFICIENT_BITS-1]}}, factor});
        end
    end

    always @(posedge clk) begin
        if (rst) products_valid <= 1'b0;
        else if (products_free) products_valid <= multiply;
        if (multiply) begin
            products <= made;
            products_user <= s_axis_u_tuser;
            products_last <= s_axis_u_tlast;
        end
    end

    // Second stage: to the nearest whole number, halves away from zero, so that -c undoes what c has done.
    reg [WORDS*WEIGHT_BITS-1:0] rounded, changes;
    reg signed [WIDE-1:0] product, change;
    reg [WORDS-1:0] beyond;
    reg [15:0] changes_user;
    reg changes_last, changes_beyond;
    integer n;

    always @* begin
        for (n = 0; n < WORDS; n = n + 1) begin
            product = {{(WIDE-PRODUCT_BITS){products[(n+1)*PRODUCT_BITS-1]}}, products[n*PRODUCT_BITS +: PRODUCT_BITS]};
            change = (product + (product[WIDE-1] ? LESS : HALF)) >>> FRACTION_BITS;
            beyond[n] = ((change > LIMIT) | (change < -LIMIT)) & ({16'd0, products_user} > n);
            if (change > LIMIT) change = LIMIT;
            else if (change < -LIMIT) change = -LIMIT;
            rounded[n*WEIGHT_BITS +: WEIGHT_BITS] = change[WEIGHT_BITS-1:0];
        end
    end

    always @(posedge clk) begin
        if (rst) changes_valid <= 1'b0;
        else if (changes_free) changes_valid <= products_valid;
        if (products_valid & changes_free) begin
            changes <= rounded;
            changes_beyond <= |beyond;
            changes_user <= products_user;
            changes_last <= products_last;
        end
    end

    // Third stage: the subtraction. Lanes without a weight keep what they hold.
    wire [LANES*WEIGHT_BITS-1:0] spread;
    wire [LANES-1:0] counts;
    reg [LANES*SUM_BITS-1:0] differences, sums;
    reg [WEIGHT_BITS-1:0] weight, take;
    reg sums_beyond;
    integer l;

    auricle_tail #(.LANES(LANES)) tail (.count(changes_user), .counts(counts));

    generate
        if (REST == 0) begin : whole
            assign spread = {ROUNDS{changes}};
        end else begin : part
            assign spread = {changes[REST*WEIGHT_BITS-1:0], {ROUNDS{changes}}};
        end
    endgenerate

    always @* begin
        for (l = 0; l < LANES; l = l + 1) begin
            weight = s_axis_w_tdata[l*WEIGHT_BITS +: WEIGHT_BITS];
            take = spread[l*WEIGHT_BITS +: WEIGHT_BITS] & {WEIGHT_BITS{counts[l]}};
            differences[l*SUM_BITS +: SUM_BITS] = {weight[WEIGHT_BITS-1], weight} - {take[WEIGHT_BITS-1], take};
        end
    end

    always @(posedge clk) begin
        if (rst) m_axis_tvalid <= 1'b0;
        else if (sums_free) m_axis_tvalid <= join_now;
        if (join_now) begin
            sums <= differences;
            sums_beyond <= changes_beyond;
            m_axis_tuser <= changes_user;
            m_axis_tlast <= changes_last;
        end
    end

    always @(posedge clk) begin
        if (rst) misaligned <= 1'b0;
        else if (join_now & (s_axis_w_tlast != changes_last)) misaligned <= 1'b1;
    end

    // Behind the registers: a sum whose two upper bits differ is out of range, on the side that the first one says.
    reg [LANES-1:0] over;
    reg [WEIGHT_BITS:0] sum;
    integer m;

    always @* begin
        for (m = 0; m < LANES; m = m + 1) begin
            sum = sums[m*SUM_BITS +: SUM_BITS];
            over[m] = sum[WEIGHT_BITS] ^ sum[WEIGHT_BITS-1];
            m_axis_tdata[m*WEIGHT_BITS +: WEIGHT_BITS] =
                over[m] ? {sum[WEIGHT_BITS], {(WEIGHT_BITS-1){~sum[WEIGHT_BITS]}}} : sum[WEIGHT_BITS-1:0];
        end
    end

    reg fresh;  // the next beat is the first of a direction

    always @(posedge clk) begin
        if (rst) begin
            fresh <= 1'b1;
            saturated <= 1'b0;
        end else if (m_axis_tvalid & m_axis_tready) begin
            fresh <= m_axis_tlast;
            saturated <= (saturated & ~fresh) | sums_beyond | (|over);
        end
    end

    // The other lanes repeat the first ones, and the upper bits of a number its sign.
    wire unused = &{1'b0, s_axis_u_tdata};
endmodule

`default_nettype wire
