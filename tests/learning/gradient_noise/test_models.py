"""The paper's models equal their formulas, and their tasks have the answers that they say."""

import pytest
import torch
from torch import Tensor, nn

from octavo.learning import MemN2N, MLPDeep, NeuralGPU, NeuralProgrammer, NeuralRAM
from octavo.learning.gradient_noise import arithmetic, tables
from octavo.learning.gradient_noise.neural_programmer import (
    OPERATIONS,
    Answer,
    programmer_loss,
)
from octavo.learning.gradient_noise.pointers import walks
from octavo.learning.gradient_noise.random_access_machine import ARGUMENTS, machine_loss

from . import reference


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def _same_weights() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("linear", [False, True])
def test_memory_network_is_the_formula_with_gradients(linear: bool) -> None:
    model = MemN2N(vocabulary=9, hops=3, width=5, memory=6, words=4).double()
    story = torch.randint(1, 9, (2, 5, 4), generator=seeded())
    story[0, :, 3] = 0
    story[1, 3:] = 0
    question = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0]])
    expected = torch.stack(
        [
            reference.memory_network(list(model.embeddings), list(model.ages), told, asked, linear)
            for told, asked in zip(story, question, strict=True)
        ]
    )
    got = model(story, question, linear=linear)
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=0)
    probe = torch.randn(got.shape, dtype=torch.float64, generator=seeded(1))
    for one, other in zip(
        torch.autograd.grad((got * probe).sum(), list(model.parameters()), allow_unused=True),
        torch.autograd.grad((expected * probe).sum(), list(model.parameters()), allow_unused=True),
        strict=True,
    ):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


def test_memory_network_forgets_what_is_too_old() -> None:
    model = MemN2N(vocabulary=9, width=5, memory=3, words=2)
    story = torch.randint(1, 9, (1, 5, 2), generator=seeded())
    changed = story.clone()
    changed[0, :2] = 1
    question = torch.tensor([[1, 2]])
    assert torch.equal(model(story, question), model(changed, question))
    with pytest.raises(ValueError, match="larger words="):
        model(torch.ones(1, 2, 3, dtype=torch.long), question)


def test_an_empty_sentence_is_time_that_went_by() -> None:
    model = MemN2N(vocabulary=9, hops=2, width=5, memory=6, words=2).double()
    story = torch.randint(1, 9, (1, 3, 2), generator=seeded())
    question = torch.tensor([[1, 2]])
    gap = torch.cat([story[:, :2], torch.zeros_like(story[:, :1]), story[:, 2:]], 1)
    aged = MemN2N(vocabulary=9, hops=2, width=5, memory=6, words=2).double()
    aged.load_state_dict(model.state_dict())
    with torch.no_grad():
        for ages in aged.ages:
            ages[1:3] = ages[2:4].clone()
    torch.testing.assert_close(model(story=gap, question=question), aged(story, question))
    assert not torch.allclose(model(gap, question), model(story, question))


@pytest.mark.parametrize("relaxations", [1, 3])
def test_neural_gpu_is_the_gated_convolution_place_by_place(relaxations: int) -> None:
    model = NeuralGPU(symbols=4, maps=3, width=2, layers=2, relaxations=relaxations).double()
    symbols = torch.randint(4, (1, 4), generator=seeded())
    image = torch.zeros(3, 2, 4, dtype=torch.float64)
    image[:, 0] = model.embedding[symbols[0]].T
    for step in range(4):
        for layer in range(2):
            which = step % relaxations
            image = reference.gated_step(
                image,
                model.gates[which, layer],
                model.gate_biases[which, layer],
                model.candidates[which, layer],
                model.candidate_biases[which, layer],
            )
    expected = image[:, 0].T @ model.output.T
    torch.testing.assert_close(model(symbols)[0], expected, atol=1e-10, rtol=0)
    assert (model.relaxation_pull() > 0) == (relaxations > 1)


