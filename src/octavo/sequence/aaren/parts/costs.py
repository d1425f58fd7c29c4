"""What is timed: a training step in parallel and in a loop, and a long stream."""

import torch

from octavo.lab import Lab, part
from octavo.sequence.aaren import identities
from octavo.sequence.aaren.cost import stream
from octavo.sequence.aaren.encoder import AarenEncoder
from octavo.sequence.aaren.scales import Config
from octavo.sequence.aaren.systems import MIXERS, encoder_of


@part(seeds=1, timed=True)
def unrolled_training(config: Config, lab: Lab) -> None:
    """Seconds of one training step, all positions at once and in a loop over tokens."""
    encoder = encoder_of(config, "aaren").to(lab.device).train()
    tokens = torch.randn(2, config.unrolled_tokens, config.width, generator=lab.generator("tokens")).to(
        lab.device
    )

    def parallel() -> None:
        encoder(tokens).square().mean().backward()

    def steps() -> None:
        identities.step_by_step(encoder, tokens).square().mean().backward()

    timings = lab.time({"parallel": parallel, "steps": steps}, repeats=7, warmup=1)
    for system in ("parallel", "steps"):
        lab.record(
            system=system,
            dataset="unrolled",
            metric="training_seconds",
            value=timings.median(system),
            unit="s",
            items=timings.seconds[system],
        )


@part(seeds=1, timed=True)
def streaming(config: Config, lab: Lab) -> None:
    """Cumulative seconds and bytes of one long stream."""
    encoders = {
        system: AarenEncoder(config.stream_width, config.stream_layers, 4, mixer=MIXERS[system])
        .to(lab.device)
        .eval()
        for system in ("aaren", "transformer", "lstm")
    }
    generator = lab.generator("tokens")
    tokens = [
        torch.randn(1, config.stream_width, generator=generator).to(lab.device)
        for _ in range(config.stream_tokens)
    ]
    for system, cost in stream(encoders, tokens).items():
        for at, seconds, size in zip(cost.tokens, cost.seconds, cost.bytes, strict=True):
            place = {"tokens": at}
            lab.record(system=system, dataset="stream", metric="seconds", value=seconds, unit="s", at=place)
            lab.record(
                system=system, dataset="stream", metric="stream_bytes", value=size, unit="bytes", at=place
            )
        growth = cost.bytes[-1] / cost.bytes[0]
        lab.record(system=system, dataset="stream", metric="seconds", value=cost.seconds[-1], unit="s")
        lab.record(system=system, dataset="stream", metric="state_growth", value=growth)
        lab.record(system=system, dataset="stream", metric="slope", value=cost.slope())
