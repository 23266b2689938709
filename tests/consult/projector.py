"""A vision projector with random weights in GGUF format: the local server then takes pictures and sees nothing.

Enough to test what is sent and how; no answer about a picture means anything.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3. The names are what llama.cpp wants of
a projector of type "gemma3".
"""

import struct
from pathlib import Path

import numpy as np

WIDTH, LAYERS, HIDDEN, IMAGE, PATCH, POOLED, MODEL_WIDTH = 64, 1, 128, 128, 16, 4, 576
_ALIGNMENT = 32

_SETTINGS: dict[str, bool | float | str | list[float]] = {
    "general.architecture": "clip",
    "clip.has_vision_encoder": True,
    "clip.projector_type": "gemma3",
    "clip.use_gelu": True,
    "clip.vision.image_size": IMAGE,
    "clip.vision.patch_size": PATCH,
    "clip.vision.embedding_length": WIDTH,
    "clip.vision.feed_forward_length": HIDDEN,
    "clip.vision.projection_dim": MODEL_WIDTH,
    "clip.vision.block_count": LAYERS,
    "clip.vision.attention.head_count": 2,
    "clip.vision.attention.layer_norm_epsilon": 1e-6,
    "clip.vision.projector.scale_factor": POOLED,
    "clip.vision.image_mean": [0.5, 0.5, 0.5],
    "clip.vision.image_std": [0.5, 0.5, 0.5],
}


def _shapes() -> dict[str, tuple[int, ...]]:
    """Give the shape of each tensor, slowest axis first."""
    shapes: dict[str, tuple[int, ...]] = {
        "v.patch_embd.weight": (WIDTH, 3, PATCH, PATCH),
        "v.patch_embd.bias": (WIDTH,),
        "v.position_embd.weight": ((IMAGE // PATCH) ** 2, WIDTH),
        "v.post_ln.weight": (WIDTH,),
        "v.post_ln.bias": (WIDTH,),
        "mm.input_projection.weight": (WIDTH, MODEL_WIDTH),
        "mm.soft_emb_norm.weight": (WIDTH,),
    }
    for block in (f"v.blk.{i}" for i in range(LAYERS)):
        for part in ("attn_q", "attn_k", "attn_v", "attn_out", "ln1", "ln2"):
            shapes[f"{block}.{part}.weight"] = (WIDTH,) if part.startswith("ln") else (WIDTH, WIDTH)
            shapes[f"{block}.{part}.bias"] = (WIDTH,)
        shapes |= {
            f"{block}.ffn_up.weight": (HIDDEN, WIDTH),
            f"{block}.ffn_up.bias": (HIDDEN,),
            f"{block}.ffn_down.weight": (WIDTH, HIDDEN),
            f"{block}.ffn_down.bias": (WIDTH,),
        }
    return shapes


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def _value(value: bool | float | str | list[float]) -> bytes:
    """Write the type's number and the value."""
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _text(value)
        case _:
            return struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)


def write_projector(path: Path) -> Path:
    """Write it; the same bytes each time."""
    rng, shapes = np.random.default_rng(0), _shapes()
    head = [b"GGUF", struct.pack("<IQQ", 3, len(shapes), len(_SETTINGS))]
    head += [_text(name) + _value(value) for name, value in _SETTINGS.items()]
    data, end = [], 0
    for name, shape in shapes.items():
        fill = 0.0 if name.endswith("bias") else 1.0
        values = np.full(shape, fill) if len(shape) == 1 else 0.02 * rng.standard_normal(shape)
        raw = values.astype("<f4").tobytes()
        head.append(_text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape[::-1], 0, end))
        padded = raw + bytes(-len(raw) % _ALIGNMENT)
        data.append(padded)
        end += len(padded)
    first = b"".join(head)
    path.write_bytes(first + bytes(-len(first) % _ALIGNMENT) + b"".join(data))
    return path
