"""The Verilog-2005 modules of an engine."""

from auricle.rtl.engine import Engine
from auricle.rtl.leap import leap_sums
from auricle.rtl.port import Port, port_lines
from auricle.rtl.text import fill
from auricle.zeroth import LfsrBank, RowPool, lfsr

LANES, KEEP = "numbers in a beat", "0: tkeep is all ones, and tuser alone tells how many lanes count"
PROTECT = "1: a register that was disturbed into zero goes on with one"


def ports(engine: Engine) -> list[Port]:
    """Ports of the top module, for its comment and the README."""
    bank = isinstance(engine.spec, LfsrBank)
    seed = "a register" if bank else f"a row, or {engine.spec.rows} for {{stride, start}}"  # type: ignore[union-attr]
    pad = [Port("cfg_pad", "in", "8", "cycles that the bank runs idle after the direction")] if bank else []
    return [
        Port("clk", "in", "1", "clock, rising edge"),
        Port("rst", "in", "1", "synchronous reset: idle, direction 0" + ("" if bank else "; the rows stay")),
        Port("cmd_valid, cmd_ready", "in, out", "1", "a command is taken when both are high: the engine is idle"),
        Port("cmd", "in", "2", "0 send a direction, 1 snapshot, 2 restore, 3 nothing"),
        Port("cfg_rows", "in", "32", "beats of a direction, ceil(d / LANES); 0 sends none"),
        Port("cfg_tail", "in", "16", "numbers in its last beat, 1 to LANES"),
        *pad,
        Port("cfg_shift", "in", str(engine.shift_bits), "numbers are sent as u << cfg_shift"),
        Port("seed_valid, seed_ready", "in, out", "1", "a seed is taken when both are high: idle, no command waits"),
        Port("seed_index", "in", str(engine.seed_index_bits), f"which: {seed}"),
        Port("seed_data", "in", str(engine.seed_bits), "its state" if bank else "its words, word 0 lowest"),
        Port("fault", "out", "1", "stays high after a " + ("state of zero" if bank else "counter out of range")),
        Port("m_axis_tvalid, m_axis_tready", "out, in", "1", "a beat is taken when both are high; it waits unchanged"),
        Port("m_axis_tdata", "out", f"LANES x {engine.lane_bits}", "two's complement, lane 0 lowest"),
        Port("m_axis_tkeep", "out", f"LANES x {engine.lane_bits // 8}", "bytes of the lanes that count"),
        Port("m_axis_tuser", "out", "16", "lanes that count"),
        Port("m_axis_tlast", "out", "1", "last beat of the direction"),
    ]


def modules(engine: Engine) -> dict[str, str]:
    """Verilog by file name, the top module last; each module in a file of its name."""
    spec = engine.spec
    names = ("tail", "sequencer", "scale")
    out = {f"auricle_{name}.v": fill(f"{name}.v") for name in names}
    if isinstance(spec, LfsrBank):
        for width in spec.widths:
            out[f"auricle_lfsr_{width}.v"] = _register(width, spec.bits)
        out["auricle_lfsr_bank.v"] = _bank(engine, spec)
    else:
        out["auricle_row_pool.v"] = _pool(engine, spec)
    out[f"{engine.name}.v"] = _top(engine)
    return out


def _register(width: int, bits: int) -> str:
    sums = leap_sums(width, bits)
    # Only a state of zero leaps to zero, so one bit is enough to leave it.
    lines = [f"    assign leapt[0] = ({sums[0]}) | zero;"]
    lines += [f"    assign leapt[{i}] = {text};" for i, text in enumerate(sums) if i]
    return fill(
        "register.v",
        width=width,
        range=f"[{width - 1}:0]".ljust(6),
        taps=", ".join(map(str, lfsr.TAPS[width])),
        leap=lfsr.leap(width, bits),
        sums="\n".join(lines),
    )


def _bank(engine: Engine, spec: LfsrBank) -> str:
    n, groups = spec.generators, []
    for width in spec.widths:
        first, count = spec.widths_of.index(width), spec.widths_of.count(width)
        var = f"g{width}"
        groups.append(
            fill(
                "bank_group.v",
                width=width,
                msb=width - 1,
                index_msb=engine.seed_index_bits - 1,
                bits=spec.bits,
                var=var,
                count=count,
                count_msb=count - 1,
                place=f"{first} + {var}" if first else var,
                slot=f"({first} + {var})" if first else var,
                # Widths never take each other's place, and one width alone turns as a whole.
                words=_words(engine),
                word_msb=spec.bits - 1,
                **{"from": f"({var} + TURN) % {n}" if len(spec.widths) == 1 else var},
            )
        )
    parameters = [f"parameter LANES = {spec.row},  // {LANES}"] if len(spec.widths) == 1 else []
    parameters += [f"parameter PROTECT = 1,  // {PROTECT}", *seeds(spec)]
    return fill(
        "bank.v",
        generators=n,
        parameters=_indented(parameters),
        turn=f"    localparam TURN = LANES % {n};\n" if len(spec.widths) == 1 else "",
        last=n - 1,
        index_msb=engine.seed_index_bits - 1,
        seed_msb=engine.seed_bits - 1,
        words=_words(engine),
        bits=spec.bits,
        groups="".join(groups),
        empties=" | ".join(f"(empty_{width} & (|loads_{width}))" for width in spec.widths),
    )


