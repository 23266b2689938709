"""Whole steps on simulated hardware: a linear model that it trains, a ledger that it replays."""

import subprocess

import numpy as np
import pytest
import torch

from auricle.rtl import Engine, bank, generate, row_pool, tools
from auricle.rtl.update import COEFFICIENT_BITS, UpdateLane
from auricle.zeroth import Ledger, ZerothOrder, replay

COMPANION = """
module companion;
    reg clk = 1'b0, rst = 1'b1, cmd_valid = 1'b0, c_valid = 1'b0, w_valid = 1'b0, w_last = 1'b0;
    reg [1:0] cmd = 2'd0;
    reg [31:0] rows = 32'd0;
    reg [15:0] tail = 16'd0;
    reg [7:0] pad = 8'd0;
    reg [1:0] shift = 2'd0;
    reg [17:0] c = 18'd0;
    reg [{bits}*{lanes}-1:0] w = 0;
    wire cmd_ready, c_ready, w_ready, u_valid, u_ready, u_last, m_valid, saturated, misaligned;
    wire [{lanes}*{lane_bits}-1:0] u;
    wire [15:0] u_user;
    wire [{bits}*{lanes}-1:0] m;
    {name} engine (
        .clk(clk), .rst(rst), .cmd_valid(cmd_valid), .cmd_ready(cmd_ready), .cmd(cmd), .cfg_rows(rows),
        .cfg_tail(tail), .cfg_pad(pad), .cfg_shift(shift), .seed_valid(1'b0), .m_axis_tvalid(u_valid),
        .m_axis_tready(u_ready), .m_axis_tdata(u), .m_axis_tuser(u_user), .m_axis_tlast(u_last)
    );
    auricle_update lane (
        .clk(clk), .rst(rst), .coefficient_valid(c_valid), .coefficient_ready(c_ready), .coefficient(c),
        .s_axis_u_tvalid(u_valid), .s_axis_u_tready(u_ready), .s_axis_u_tdata(u), .s_axis_u_tuser(u_user),
        .s_axis_u_tlast(u_last), .s_axis_w_tvalid(w_valid), .s_axis_w_tready(w_ready), .s_axis_w_tdata(w),
        .s_axis_w_tlast(w_last), .m_axis_tvalid(m_valid), .m_axis_tready(1'b1), .m_axis_tdata(m),
        .saturated(saturated), .misaligned(misaligned)
    );
    always #5 clk = ~clk;
    always @(posedge clk) if (m_valid & ~rst) $display("%h", m);

    // Taken at the rising edge, looked at and set at the falling one.
    reg cmd_taken = 1'b0, c_taken = 1'b0, w_taken = 1'b0;
    always @(posedge clk) begin
        cmd_taken <= cmd_valid & cmd_ready;
        c_taken <= c_valid & c_ready;
        w_taken <= w_valid & w_ready;
    end

    integer op, i, got;
    initial begin
        repeat (2) @(negedge clk);
        rst = 1'b0;
        while ($fscanf(32'h8000_0000, "%d %d %d %d %d %d", op, rows, tail, pad, shift, c) == 6) begin
            cmd = op;
            cmd_valid = 1'b1;
            @(negedge clk);
            while (!cmd_taken) @(negedge clk);
            cmd_valid = 1'b0;
            if (op == 0) begin
                c_valid = 1'b1;
                @(negedge clk);
                while (!c_taken) @(negedge clk);
                c_valid = 1'b0;
                for (i = 0; i < rows; i = i + 1) begin
                    got = $fscanf(32'h8000_0000, "%h", w);
                    w_valid = 1'b1;
                    w_last = i == rows - 1;
                    @(negedge clk);
                    while (!w_taken) @(negedge clk);
                    w_valid = 1'b0;
                end
                repeat (4) @(negedge clk);
                $display("end %0d %0d", saturated, misaligned);
                $fflush(32'h8000_0001);
            end
        end
        $finish;
    end
endmodule
"""


