"""`auricle rtl verify`: engines and update lanes against the golden models, in simulation and by proof."""

from pathlib import Path
from typing import Literal

from auricle.cli.options import Flag, Json
from auricle.cli.terminal import plain, print_json, progress


def verify(
    *,
    quick: Flag = False,
    simulator: Literal["iverilog", "verilator"] | None = None,
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Simulate engines of 1 to 1,024 lanes and update lanes, compare every number, and prove netlists and registers.

    Exit code 1 says that not all was in order.

    Parameters
    ----------
    quick
        Few numbers of each, and proofs of a small bank; without it over a million.
    simulator
        Which one; if not given, Icarus Verilog where it is installed, else Verilator.
    out
        File for the table, as Markdown.
    """
    from auricle.cli.options import check_target
    from auricle.rtl import verify as examine
    from auricle.rtl.verification import table
    from auricle.signals.readers.files import appearing

    check_target(out, ".md")
    with progress() as update:
        result = examine(quick=quick, with_simulator=simulator, progress=update)
    text = table(result)
    if out:
        with appearing(out) as draft:
            draft.write_text(text + "\n", encoding="utf-8")
    if json:
        print_json(result)
    else:
        print("\n".join(map(plain, text.splitlines())))
    return 0 if result["ok"] else 1
