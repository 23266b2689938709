"""`auricle export`: a specialist's network for other runtimes."""

from pathlib import Path

from auricle.cli.options import SpecialistPlace


def export(specialist: SpecialistPlace, /, *, onnx: Path) -> int:
    """Write a specialist's network as one ONNX file: samples and lengths in, scores and evidence out.

    Parameters
    ----------
    onnx
        The file to write.
    """
    from auricle.network import export_onnx
    from auricle.specialist import Specialist

    judge = Specialist.load(specialist)
    export_onnx(judge.network_, onnx)
    print(f"ONNX: {onnx}")
    return 0
