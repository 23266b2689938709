"""The mixin for transformers' Trainer, with a tiny random model: whole and with LoRA."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from auricle.errors import InputError
from auricle.zeroth import Pool, ZerothOrder
from auricle.zeroth.huggingface import ZerothOrderTrainerMixin

transformers = pytest.importorskip("transformers", reason="needs auricle[huggingface]")
pytest.importorskip("accelerate", reason="needs auricle[huggingface]")

pytestmark = pytest.mark.usefixtures("one_thread")


class ForwardTrainer(ZerothOrderTrainerMixin, transformers.Trainer):
    pass


def model(dropout: float = 0.1) -> torch.nn.Module:
    config = transformers.BertConfig(
        vocab_size=24, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=8, num_labels=2, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return transformers.BertForSequenceClassification(config)


def dataset(size: int = 20) -> list[dict[str, torch.Tensor]]:
    """Sentences whose first word tells the label."""
    words = torch.randint(4, 24, (size, 6), generator=torch.Generator().manual_seed(2))
    words[:, 0] = torch.arange(size) % 2
    return [{"input_ids": row, "labels": row[0]} for row in words]


def trainer(
    out: Path,
    net: torch.nn.Module,
    *,
    kind: type = ForwardTrainer,
    settings: dict[str, Any] | None = None,
    **others: Any,
) -> Any:
    options = {"max_steps": 4, "learning_rate": 1e-2, "logging_steps": 1, "save_strategy": "no"} | others
    arguments = transformers.TrainingArguments(
        str(out), per_device_train_batch_size=4, report_to=[], use_cpu=True, disable_tqdm=True, seed=3, **options
    )
    chosen = {} if settings is None else {"optimizer_cls_and_kwargs": (ZerothOrder, settings)}
    return kind(model=net, args=arguments, train_dataset=dataset(), **chosen)


def weights(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()])


def logged(made: Any, name: str) -> list[float]:
    return [entry[name] for entry in made.state.log_history if name in entry]


def test_it_trains_without_gradients_and_logs(tmp_path):
    net = model()
    before = weights(net)
    made = trainer(tmp_path, net, settings={"perturbation": Pool(size=127)}, lr_scheduler_type="linear")
    made.train()
    assert not torch.equal(before, weights(net))
    assert all(p.grad is None for p in net.parameters())
    assert made.optimizer.optimizer.steps == made.state.global_step == 4
    assert len(logged(made, "loss")) == 4
    assert logged(made, "learning_rate") == pytest.approx([0.01, 0.0075, 0.005, 0.0025])
    assert not logged(made, "grad_norm")


def test_the_loss_falls(tmp_path):
    made = trainer(tmp_path, model(0.0), settings={"perturbation": Pool(size=509)}, max_steps=60, learning_rate=0.03)
    made.train()
    losses = logged(made, "loss")
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_the_learning_rate_is_that_of_the_arguments_unless_named(tmp_path):
    assert trainer(tmp_path, model()).create_optimizer().param_groups[0]["lr"] == 1e-2
    assert trainer(tmp_path, model(), settings={"lr": 0.5}).create_optimizer().param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("settings", [{}, {"grid": True}])
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(tmp_path, settings):
    whole, part = model(), model()
    trainer(tmp_path, whole, settings=settings, max_steps=6, save_strategy="steps", save_steps=3).train()
    again = trainer(tmp_path / "again", part, settings=settings, max_steps=6)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-3"))
    assert again.optimizer.optimizer.steps == 6
    assert torch.equal(weights(whole), weights(part))


@pytest.mark.parametrize("batches", [1, 2])
def test_the_loss_is_scaled_as_the_trainers_own(tmp_path, batches):
    made = [
        trainer(tmp_path, model(0.0), kind=kind, max_steps=2, gradient_accumulation_steps=batches, learning_rate=0.0)
        for kind in (ForwardTrainer, transformers.Trainer)
    ]
    for one in made:
        one.train()
    assert logged(made[0], "loss") == pytest.approx(logged(made[1], "loss"), rel=1e-4)
    assert made[0].optimizer.optimizer.steps == made[0].state.global_step == 2


def test_micro_batches_are_averaged_where_the_loss_is_no_share(tmp_path):
    made = trainer(tmp_path, model(0.0), max_steps=1, gradient_accumulation_steps=4, learning_rate=0.0)
    made.loss_is_scaled_for_ga = False
    made.train()
    assert logged(made, "loss") == pytest.approx([0.69], abs=0.05)


def test_labels_that_the_trainer_takes_out_are_there_at_every_point(tmp_path):
    made = trainer(tmp_path, model(), label_smoothing_factor=0.1, max_steps=2)
    made.train()
    assert made.optimizer.optimizer.steps == 2


def test_an_optimizer_of_ones_own_is_used(tmp_path):
    net = model()
    optimizer = ZerothOrder(net.parameters(), lr=1e-3)
    arguments = transformers.TrainingArguments(
        str(tmp_path), max_steps=2, report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no"
    )
    made = ForwardTrainer(model=net, args=arguments, train_dataset=dataset(), optimizers=(optimizer, None))
    made.train()
    assert optimizer.steps == 2


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft 0.21
def test_of_a_peft_model_only_the_adapter_is_trained(tmp_path):
    peft = pytest.importorskip("peft", reason="needs auricle[huggingface]")
    net = peft.get_peft_model(model(), peft.LoraConfig(r=2, target_modules=["query", "value"], task_type="SEQ_CLS"))
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    made = trainer(tmp_path, net, settings={"perturbation": Pool(size=31)})
    made.train()
    moved = {name for name, p in net.named_parameters() if not torch.equal(before[name], p)}
    assert moved == {name for name, p in net.named_parameters() if p.requires_grad}
    assert all("lora" in name or "classifier" in name for name in moved)
    assert made.optimizer.optimizer.dimension == sum(p.numel() for p in net.parameters() if p.requires_grad)


def test_another_optimizer_is_refused(tmp_path):
    made = trainer(tmp_path, model())
    made.optimizer_cls_and_kwargs = (torch.optim.SGD, {})
    with pytest.raises(InputError, match=r"given SGD; .* needs optimizer_cls_and_kwargs=\(ZerothOrder, {...}\)"):
        made.train()


def test_weights_that_stay_perturbed_are_refused(tmp_path):
    made = trainer(tmp_path, model(), settings={"merge": True})
    with pytest.raises(
        InputError, match=r"merge=True was given; it leaves the weights perturbed between steps, .*out$"
    ):
        made.train()


@pytest.mark.parametrize(
    ("what", "text"),
    [({"is_deepspeed_enabled": True}, "DeepSpeed"), ({"is_fsdp_enabled": True}, "FSDP"), ({}, "4 processes")],
)
def test_more_than_one_process_is_refused(what, text):
    several = SimpleNamespace(args=SimpleNamespace(world_size=1 if what else 4), **what)
    with pytest.raises(InputError, match=f"a trainer with {text} was given; use one process, or .* DataParallel"):
        ZerothOrderTrainerMixin.create_optimizer(several)
