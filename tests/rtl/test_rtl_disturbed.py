"""State that a particle has turned over: what would never come back by itself does, and `fault` says so."""

import shutil

import pytest

from auricle.rtl import Engine, bank, generate, row_pool
from auricle.rtl.tools import run
from auricle.zeroth import lfsr

BENCH = """
module disturbed;
    reg clk = 1'b0, rst = 1'b1, cmd_valid = 1'b0;
    wire cmd_ready, fault, tvalid, tlast;
    {name} {parameters} dut (
        .clk(clk), .rst(rst), .cmd_valid(cmd_valid), .cmd_ready(cmd_ready), .cmd(2'd0), .cfg_rows(32'd3),
        .cfg_tail(16'd1), {pad} .cfg_shift(2'd0), .seed_valid(1'b0), .fault(fault),
        .m_axis_tvalid(tvalid), .m_axis_tready(1'b1), .m_axis_tlast(tlast)
    );
    always #5 clk = ~clk;

    task direction;
        begin
            cmd_valid = 1'b1;
            @(negedge clk);
            cmd_valid = 1'b0;
            while (!cmd_ready) @(negedge clk);
        end
    endtask

    initial begin
        repeat (2) @(negedge clk);
        rst = 1'b0;
        direction;
        $display("before fault=%0d", fault);
        force dut.core.{state} = {value};
        @(negedge clk);
        release dut.core.{state};
        $display("forced fault=%0d state=%0d", fault, dut.core.{state});
        direction;
        $display("after fault=%0d {shown}", fault, {values});
        direction;
        $display("later fault=%0d {shown}", fault, {values});
        $finish;
    end
endmodule
"""


def said(engine, folder, **texts):
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog (iverilog) isn't on the search path")
    generate(engine, folder, numbers=1)
    pad = "" if engine.name == "auricle_pool" else ".cfg_pad(8'd0),"
    (folder / "disturbed.v").write_text(BENCH.format(name=engine.name, pad=pad, **texts))
    run(["iverilog", "-g2005", "-Wno-portbind", "-s", "disturbed", "-o", "disturbed.vvp", *sources(folder)], folder)
    return dict(line.split(" ", 1) for line in run(["vvp", "-n", "disturbed.vvp"], folder).splitlines() if " " in line)


def sources(folder):
    return sorted(path.name for path in folder.glob("*.v") if not path.name.endswith("_tb.v"))


@pytest.mark.parametrize("protect", [1, 0])
def test_a_register_of_zero_goes_on_with_one(protect, tmp_path):
    """Three registers that take each other's place: after three leaps the state is where it was."""
    engine = Engine(spec=bank(lanes=4, bits=4, generators=3))
    state = "width_11[{}].register.state"
    found = said(
        engine, tmp_path / "engine", parameters=f"#(.PROTECT({protect}))", state=state.format(1), value="11'd0",
        shown=" ".join(["%0d"] * 3), values=", ".join("dut.core." + state.format(i) for i in range(3)),
    )  # fmt: skip
    assert found["before"] == "fault=0"
    assert found["forced"] == "fault=0 state=0"
    flag, *states = found["after"].split()
    assert flag == f"fault={protect}"
    # The first leap gave one, and two more follow.
    expected = 1
    for _ in range(2 * lfsr.leap(11, 4)):
        expected = lfsr.clock(expected, 11)
    assert int(states[1]) == (expected if protect else 0)
    assert 0 not in (int(states[0]), int(states[2]))
    assert (found["later"].split()[2] == "0") == (not protect)


@pytest.mark.parametrize("value", [0, 13, 14, 15])
def test_a_stride_that_no_doubling_would_mend_becomes_one(value, tmp_path):
    engine = Engine(spec=row_pool(lanes=2, bits=4, rows=13, words=2))
    found = said(
        engine, tmp_path / "engine", parameters="", state="stride", value=f"4'd{value}", shown="%0d",
        values="dut.core.stride",
    )  # fmt: skip
    assert found["before"] == "fault=0"
    assert found["forced"] == f"fault=0 state={value}"
    assert found["after"] == "fault=1 1"
    assert found["later"] == "fault=1 2"


@pytest.mark.parametrize("value", [13, 14, 15])
def test_a_start_beyond_the_rows_goes_back_to_direction_0(value, tmp_path):
    engine = Engine(spec=row_pool(lanes=2, bits=4, rows=13, words=2))
    found = said(
        engine, tmp_path / "engine", parameters="", state="start", value=f"4'd{value}", shown="%0d %0d",
        values="dut.core.start, dut.core.stride",
    )  # fmt: skip
    assert found["before"] == "fault=0"
    assert found["after"] == "fault=1 1 1"
    assert found["later"] == f"fault=1 {engine.spec.start(1)} {engine.spec.stride(1)}"