@pytest.mark.parametrize(
    "program",
    [
        [("sum", 1)],
        [("count", 0)],
        [("greater", 0), ("count", 0)],
        [("lesser", 2), ("sum", 1)],
        [("greater", 0), ("lesser", 2), ("and", 0), ("count", 0)],
        [("greater", 0), ("lesser", 0), ("or", 0), ("assign", 1)],
        [("greater", 1), ("reset", 0), ("sum", 0)],
        [("sum", 0), ("count", 0), ("count", 0), ("difference", 0)],
    ],
)
def test_programs_give_what_their_operations_say(
    program: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = NeuralProgrammer(9, (5, 6, 7), steps=len(program), width=4).double()
    choices = iter([index for name, column in program for index in (OPERATIONS.index(name), column)])

    def chosen(scores: Tensor, axis: int) -> Tensor:
        if scores.shape[-1] == 1:
            return torch.ones_like(scores)
        return nn.functional.one_hot(torch.tensor([next(choices)]), scores.shape[-1]).to(scores.dtype)

    table = torch.randn(1, 4, 3, dtype=torch.float64, generator=seeded(3))
    monkeypatch.setattr(Tensor, "softmax", chosen)
    answer = model(
        torch.tensor([[2, 1]]),
        torch.tensor([[0.1]], dtype=torch.float64),
        torch.tensor([[1]]),
        table,
        torch.ones(1, 4, dtype=torch.bool),
    )
    scalar, lookup = reference.hard_program(program, table[0].tolist(), 0.1, 0.1)
    assert answer.scalar.item() == pytest.approx(scalar, abs=1e-10)
    assert answer.lookup[0].tolist() == lookup


@pytest.mark.parametrize("attended", [2, 3])
def test_words_are_matched_with_the_word_that_is_attended_to(
    attended: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = NeuralProgrammer(9, (5, 6), text_columns=(7, 8), steps=2, width=4).double()
    assert model.operations.shape[0] == len(OPERATIONS) + 1
    # Attention over the question's words, over one number twice; then match of column 7 and its assign.
    picks = iter([attended - 2, len(OPERATIONS), 2, OPERATIONS.index("assign"), 1])

    def chosen(scores: Tensor, axis: int) -> Tensor:
        if scores.shape[-1] == 1:
            return torch.ones_like(scores)
        return nn.functional.one_hot(torch.tensor([next(picks)]), scores.shape[-1]).to(scores.dtype)

    monkeypatch.setattr(Tensor, "softmax", chosen)
    answer = model(
        torch.tensor([[2, 3]]),
        torch.tensor([[0.1]], dtype=torch.float64),
        torch.tensor([[1]]),
        torch.randn(1, 3, 2, dtype=torch.float64, generator=seeded(3)),
        torch.tensor([[True, True, False]]),
        torch.tensor([[[2, 3], [3, 3], [2, 2]]]),
    )
    rows = [[float(first == attended), present] for first, present in ((2, 1), (3, 1), (2, 0))]
    assert answer.lookup[0, :, 1].tolist() == [match * present for match, present in rows]
    assert answer.lookup[0, :, [0, 2, 3]].abs().sum() == 0


def test_columns_of_text_are_asked_for() -> None:
    model = NeuralProgrammer(9, (5, 6), text_columns=(7,), width=4)
    batch = torch.tensor([[2, 3]]), torch.zeros(1, 1), torch.tensor([[-1]]), torch.zeros(1, 3, 2)
    with pytest.raises(ValueError, match=r"texts=None and the model was made for 1"):
        model(*batch, torch.ones(1, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="must lie between 1 and 2"):
        tables.questions(2, seeded(), templates=("match sum",))


@pytest.mark.parametrize("name", ["match count", "match sum", "match print"])
def test_questions_about_words_have_their_answers(name: str) -> None:
    batch = tables.questions(20, seeded(), templates=(name,), rows=(3, 6), text_columns=2)
    words = list(tables.VOCABULARY)
    for index in range(20):
        asked = [words[word] for word in batch["question"][index] if word]
        present = int(batch["row_mask"][index].sum())
        texts = [[words[word] for word in row] for row in batch["texts"][index, :present].tolist()]
        rows = torch.tensor([row[tables.TEXT_COLUMNS.index(asked[2])] == asked[1] for row in texts])
        if "count" in asked:
            assert batch["scalar"][index].item() == rows.sum().item()
            continue
        place = tables.COLUMNS.index(asked[-1])
        column = batch["table"][index, :present, place]
        if "sum" in asked:
            assert batch["scalar"][index].item() == pytest.approx((rows * column).sum().item(), abs=1e-4)
        else:
            assert batch["lookup"][index, :present, place].bool().equal(rows)
            assert batch["lookup"][index].sum() == rows.sum()


def test_rows_that_are_not_there_do_not_count() -> None:
    batch = tables.questions(6, seeded(), columns=3, rows=(2, 5))
    model = NeuralProgrammer(len(tables.VOCABULARY), (9, 10, 11), steps=3, width=6)
    inputs = [batch[name] for name in ("question", "numbers", "places", "table", "row_mask")]
    whole = model(*inputs)
    inputs[3] = torch.where(batch["row_mask"][..., None], batch["table"], torch.full((), 77.0))
    padded = model(*inputs)
    torch.testing.assert_close(padded.scalar, whole.scalar)
    assert not (whole.lookup * ~batch["row_mask"][..., None]).any()
    with pytest.raises(ValueError, match="3 columns and the model was made for 2"):
        NeuralProgrammer(14, (9, 10))(*inputs)


def test_loss_looks_at_the_kind_of_answer_that_is_wanted() -> None:
    answer = Answer(torch.tensor([3.0, 3.0]), torch.full((2, 2, 1), 0.5))
    losses = programmer_loss(
        answer,
        torch.tensor([1.0, 0.0]),
        torch.tensor([[[1.0], [0.0]]] * 2),
        torch.tensor([False, True]),
        torch.ones(2, 2, dtype=torch.bool),
        delta=10.0,
        weight=10.0,
    )
    assert losses.tolist() == pytest.approx([0.5 * 2.0**2 / 10, 10 * 0.6931472])


@pytest.mark.parametrize("name", list(tables.NUMERIC))
def test_questions_have_the_answers_that_their_words_ask_for(name: str) -> None:
    batch = tables.questions(20, seeded(), templates=(name,), rows=(3, 6))
    words = list(tables.VOCABULARY)
    for index in range(20):
        asked = [words[word] for word in batch["question"][index] if word]
        table = batch["table"][index, : int(batch["row_mask"][index].sum())]
        assert [asked[place] for place in batch["places"][index].tolist() if place >= 0] == [
            word for word in asked if word == tables.NUMBER
        ]
        numbers, rows = iter(batch["numbers"][index].tolist()), torch.ones(len(table), dtype=torch.bool)
        found = []
        for place, word in enumerate(asked):
            if word in ("greater", "lesser"):
                column = table[:, tables.COLUMNS.index(asked[place + 2])]
                number = next(numbers)
                found.append(column > number if word == "greater" else column < number)
        if found:
            rows = (
                found[0]
                if len(found) == 1
                else (found[0] & found[1] if "and" in asked else found[0] | found[1])
            )
        if "count" in asked:
            assert batch["scalar"][index].item() == rows.sum().item()
        else:
            column_index = tables.COLUMNS.index(asked[-1])
            column = table[:, column_index]
            if "sum" in asked:
                assert batch["scalar"][index].item() == pytest.approx((rows * column).sum().item(), abs=1e-4)
            else:
                assert batch["is_lookup"][index]
                assert batch["lookup"][index, : len(table), column_index].bool().equal(rows)
                assert batch["lookup"][index].sum() == rows.sum()


@pytest.mark.parametrize("bits", [1, 3, 6])
@pytest.mark.parametrize("task", ["addition", "multiplication"])
def test_problems_are_solved_lowest_bit_first(task: str, bits: int) -> None:
    inputs, outputs = arithmetic.problems(task, bits, 30, seeded())  # type: ignore[arg-type]

    def number(symbols: Tensor) -> int:
        return sum(2**place for place, symbol in enumerate(symbols.tolist()) if symbol == arithmetic.ONE)

    for given, wanted in zip(inputs, outputs, strict=True):
        assert given[bits] == arithmetic.OPERATOR
        first, second = number(given[:bits]), number(given[bits + 1 :])
        assert number(wanted) == (first + second if task == "addition" else first * second)


def test_a_machine_runs_the_circuit_step_by_step() -> None:
    machine = NeuralRAM(integers=5, registers=3, steps=3, width=6).double()
    memory = torch.rand(2, 5, 5, dtype=torch.float64, generator=seeded()).softmax(-1)
    ran = machine(memory)
    for index, cells in enumerate(memory):
        memories, stops = reference.random_access_machine(machine, cells, list(ARGUMENTS))
        torch.testing.assert_close(ran.memories[index], memories, atol=1e-10, rtol=0)
        torch.testing.assert_close(ran.stops[index], stops, atol=1e-10, rtol=0)
    torch.testing.assert_close(ran.memories.sum(-1), torch.ones_like(ran.memories[..., 0]))
    torch.testing.assert_close(ran.stops.sum(-1), torch.ones(2, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"\(4, 5\) and the machine was made for 5 cells"):
        machine(memory[:, :4])


def test_a_machine_that_is_right_at_once_loses_nothing() -> None:
    machine = NeuralRAM(integers=4, registers=1, steps=2)
    wanted = torch.tensor([[3, 1, 2, 0]])
    memory = nn.functional.one_hot(wanted, 4).float()
    ran = machine(memory)._replace(memories=memory[:, None].expand(1, 2, 4, 4))
    assert machine_loss(ran, wanted, torch.ones(4)).item() == 0
    assert machine_loss(ran, wanted.roll(1, 1), torch.ones(4)).item() > 1


@pytest.mark.parametrize("hops", [1, 2, 5])
def test_chains_of_pointers_end_where_they_say(hops: int) -> None:
    before, after = walks(hops, 6, 30, seeded())
    for given, wanted in zip(before.tolist(), after.tolist(), strict=True):
        place, visited = given[0], []
        for _ in range(hops):
            visited.append(place)
            place = given[place]
        assert len({0, *visited}) == hops + 1
        assert [place, *given[1:]] == wanted


def test_dropout_drops_in_training_alone() -> None:
    model, x = MLPDeep(4, 3, width=30, depth=2, dropout=0.5), torch.randn(2, 4, generator=seeded())
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), model(x))


def test_refusals() -> None:
    for make, message in (
        (lambda: MLPDeep(depth=0), "depth=0"),
        (lambda: MemN2N(5, hops=0), "hops=0"),
        (lambda: NeuralProgrammer(5, (5,)), "column_words"),
        (lambda: NeuralProgrammer(5, (1,), steps=0), "steps=0"),
        (lambda: NeuralGPU(maps=0), "maps=0"),
        (lambda: NeuralGPU(dropout=1.0), "dropout=1.0"),
        (lambda: arithmetic.problems("addition", 32, 1, seeded()), "bits=32"),
        (lambda: tables.questions(1, seeded(), templates=("guess",)), "guess"),
        (lambda: tables.questions(1, seeded(), columns=6), "columns=6"),
        (lambda: MLPDeep(dropout=1.0), "dropout=1.0"),
        (lambda: NeuralRAM(registers=0), "registers=0"),
        (lambda: NeuralRAM(integers=2), "integers=2"),
        (lambda: walks(4, 4, 1, seeded()), "hops=4"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


@pytest.mark.parametrize(("init", "std"), [("zero", 0.0), ("simple", 0.1), ("he", 0.2), ("sussillo", 0.205)])
def test_initialisations_have_the_variance_that_they_name(init: str, std: float) -> None:
    model = MLPDeep(50, init=init)  # type: ignore[arg-type]
    weights = torch.cat([layer.weight.flatten() for layer in model.hidden])  # type: ignore[union-attr,operator]
    assert weights.std().item() == pytest.approx(std, rel=0.02)
    biases = torch.cat([layer.bias for layer in model.hidden])  # type: ignore[union-attr,arg-type]
    assert bool(biases.any()) is (init == "simple")


def test_from_zero_no_gradient_reaches_a_weight() -> None:
    model = MLPDeep(4, 3, width=5, depth=4, init="zero")
    nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(3, (8,))).backward()
    moved = [name for name, param in model.named_parameters() if param.grad is not None and param.grad.any()]
    assert moved == ["output.bias"]
