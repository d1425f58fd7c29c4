import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from octavo.errors import OctavoError
from octavo.lab.snapshot import flatten, restore
from octavo.lab.state import State, copied, load_optimizer

OPTIMIZERS = {
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=1e-2, amsgrad=True),
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=1e-2, momentum=0.9, nesterov=True),
    "RMSprop": lambda parameters: torch.optim.RMSprop(parameters, lr=1e-2, centered=True),
    "Adagrad": lambda parameters: torch.optim.Adagrad(parameters, lr=1e-2),
    "NAdam": lambda parameters: torch.optim.NAdam(parameters, lr=1e-2),
    "Rprop": lambda parameters: torch.optim.Rprop(parameters, lr=1e-2),
    "Muon": lambda parameters: torch.optim.Muon([p for p in parameters if p.ndim == 2], lr=1e-2),
    "LBFGS": lambda parameters: torch.optim.LBFGS(parameters, lr=1e-2, max_iter=2),
}


def advance(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        x = torch.randn(8, 3, generator=random)

        def closure(x: torch.Tensor = x) -> torch.Tensor:
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            return loss

        optimizer.step(closure)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_goes_on_bit_for_bit_after_a_round_trip(name: str) -> None:
    def build() -> State:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        return State(model=model, optimizer=OPTIMIZERS[name](list(model.parameters())))

    first, second = build(), build()
    advance(first.model, first.optimizer, 3, seed=1)
    text, tensors = flatten(first.state_dict())
    second.load_state_dict(restore(text, load(save(tensors))))
    for state in (first, second):
        advance(state.model, state.optimizer, 3, seed=2)
    for left, right in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(left, right)


def test_moments_more_precise_than_their_parameter_keep_their_bits() -> None:
    parameter = nn.Parameter(torch.ones(3, dtype=torch.bfloat16))
    optimizer = torch.optim.AdamW([parameter])
    parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    precise = torch.tensor([1 / 3, 1 / 7, 1e-9])
    optimizer.state[parameter]["exp_avg"] = precise
    other = torch.optim.AdamW([nn.Parameter(torch.ones(3, dtype=torch.bfloat16))])
    load_optimizer(other, optimizer.state_dict())
    loaded = next(iter(other.state.values()))["exp_avg"]
    assert loaded.dtype == torch.float32
    assert torch.equal(loaded, precise)


def test_parts_of_every_kind_come_back() -> None:
    def build(number: int) -> State:
        return State(
            codebook=torch.full((2,), float(number)),
            rounds=number,
            names=["a", str(number)],
            grown=torch.ones(number),
        )

    first, second = build(1), build(3)
    second.load_state_dict(first.state_dict())
    assert second.codebook.tolist() == [1.0, 1.0]
    assert second.rounds == 1
    assert second.names == ["a", "1"]
    assert second.grown.shape == (1,)


def test_what_remains_after_training_has_no_optimizer() -> None:
    model = nn.Linear(1, 1)
    state = State(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), rounds=2)
    assert set(state.state_dict(weights_only=True)) == {"model", "rounds"}


def test_errors_name_the_part() -> None:
    with pytest.raises(AttributeError, match="no 'gide', it has guide"):
        _ = State(guide=1).gide
    with pytest.raises(OctavoError, match="saved 'model' does not fit"):
        State(model=nn.Linear(2, 1)).load_state_dict({"model": nn.Linear(3, 1).state_dict()})


def test_copies_do_not_follow_the_original() -> None:
    weight = torch.zeros(2)
    copy = copied({"weights": [weight], "pair": (weight, 1)})
    weight += 1
    assert copy["weights"][0].tolist() == [0, 0]
    assert copy["pair"][0].tolist() == [0, 0]
