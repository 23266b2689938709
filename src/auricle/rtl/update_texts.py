"""What goes with an update lane beside its Verilog: a test bench with vectors, its parts of header and README."""

from auricle.rtl.engine import Engine
from auricle.rtl.text import fill
from auricle.rtl.update import COEFFICIENT_BITS, UpdateLane, update_ports
from auricle.rtl.update_vectors import UpdateVectors, update_vectors
from auricle.zeroth import LfsrBank


def update_bench(engine: Engine, lane: UpdateLane, *, numbers: int, seed: int) -> tuple[dict[str, str], int]:
    """Texts of the test bench by file name, and how many weights it compares.

    Parameters
    ----------
    engine, lane
        What is tested together.
    numbers, seed
        See `update_vectors`.
    """
    made = update_vectors(engine, lane, numbers=numbers, seed=seed)
    stem = f"{engine.name}_update"
    out = {f"{stem}_tb.v": _testbench(engine, lane, made)}
    parts = {
        "commands": made.commands, "coefficients": made.coefficients, "weights": made.weights, "beats": made.updated,
    }  # fmt: skip
    return out | {
        f"{stem}_{part}.hex": "".join(f"{line}\n" for line in lines) for part, lines in parts.items()
    }, made.numbers


def _testbench(engine: Engine, lane: UpdateLane, made: UpdateVectors) -> str:
    bank = isinstance(engine.spec, LfsrBank)
    return fill(
        "update_testbench.v",
        name=engine.name,
        lanes=engine.lanes,
        lane_bits=engine.lane_bits,
        weight_bits=lane.weight_bits,
        coefficient_bits=COEFFICIENT_BITS,
        commands=len(made.commands),
        coefficients=len(made.coefficients),
        beats=len(made.updated),
        seed_bits=engine.seed_bits,
        index_bits=engine.seed_index_bits,
        shift_msb=engine.shift_bits - 1,
        pad_port="        .cfg_pad(pad),\n" if bank else "",
        limit=100 * made.cycles + 10_000,
    )


def update_header(engine: Engine, lane: UpdateLane) -> str:
    """Constants of the lane for the C header."""
    return fill(
        "update_constants.h",
        guard=engine.name.upper(),
        name=engine.name,
        weight_bits=lane.weight_bits,
        coefficient_bits=COEFFICIENT_BITS,
        fraction_bits=lane.fraction_bits,
    )


def update_section(engine: Engine, lane: UpdateLane) -> str:
    """Give the README's section about the lane."""
    ports = update_ports(lane, engine.lane_bits)
    return "\n" + fill(
        "update_readme.md",
        weight_bits=lane.weight_bits,
        fraction_bits=lane.fraction_bits,
        one=lane.one,
        words=engine.words,
        lanes=engine.lanes,
        most=f"{lane.limits[1]:,}",
        ports="\n".join(f"| `{p.name}` | {p.direction} | {p.width} | {p.meaning} |" for p in ports),
    )
