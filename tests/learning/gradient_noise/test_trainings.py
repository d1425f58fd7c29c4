"""The noise where trainings happen: under transformers' Trainer, over ranks, and from a dead network."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

from octavo.learning import Ensemble, GradientNoise, GradientNoiseCallback, MLPDeep
from octavo.learning.gradient_noise.parts.deep import stacked_logits
from octavo.nn.ensemble import clip_each_copy_


def texts() -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(16, (12, 5), generator=generator)
    return [{"input_ids": row, "labels": row} for row in rows]


def trainer(
    folder: Path, eta: float, seed: int | None = None, on_cpu: bool = True, **settings: Any
) -> Trainer:
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
        use_cpu=on_cpu,
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


def test_trainer_clips_before_the_noise(tmp_path: Path) -> None:
    made = trainer(
        tmp_path, 0.25, max_steps=1, max_grad_norm=1e-9, optim="sgd", learning_rate=1.0,
        lr_scheduler_type="constant",
    )  # fmt: skip
    before = weights(made)
    made.train()
    moved = weights(made) - before
    assert moved.std().item() == pytest.approx(0.5, rel=4 / (2 * len(moved)) ** 0.5)


def test_the_callback_refuses_a_negative_eta_before_the_training() -> None:
    with pytest.raises(ValueError, match="eta=-1"):
        GradientNoiseCallback(eta=-1.0)


def test_trainer_without_noise_is_the_bare_trainer(tmp_path: Path) -> None:
    made = [trainer(tmp_path / str(eta), eta, max_steps=2) for eta in (0.0, 0.1)]
    bare = trainer(tmp_path / "bare", 0.1, max_steps=2)
    bare.remove_callback(GradientNoiseCallback)
    for each in (*made, bare):
        each.train()
    assert torch.equal(weights(made[0]), weights(bare))
    assert not torch.equal(weights(made[1]), weights(bare))


@pytest.fixture(scope="module")
def two_ranks() -> list[dict[str, Any]]:
    """What two processes found, in a process group of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("ranks.py"))],
            env={**os.environ, **place, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    printed = [process.communicate(timeout=120) for process in processes]
    assert not any(process.returncode for process in processes), printed
    return json.loads(printed[0][0])  # type: ignore[no-any-return]


def test_data_parallel_ranks_with_one_seed_stay_equal(two_ranks: list[dict[str, Any]]) -> None:
    first, second = two_ranks
    assert first["noisy"] == second["noisy"]
    assert first["noisy"] != first["bare"]


def test_ranks_of_different_seeds_are_found_out(two_ranks: list[dict[str, Any]]) -> None:
    assert all("rank 1 is not that of rank 0" in found["disagreement"] for found in two_ranks)


def test_each_rank_adds_noise_to_its_own_shard(two_ranks: list[dict[str, Any]]) -> None:
    first, second = (found["shard"] for found in two_ranks)
    assert first["shape"] == second["shape"] == [1, 4000]
    assert first["first"] != second["first"]
    for shard in (first, second):
        assert shard["std"] == pytest.approx(0.5, rel=4 / (2 * 4000) ** 0.5)


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
            logits = stacked_logits(ensemble, x[batch]).flatten(0, 1)
            losses = nn.functional.cross_entropy(logits, y[batch].repeat(3), reduction="none")
            optimizer.zero_grad()
            losses.view(3, -1).mean(1).sum().backward()
            clip_each_copy_(ensemble.parameters(), 10.0)
            optimizer.step()
            if step % 50 == 0:
                with torch.no_grad():
                    found = (stacked_logits(ensemble, x[1400:]).argmax(-1) == y[1400:]).float().mean(1)
                best = torch.maximum(best, found)
        assert noise.step == steps
        dead = not any(bool(each.any()) for name, each in ensemble.stacked.items() if "weight" in name)
        assert dead is (eta == 0.0)
        accuracy[eta] = best
    assert accuracy[0.0].max() < 0.15
    assert accuracy[1.0].min() > 0.8
