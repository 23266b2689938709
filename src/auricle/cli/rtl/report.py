"""`auricle rtl report`: what engines cost in hardware, beside generators without reuse."""

from pathlib import Path

from auricle.cli.options import Flag, Json
from auricle.cli.terminal import plain, print_json, progress


def report(*, out: Path, quick: Flag = False, json: Json = False) -> int:
    """Synthesise engines and generators without reuse: LUTs, flip-flops, memory, clock, and a proxy for energy.

    Parameters
    ----------
    out
        Folder for report.json, report.md and report.png.
    quick
        16 and 64 lanes of Xilinx 7 alone, in about a minute; the full report takes some seventeen on two cores.
    """
    import json as json_module

    from auricle.cli.options import check_folder
    from auricle.rtl.report import figure, markdown, summary
    from auricle.rtl.report import report as measure
    from auricle.signals.readers.files import appearing

    check_folder(out)
    with progress() as update:
        result = measure(quick=quick, progress=update)
    out.mkdir(parents=True, exist_ok=True)
    figure(result, out / "report.png")
    with appearing(out / "report.md") as draft:
        draft.write_text(markdown(result), encoding="utf-8")
    with appearing(out / "report.json") as draft:
        draft.write_text(json_module.dumps(result, indent=1) + "\n", encoding="utf-8")
    if json:
        print_json(result)
    else:
        print("\n".join(map(plain, summary(result).splitlines())))
    return 0
