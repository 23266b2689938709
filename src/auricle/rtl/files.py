"""Everything that belongs to an engine, as texts: Verilog, test bench and vectors, header, FuseSoC core, README."""

from collections.abc import Callable

from auricle.rtl.engine import Engine
from auricle.rtl.text import fill, wrapped
from auricle.rtl.update import UpdateLane, update_modules
from auricle.rtl.update_texts import update_bench, update_header, update_section
from auricle.rtl.vectors import Vectors, vectors
from auricle.rtl.verilog import KEEP, LANES, PROTECT, modules, ports
from auricle.zeroth import LfsrBank

VERSION = "2.0.0"
"""Of what is generated: the first number changes with the ports or the integers, the second with what is added."""
NUMBERS = 20_000
"""Numbers that the test bench of a generated engine compares, at least."""


def files(engine: Engine, *, update: UpdateLane | None = None, numbers: int = NUMBERS, seed: int = 0) -> dict[str, str]:
    """Texts by file name. They depend on the arguments alone.

    Parameters
    ----------
    engine
        What is generated.
    update
        A lane that goes with it; None for the engine alone.
    numbers, seed
        Of the test benches' vectors.
    """
    out = modules(engine)
    if update is not None:
        out |= update_modules(engine, update)
    sources = list(out)
    made = vectors(engine, numbers=numbers, seed=seed)
    out[f"{engine.name}_tb.v"] = _testbench(engine, made)
    out[f"{engine.name}_commands.hex"] = _lines(made.commands)
    out[f"{engine.name}_beats.hex"] = _lines(made.beats)
    if not isinstance(engine.spec, LfsrBank):
        digits = -(-engine.spec.words * engine.spec.bits // 4)
        out[f"{engine.name}.hex"] = _lines([f"{row:0{digits}x}" for row in engine.memory()])
    header, section, bench = "", "", []
    compared = {engine.name: f"{made.numbers:,} numbers"}
    if update is not None:
        texts, weights = update_bench(engine, update, numbers=numbers, seed=seed)
        out |= texts
        header, section, bench = update_header(engine, update), update_section(engine, update), list(texts)
        compared[f"{engine.name}_update"] = f"{weights:,} weights"
    out[f"{engine.name}.h"] = _header(engine, header)
    out[f"{engine.name}.core"] = _core(engine, sources, bench)
    out["README.md"] = _readme(engine, out, compared, section)
    return out


def describe(engine: Engine) -> str:
    """One sentence about an engine."""
    spec = engine.spec
    if isinstance(spec, LfsrBank):
        what = f"a bank of {spec.generators} shift registers, {' and '.join(map(str, spec.widths))} bits wide"
    else:
        what = f"a pool of {spec.rows} rows of {spec.words} words"
    lanes = "lane" if engine.lanes == 1 else "lanes"
    return f"A perturbation engine: {what}, for {engine.lanes} {lanes} of {spec.bits}-bit numbers."


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _testbench(engine: Engine, made: Vectors) -> str:
    bank = isinstance(engine.spec, LfsrBank)
    return fill(
        "testbench.v",
        name=engine.name,
        lanes=engine.lanes,
        lane_bits=engine.lane_bits,
        lane_bytes=engine.lane_bits // 8,
        commands=len(made.commands),
        beats=len(made.beats),
        seed_bits=engine.seed_bits,
        shift_msb=engine.shift_bits - 1,
        index_msb=engine.seed_index_bits - 1,
        pad_port="        .cfg_pad(pad),\n" if bank else "",
        limit=100 * made.cycles + 10_000,
    )


def _header(engine: Engine, update: str) -> str:
    spec, guard = engine.spec, engine.name.upper()
    if isinstance(spec, LfsrBank):
        states = [f"{state}u" for state in spec.states]
        rows = [", ".join(states[i : i + 8]) for i in range(0, len(states), 8)]
        constants = fill(
            "bank_constants.h", guard=guard, generators=spec.generators, period=spec.period,
            states="\n".join(f"    {row}," for row in rows),
        )  # fmt: skip
        if spec.repeats == "pad":
            functions = fill("bank_functions.h", guard=guard, name=engine.name)
        else:
            functions = fill("bank_unpadded.h", name=engine.name)
    else:
        constants = fill(
            "pool_constants.h", guard=guard, rows=spec.rows, words=spec.words, address_bits=engine.address_bits
        )
        functions = fill("pool_functions.h", guard=guard, name=engine.name)
    return fill(
        "header.h",
        name=engine.name,
        guard=guard,
        version=VERSION,
        spec=spec,
        lanes=engine.lanes,
        bits=spec.bits,
        lane_bits=engine.lane_bits,
        shift_max=(1 << engine.shift_bits) - 1,
        seed_bits=engine.seed_bits,
        constants=constants.rstrip(),
        functions=functions,
        update=update,
    )


def _core(engine: Engine, sources: list[str], bench: list[str]) -> str:
    pool = not isinstance(engine.spec, LfsrBank)
    memory = f"{engine.name}.hex"
    data = f"  memory:\n    files:\n      - {memory}: {{file_type: user, copyto: {memory}}}\n" if pool else ""
    also = ", memory" if pool else ""
    return fill(
        "core.txt",
        name=engine.name,
        version=VERSION,
        description=describe(engine),
        rtl="\n".join(f"      - {name}" for name in sources),
        data=data,
        also=also,
        update_files="".join(["  update_testbench:\n    files:\n"] * bool(bench) + [_read(name) for name in bench]),
        update_targets=fill("core_update.txt", name=engine.name, also=also) if bench else "",
    )


def _read(name: str) -> str:
    """Line of a core file for what a test bench is made of or reads."""
    kind = "verilogSource-2005" if name.endswith(".v") else f"user, copyto: {name}"
    return f"      - {name}: {{file_type: {kind}}}\n"


_WHAT: dict[str, Callable[[Engine], str]] = {
    "_update_tb.v": lambda _: "self-checking test bench of engine and update lane",
    "_tb.v": lambda _: "self-checking test bench",
    "_coefficients.hex": lambda _: "coefficients that it gives the lane",
    "_weights.hex": lambda _: "weights that it sends in",
    "_commands.hex": lambda _: "what the test bench does",
    "_beats.hex": lambda _: "what must follow, from the golden model",
    ".core": lambda _: "FuseSoC core",
    ".h": lambda _: "constants and schedule for C",
    "sequencer.v": lambda _: "commands and stream",
    "update.v": lambda _: "weights that a direction is added to",
    "tail.v": lambda _: "which lanes of the last row hold weights",
    "scale.v": lambda _: "odd integers, shift, lanes",
    "lfsr_bank.v": lambda _: "the registers and how they turn",
    "row_pool.v": lambda _: "memory and the way through its rows",
    ".hex": lambda _: "rows of the pool",
}


def _what(name: str, engine: Engine) -> str:
    if name == f"{engine.name}.v":
        return "top module"
    return next((text(engine) for end, text in _WHAT.items() if name.endswith(end)), "one shift register")


def _readme(engine: Engine, out: dict[str, str], compared: dict[str, str], update: str) -> str:
    """Give the README; `compared` says how much each test bench compares, by its name without _tb."""
    spec = engine.spec
    if isinstance(spec, LfsrBank):
        rule = (
            f"In cycle T, lane l sends the word of register (l + T LANES) mod {spec.generators}; direction t begins at "
            "cycle t (cfg_rows + cfg_pad)."
        )
        pad = "; then the bank idles `cfg_pad` cycles"
        if spec.repeats == "pad":
            pad += ", so that no direction comes again before all have come"
        seeding = "`seed_index` names a register; a state of zero becomes 1 and raises `fault`."
        parameters = [("PROTECT", "1", PROTECT)]
        parameters += [
            (f"SEEDS_{w}", "from the spec", f"states of the {w}-bit registers after reset") for w in spec.widths
        ]
    else:
        rule = (
            f"Row r of direction t is row (t + 2^t (r + 1)) mod {spec.rows} of the pool (2^t is taken modulo "
            f"{spec.rows} as well), and lane l sends its word l mod {spec.words}."
        )
        pad = ""
        seeding = (
            f"`seed_index` names a row, or {spec.rows} the counters, with stride in the upper {engine.address_bits} "
            f"bits and start in the lower {engine.address_bits}; what is out of range becomes 1 and raises `fault`."
        )
        parameters = [("POOL_FILE", f"{engine.name}.hex", "rows of the pool at power-on")]
    parameters = [("LANES", str(engine.lanes), LANES), ("KEEP", "1", KEEP), *parameters]
    names = sorted([*out, "README.md"])
    return fill(
        "README.md",
        name=engine.name,
        description=wrapped(
            f"{describe(engine)} Generated by `auricle rtl generate`, version {VERSION}; the text depends on the spec "
            "alone."
        ),
        spec=spec,
        shift_max=(1 << engine.shift_bits) - 1,
        rule=wrapped(rule),
        schedule=wrapped(
            f"For a model of d weights, `cfg_rows` is ceil(d / LANES) and `cfg_tail` is d - (cfg_rows - 1) LANES{pad}. "
            f"`{engine.name}.h` computes them.",
            item="3. ",
        ),
        seeding=wrapped(f"A seed is loaded while the engine is idle; {seeding}", item="4. "),
        ports="\n".join(f"| `{p.name}` | {p.direction} | {p.width} | {p.meaning} |" for p in ports(engine)),
        parameters="\n".join(f"| `{name}` | {default} | {text} |" for name, default, text in parameters),
        files="\n".join(f"| `{name}` | {_what(name, engine)} |" for name in names if name != "README.md"),
        benches="benches read their vectors" if len(compared) > 1 else "bench reads its vectors",
        commands="\n".join(f"    iverilog -g2005 -s {one}_tb -o {one}.vvp *.v && vvp {one}.vvp" for one in compared),
        verdict=wrapped(
            f"{'Each' if len(compared) > 1 else 'It'} ends with `PASS` or `FAIL`. {' and '.join(compared.values())} "
            "are compared with auricle's golden model; `auricle rtl verify` compares over a million, of many engines, "
            "and proves what simulation can't show."
        ),
        update=update,
    )