def seeds(spec: LfsrBank) -> list[str]:
    """Reset states as Verilog parameters, one of each width, the first register lowest."""
    lines = []
    for width in spec.widths:
        states = [s for s, w in zip(spec.states, spec.widths_of, strict=True) if w == width]
        value = sum(state << (width * place) for place, state in enumerate(states))
        size = width * len(states)
        end = "," if width != spec.widths[-1] else ""
        lines.append(f"parameter [{size - 1}:0] SEEDS_{width} = {size}'h{value:x}{end}")
    return lines


def _pool(engine: Engine, spec: RowPool) -> str:
    return fill(
        "pool.v",
        name=engine.name,
        rows=spec.rows,
        last_row=spec.rows - 1,
        address_bits=engine.address_bits,
        address_msb=engine.address_bits - 1,
        stride_msb=2 * engine.address_bits - 1,
        seed_msb=engine.seed_bits - 1,
        words_msb=spec.words * spec.bits - 1,
    )


def _top(engine: Engine) -> str:
    spec = engine.spec
    bank = isinstance(spec, LfsrBank)
    if isinstance(spec, LfsrBank):
        parameters = [f"parameter LANES = {spec.row},  // {LANES}", f"parameter KEEP = 1,  // {KEEP}"]
        parameters += [f"parameter PROTECT = 1,  // {PROTECT}", *seeds(spec)]
        title = f"{spec.generators} shift registers for LANES lanes, on an AXI stream."
        core, settings = "auricle_lfsr_bank", ["PROTECT", *(f"SEEDS_{width}" for width in spec.widths)]
        settings = (["LANES"] if len(spec.widths) == 1 else []) + settings
        signals = ["clk", "rst", "snapshot", "restore", "next"]
    else:
        parameters = [
            f"parameter LANES = {spec.lanes},  // {LANES}",
            f"parameter KEEP = 1,  // {KEEP}",
            f'parameter POOL_FILE = "{engine.name}.hex"  // the rows, as $readmemh reads them',
        ]
        title = f"A pool of {spec.rows} rows of {spec.words} words for LANES lanes, on an AXI stream."
        core, settings = "auricle_row_pool", ["POOL_FILE"]
        signals = ["clk", "rst", "run", "next", "snapshot", "restore"]
    joined = [*((name, name) for name in signals), ("load", "seed_valid & seed_ready")]
    if not bank:
        joined.insert(4, ("finish", "next & m_axis_tlast"))
    joined += [("load_index", "seed_index"), ("load_data", "seed_data"), ("words", "words"), ("fault", "fault")]
    lines = [f"    {core} #({', '.join(f'.{name}({name})' for name in settings)}) core ("]
    lines += [f"        .{port}({signal})," for port, signal in joined[:-1]]
    lines += ["        .{}({})".format(*joined[-1]), "    );"]
    return fill(
        "engine.v",
        title=title,
        spec=spec,
        name=engine.name,
        ports=port_lines(ports(engine)),
        parameters=_indented(parameters),
        pad="cfg_pad" if bank else "8'd0",
        pad_port="    input  wire [7:0]       cfg_pad,\n" if bank else "",
        core="\n".join(lines),
        words=_words(engine),
        bits=spec.bits,
        lane_bits=engine.lane_bits,
        lane_bytes=engine.lane_bits // 8,
        index_msb=engine.seed_index_bits - 1,
        seed_msb=engine.seed_bits - 1,
        shift_bits=engine.shift_bits,
        shift_msb=engine.shift_bits - 1,
    )


def _words(engine: Engine) -> str:
    """Words that the lanes take, as Verilog: fewer lanes than registers leave some unused in a cycle."""
    spec = engine.spec
    if isinstance(spec, LfsrBank) and len(spec.widths) == 1:
        return f"(LANES < {spec.generators} ? LANES : {spec.generators})"
    return str(engine.words)


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
