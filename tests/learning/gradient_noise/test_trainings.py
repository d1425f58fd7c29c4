"""The noise where trainings happen: under transformers' Trainer, over ranks, and from a dead network."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

from octavo.learning import Ensemble, GradientNoise, GradientNoiseCallback, MLPDeep
from octavo.nn.ensemble import clip_each_copy_


def texts() -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(16, (12, 5), generator=generator)
    return [{"input_ids": row, "labels": row} for row in rows]


def trainer(folder: Path, eta: float, seed: int | None = None, **settings: Any) -> Trainer:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=16,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=2,
        save_steps=2,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_strategy="no",
        restore_callback_states_from_checkpoint=True,
        **settings,
    )
    callback = GradientNoiseCallback(eta=eta, seed=seed)
    return Trainer(
        LlamaForCausalLM(config),
        arguments,
        train_dataset=texts(),
        callbacks=[callback],  # type: ignore[arg-type]
    )


def weights(made: Trainer) -> torch.Tensor:
    assert isinstance(made.model, nn.Module)
    return torch.cat([param.detach().flatten() for param in made.model.parameters()])


def test_trainer_counts_steps_of_the_optimizer_and_resumes_bit_for_bit(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole", 0.1, max_steps=4)
    seen = []

    class Watch(type(whole.callback_handler.callbacks[0]).__mro__[1]):  # type: ignore[misc]
        """Reads the noise after each step."""

        def on_optimizer_step(self, *args: Any, **kwargs: Any) -> None:
            noise = next(
                c for c in whole.callback_handler.callbacks if isinstance(c, GradientNoiseCallback)
            ).noise
            assert noise is not None
            seen.append(noise.step)

    whole.add_callback(Watch())
    whole.train()
    assert seen == [1, 2, 3, 4]
    resumed = trainer(tmp_path / "whole", 0.1, max_steps=4)
    resumed.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-2"))
    assert torch.equal(weights(whole), weights(resumed))


def test_trainer_without_noise_is_the_bare_trainer(tmp_path: Path) -> None:
    made = [trainer(tmp_path / str(eta), eta, max_steps=2) for eta in (0.0, 0.1)]
    bare = trainer(tmp_path / "bare", 0.1, max_steps=2)
    bare.remove_callback(GradientNoiseCallback)
    for each in (*made, bare):
        each.train()
    assert torch.equal(weights(made[0]), weights(bare))
    assert not torch.equal(weights(made[1]), weights(bare))


def test_data_parallel_ranks_with_one_seed_stay_equal() -> None:
    replicas = []
    for _ in range(2):
        torch.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        GradientNoise(optimizer, generator=torch.Generator().manual_seed(5))
        replicas.append((model, optimizer))
    for step in range(3):
        for number, (model, optimizer) in enumerate(replicas):
            optimizer.zero_grad()
            data = torch.randn(4, 3, generator=torch.Generator().manual_seed(10 * number + step))
            model(data).square().sum().backward()
        for params in zip(*(model.parameters() for model, _ in replicas), strict=True):
            # What an all-reduce leaves in each rank's own memory.
            mean = torch.stack([param.grad for param in params if param.grad is not None]).mean(0)
            for param in params:
                param.grad = mean.clone()
        for _, optimizer in replicas:
            optimizer.step()
    assert torch.equal(replicas[0][0].weight, replicas[1][0].weight)


@pytest.mark.parametrize("other_seed", [5, 6])
def test_ranks_of_different_seeds_are_found_out(other_seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def gathered(digests: list[str | None], mine: str) -> None:
        state = torch.Generator().manual_seed(other_seed).get_state().numpy().tobytes()
        digests[:] = [mine, hashlib.sha256(state).hexdigest()]

    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(dist, "all_gather_object", gathered)
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    noise = GradientNoise(optimizer, generator=torch.Generator().manual_seed(5), check_ranks=True)
    layer(torch.ones(1, 2)).sum().backward()
    if other_seed == 5:
        optimizer.step()
        assert noise.step == 1
    else:
        with pytest.raises(RuntimeError, match="rank 1 is not that of rank 0"):
            optimizer.step()


def test_a_dead_network_of_eight_layers_learns_digits_with_noise_only() -> None:
    digits = load_digits()
    x = torch.tensor(digits.data / 16, dtype=torch.float32)
    y = torch.tensor(digits.target)
    accuracy = {}
    for eta, steps in ((0.0, 50), (1.0, 600)):
        ensemble = Ensemble([MLPDeep(64, width=50, depth=8, init="zero") for _ in range(3)])
        optimizer = torch.optim.SGD(ensemble.parameters(), lr=0.05)
        noise = GradientNoise(optimizer, eta=eta, generator=torch.Generator().manual_seed(0))
        order = torch.Generator().manual_seed(1)
        best = torch.zeros(3)
        for step in range(1, steps + 1):
            batch = torch.randint(1400, (50,), generator=order)
            logits = ensemble(x[batch], shared=True).flatten(0, 1)
            losses = nn.functional.cross_entropy(logits, y[batch].repeat(3), reduction="none")
            optimizer.zero_grad()
            losses.view(3, -1).mean(1).sum().backward()
            clip_each_copy_(ensemble.parameters(), 10.0)
            optimizer.step()
            if step % 50 == 0:
                with torch.no_grad():
                    found = (ensemble(x[1400:], shared=True).argmax(-1) == y[1400:]).float().mean(1)
                best = torch.maximum(best, found)
        assert noise.step == steps
        dead = not any(bool(each.any()) for name, each in ensemble.stacked.items() if "weight" in name)
        assert dead is (eta == 0.0)
        accuracy[eta] = best
    assert accuracy[0.0].max() < 0.15
    assert accuracy[1.0].min() > 0.8
