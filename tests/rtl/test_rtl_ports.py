"""What a bus may do that the generated test benches don't: ask for two things at once, or leave tkeep out."""

import shutil

import pytest

from auricle.rtl import Engine, bank, generate, row_pool
from auricle.rtl.tools import run

BENCH = """
module ports;
    reg clk = 1'b0, rst = 1'b1, cmd_valid = 1'b0, seed_valid = 1'b0;
    wire cmd_ready, seed_ready, tvalid, tlast;
    wire [{keep_bits}-1:0] tkeep;
    wire [15:0] tuser;
    {name} #(.KEEP({keep})) dut (
        .clk(clk), .rst(rst), .cmd_valid(cmd_valid), .cmd_ready(cmd_ready), .cmd(2'd0), .cfg_rows(32'd2),
        .cfg_tail(16'd1), .cfg_shift(2'd0), .seed_valid(seed_valid), .seed_ready(seed_ready),
        .seed_index({index}), .seed_data({data}), .m_axis_tvalid(tvalid), .m_axis_tready(1'b1), .m_axis_tlast(tlast),
        .m_axis_tkeep(tkeep), .m_axis_tuser(tuser) {pad}
    );
    always #5 clk = ~clk;
    always @(posedge clk) if (tvalid) $display("beat %b %0d %b", tlast, tuser, tkeep);
    initial begin
        repeat (2) @(negedge clk);
        rst = 1'b0;
        #1 $display("seed alone: %b", seed_ready);
        cmd_valid = 1'b1;
        seed_valid = 1'b1;
        #1 $display("both: command %b, seed %b", cmd_ready, seed_ready);
        @(negedge clk);
        cmd_valid = 1'b0;
        #1 $display("sending: command %b, seed %b", cmd_ready, seed_ready);
        while (!seed_ready) @(negedge clk);
        $display("seed taken");
        $finish;
    end
endmodule
"""


@pytest.fixture(
    params=[Engine(spec=bank(lanes=3, bits=4)), Engine(spec=row_pool(lanes=3, bits=4))], ids=["bank", "pool"]
)
def said(request, tmp_path):
    """Run the bench with and without tkeep, and give the lines that it prints."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog (iverilog) isn't on the search path")
    engine = request.param
    generate(engine, tmp_path / "engine", numbers=1)

    def bench(keep):
        text = BENCH.format(
            name=engine.name, keep=keep, keep_bits=3 * engine.lane_bits // 8, index=f"{engine.seed_index_bits}'d0",
            data=f"{engine.seed_bits}'d1", pad=", .cfg_pad(8'd0)" if engine.name == "auricle_lfsr" else "",
        )  # fmt: skip
        (tmp_path / "engine" / "ports.v").write_text(text)
        names = sorted(path.name for path in (tmp_path / "engine").glob("*.v") if not path.name.endswith("_tb.v"))
        run(["iverilog", "-g2005", "-Wno-portbind", "-s", "ports", "-o", "ports.vvp", *names], tmp_path / "engine")
        lines = run(["vvp", "-n", "ports.vvp"], tmp_path / "engine").splitlines()
        return [line for line in lines if ":" in line or line.startswith(("beat", "seed"))]

    return bench


def test_a_command_goes_before_a_seed(said):
    lines = [line for line in said(1) if not line.startswith("beat")][:4]
    assert lines == ["seed alone: 1", "both: command 1, seed 0", "sending: command 0, seed 0", "seed taken"]


@pytest.mark.parametrize(("keep", "last"), [(1, "001"), (0, "111")])
def test_tkeep_marks_the_lanes_that_count_or_is_all_ones(keep, last, said):
    beats = [line for line in said(keep) if line.startswith("beat")]
    assert beats == ["beat 0 3 111", f"beat 1 1 {last}"]
