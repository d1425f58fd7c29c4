"""The claims that are exact: one softmax in four ways, streams that equal what was trained, parameters."""

import torch
from torch import nn

from octavo.lab import Lab, part
from octavo.sequence.aaren import identities
from octavo.sequence.aaren.cost import state_bytes
from octavo.sequence.aaren.encoder import AarenEncoder, AarenLayer
from octavo.sequence.aaren.scales import Config
from octavo.sequence.aaren.systems import encoder_of, paired


@part(seeds=2)
def exactness(config: Config, lab: Lab) -> None:
    """One token, blocks, or all at once: the same softmax. And its parallel scan, with rounds counted."""
    for dtype, name in ((torch.float64, "random_float64"), (torch.float32, "random_float32")):
        errors = identities.many_to_one_errors(config.instances, dtype, lab.generator("shapes"))
        for system, values in errors.items():
            lab.record(system=system, dataset=name, metric="max_error", value=max(values))
    lengths = (1, 2, 3, 63, 64, 65, 1000)
    parallel, recurrent, rounds = identities.scan_errors(lengths, lab.generator("scan"))
    surplus = max((r - (n - 1).bit_length() for r, n in zip(rounds, lengths, strict=True)), key=abs)
    for system, metric, value in (
        ("hillis_steele", "max_error", max(parallel)),
        ("hillis_steele", "surplus_rounds", surplus),
        ("sequential", "max_error", max(recurrent)),
    ):
        lab.record(system=system, dataset="prefix_lengths", metric=metric, value=value)


@part(seeds=2)
def rnn_view(config: Config, lab: Lab) -> None:
    """A Transformer's row is the cell with that row's query; what it must keep grows with every token."""
    errors = identities.query_of_the_newest_token(config.instances, lab.generator("rows"))
    for system, values in errors.items():
        lab.record(system=system, dataset="attention_rows", metric="max_error", value=max(values))
    for system, encoder in paired(
        config.systems, lab.key("init"), lambda mixer: AarenEncoder(8, 1, 2, mixer=mixer)
    ):
        for tokens in (10, 512, 4096, config.stored_tokens):
            with torch.no_grad():
                _, state = encoder.eval()(torch.zeros(1, tokens, 8), need_state=True)
            lab.record(
                system=system,
                dataset="stream",
                metric="state_bytes",
                value=state_bytes(state),
                unit="bytes",
                at={"tokens": tokens},
            )


@part(seeds=1)
def streaming_equals_parallel(config: Config, lab: Lab) -> None:
    """A stack fed token by token gives what it gave in parallel; a layer has d_model parameters more."""
    tokens = torch.randn(2, 200, config.width, generator=lab.generator("tokens"))
    for system, encoder in paired(config.systems, lab.key("init"), lambda mixer: encoder_of(config, mixer)):
        encoder.eval()
        with torch.no_grad():
            error = identities.difference(identities.step_by_step(encoder, tokens), encoder(tokens))
        lab.record(
            system="steps" if system == "aaren" else f"{system}_steps",
            dataset="forward",
            metric="max_error",
            value=error,
        )
    counted = {
        "aaren": AarenLayer(512, 8, 2048),
        "transformer": AarenLayer(512, 8, 2048, mixer="attention"),
        "torch_encoder_layer": nn.TransformerEncoderLayer(512, 8, 2048),
    }
    for system, layer in counted.items():
        number = sum(parameter.numel() for parameter in layer.parameters())
        lab.record(system=system, dataset="layer_512", metric="parameters", value=number)