class Companion:
    """An engine and its lane in a simulator that runs beside: a training step is made of its passes."""

    def __init__(self, engine, lane, folder):
        generate(engine, folder, update=lane, numbers=1)
        text = COMPANION.format(bits=lane.weight_bits, lanes=engine.lanes, lane_bits=engine.lane_bits, name=engine.name)
        if engine.name == "auricle_pool":
            text = text.replace(".cfg_pad(pad), ", "")
        (folder / "companion.v").write_text(text)
        names = sorted(path.name for path in folder.glob("*.v") if not path.name.endswith("_tb.v"))
        flags = ["-g2005", "-Wno-portbind", "-s", "companion", "-o", "companion.vvp"]
        tools.run(["iverilog", *flags, *names], folder)
        self.engine, self.lane = engine, lane
        self.process = subprocess.Popen(
            ["vvp", "-n", "companion.vvp"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def command(self, op, schedule=(0, 0, 0), shift=0, coefficient=0):
        rows, tail, pad = schedule
        self.process.stdin.write(f"{op} {rows} {tail} {pad} {shift} {coefficient % (1 << COEFFICIENT_BITS)}\n")

    def run(self, weights, coefficient, *, shift):
        """Send one direction over flat weights; give what leaves, and whether it was cut off."""
        schedule = self.engine.schedule(len(weights))
        self.command(0, schedule, shift, coefficient)
        lanes, size = self.engine.lanes, self.lane.weight_bits // 8
        padded = np.zeros(schedule.rows * lanes, np.int64)
        padded[: len(weights)] = weights
        for row in padded.reshape(-1, lanes):
            data = row.astype("<i8").view(np.uint8).reshape(lanes, 8)[:, :size].tobytes()
            self.process.stdin.write(f"{int.from_bytes(data, 'little'):x}\n")
        self.process.stdin.flush()
        out = []
        while not (line := self.process.stdout.readline()).startswith("end"):
            assert line, "the simulator ended"
            data = int(line, 16).to_bytes(lanes * size, "little")
            out += [int.from_bytes(data[i : i + size], "little", signed=True) for i in range(0, len(data), size)]
        saturated, misaligned = line.split()[1:]
        assert misaligned == "0"
        return np.array(out[: len(weights)]), saturated == "1"


def test_a_linear_model_is_trained_by_the_hardware(simulator, tmp_path):
    """Two-point steps from the stored weights: the simulator perturbs and updates, the loss is computed outside."""
    engine, lane = Engine(spec=bank(lanes=5, bits=4, generators=7)), UpdateLane(weight_bits=16, fraction_bits=8)
    unit, shift, dimension = 2.0**-12, 1, 18
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, dimension))
    y = x @ rng.normal(size=dimension)

    def loss(weights):
        return float(((x @ (weights * unit) - y) ** 2).mean())

    stored = np.zeros(dimension, np.int64)
    losses = [loss(stored)]
    with Companion(engine, lane, tmp_path / "engine") as hardware:
        for step in range(400):
            numbers = engine.beats(step, dimension, shift=shift).ravel()[:dimension]
            seen = []
            hardware.command(1)
            for turn in (-1, 1):
                perturbed, saturated = hardware.run(stored, turn * lane.one, shift=shift)
                assert not saturated
                assert (perturbed == stored - turn * numbers).all()
                seen.append(loss(perturbed))
                hardware.command(2)
            coefficient = lane.coefficient(0.03 * (seen[0] - seen[1]) / (2 * unit))
            updated, saturated = hardware.run(stored, coefficient, shift=shift)
            expected = lane.apply(stored, numbers, coefficient)
            assert (updated == expected.weights).all()
            assert saturated == expected.saturated
            stored = updated
            losses.append(loss(stored))
    assert losses[-1] < 0.05 * losses[0]
    assert np.mean(losses[-50:]) < np.mean(losses[50:100])


@pytest.mark.parametrize("spec", [bank(lanes=16), row_pool(lanes=16)])
def test_a_ledger_is_replayed_by_the_hardware(spec, simulator, tmp_path):
    """Whole coefficients over 32-bit weights are the arithmetic of a ledger: the same weights to the bit."""
    weight = torch.nn.Parameter(torch.linspace(-1, 1, 70))
    base = {"weight": weight.detach().clone()}
    optimizer = ZerothOrder([("weight", weight)], lr=0.02, perturbation=spec, ledger=tmp_path / "run.ledger")
    grid = 2.0 ** optimizer.ledger.header.groups[0].grid
    for _ in range(25):
        optimizer.step(lambda: torch.sum(weight**2))
    optimizer.close()
    engine, lane = Engine(spec=spec), UpdateLane(weight_bits=32, fraction_bits=0)
    with Ledger.open(tmp_path / "run.ledger") as ledger, Companion(engine, lane, tmp_path / "engine") as hardware:
        trained = replay(base, ledger)[0]
        stored = np.rint(base["weight"].numpy().astype(np.float64) * grid).astype(np.int64)
        for coefficient in ledger.multipliers()[0][:, 0, 0].tolist():
            stored, saturated = hardware.run(stored, coefficient, shift=0)
            assert not saturated
    assert (np.float32(stored / grid) == trained).all()
    assert (trained != base["weight"].numpy()).any()
