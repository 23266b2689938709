"""`auricle export`: a specialist's network for other runtimes."""

from pathlib import Path

from auricle.cli.options import SavedSpecialist, check_target
from auricle.cli.terminal import note, plain


def export(specialist: SavedSpecialist, /, *, onnx: Path) -> int:
    """Write a specialist's network as one ONNX file: samples and lengths in, scores and evidence out.

    Where ONNX Runtime is installed it judges with this graph from then on; a copy is kept in the user's cache.
    Needs the extra onnx: pip install 'auricle[onnx]'.

    Parameters
    ----------
    onnx
        The ONNX file to write.
    """
    check_target(onnx)
    from auricle.network import export_onnx
    from auricle.network.onnx_runtime import runnable
    from auricle.specialist import Specialist, graphs

    judge = Specialist.load(specialist)
    export_onnx(judge.network_, onnx)
    print(plain(f"ONNX: {onnx}"))
    if runnable() and (kept := graphs.keep(judge.network_, onnx.read_bytes())):
        note(f"ONNX Runtime judges with this graph from now on; it is kept as {kept}")
    return 0
