
    wire [{{count_msb}}:0] loads_{{width}};
    wire empty_{{width}} = load_data[{{msb}}:0] == {{width}}'d0;

    genvar {{var}};
    generate
        for ({{var}} = 0; {{var}} < {{count}}; {{var}} = {{var}} + 1) begin : width_{{width}}
            wire [{{msb}}:0] state;
            localparam [{{index_msb}}:0] PLACE = {{place}};
            assign loads_{{width}}[{{var}}] = load & (load_index == PLACE);
            auricle_lfsr_{{width}} #(.PROTECT(PROTECT)) register (
                .seed(SEEDS_{{width}}[{{var}}*{{width}} +: {{width}}]),
                .clk(clk),
                .rst(rst),
                .load(loads_{{width}}[{{var}}]),
                .loaded({load_data[{{msb}}:1], load_data[0] | empty_{{width}}}),
                .snapshot(snapshot),
                .restore(restore),
                .next(next),
                .from(width_{{width}}[{{from}}].state),
                .state(state),
                .zero(zero[{{place}}])
            );
            if ({{place}} < {{words}}) begin : used
                assign words[{{slot}}*{{bits}} +: {{bits}}] = state[{{word_msb}}:0];
            end
        end
    endgenerate
