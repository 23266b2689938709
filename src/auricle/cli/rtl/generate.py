"""`auricle rtl generate`: an engine's Verilog and all that goes with it."""

from pathlib import Path
from typing import Annotated, Literal

from auricle.cli.options import Flag, Several
from auricle.cli.terminal import note, plain


def generate(
    *,
    spec: Literal["lfsr", "pool"],
    lanes: int,
    out: Path,
    bits: int = 8,
    shift_bits: int = 2,
    generators: int | None = None,
    widths: Annotated[tuple[int, ...] | None, Several] = None,
    rows: int | None = None,
    words: int | None = None,
    seed: int = 0,
    with_update: Flag = False,
    weight_bits: int | None = None,
    fraction_bits: int | None = None,
) -> int:
    """Write an engine as Verilog-2005, with test bench, C header, FuseSoC core and README.

    Parameters
    ----------
    spec
        lfsr: a bank of shift registers; pool: rows of numbers in block memory.
    lanes
        Numbers that are sent at a time.
    out
        Folder; an engine that is there is replaced. Its README says how to simulate it.
    bits
        Bits of a word: numbers are odd, and at most 2^bits - 1 in magnitude.
    shift_bits
        Width of the shift: numbers are sent times 1, 2, ... up to 2^(2^shift_bits - 1).
    generators
        Registers of the bank; 31 if nothing is said, or 29 where the lanes are a multiple of 31.
    widths
        Bits of its registers, such as 11, or 11 13 14; several only where lanes are a multiple of the registers.
    rows
        Rows of the pool, a prime of which 2 is a primitive root.
    words
        Words of a row, at most as many as lanes; what seven block memories hold if nothing is said.
    seed
        Of the numbers after reset.
    with_update
        Add a lane through which fixed-point weights stream, to be perturbed and updated.
    weight_bits
        Bits of a weight: 8, 16 (if nothing is said), 24 or 32.
    fraction_bits
        Bits behind the point of the 18 bits of a coefficient; 8 if nothing is said.
    """
    from auricle.errors import InputError
    from auricle.rtl import Engine, bank, row_pool
    from auricle.rtl import generate as write
    from auricle.rtl.update import UpdateLane

    foreign = {"--rows": rows, "--words": words} if spec == "lfsr" else {"--generators": generators, "--widths": widths}
    if given := [name for name, value in foreign.items() if value is not None]:
        raise InputError(f"{given[0]} was given with --spec {spec}; it belongs to the other kind, leave it out")
    asked = {
        name: value
        for name, value in (("weight_bits", weight_bits), ("fraction_bits", fraction_bits))
        if value is not None
    }
    if asked and not with_update:
        raise InputError(f"--{next(iter(asked)).replace('_', '-')} was given without --with-update; add it")
    if spec == "lfsr":
        engine = Engine(
            spec=bank(lanes=lanes, bits=bits, generators=generators, widths=widths, seed=seed), shift_bits=shift_bits
        )
    else:
        engine = Engine(spec=row_pool(lanes=lanes, bits=bits, rows=rows, words=words, seed=seed), shift_bits=shift_bits)
    for path in write(engine, out, update=UpdateLane(**asked) if with_update else None):
        print(plain(str(path)))
    note(f"{engine.spec}")
    return 0
