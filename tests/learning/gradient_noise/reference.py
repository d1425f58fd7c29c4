"""The formulas of the paper and of its models, naive, in float64: the specification."""

import math

import torch
from torch import Tensor, nn


def variance(eta: float, gamma: float, step: int) -> float:
    """eta / (1 + t)^gamma; optax counts from 1 and divides by count^gamma, which is the same number."""
    return eta / math.pow(1 + step, gamma)


def walk(eta: float, gamma: float, lr: float, steps: int) -> float:
    """V(steps), term by term."""
    return lr * lr * math.fsum(variance(eta, gamma, step) for step in range(steps))


def memory_network(
    embeddings: list[Tensor], ages: list[Tensor], story: Tensor, question: Tensor, linear: bool
) -> Tensor:
    """One story and its question, word by word; a sentence without words does not exist."""

    def sentence(embedding: Tensor, words: Tensor) -> Tensor:
        count, width = len(words), embedding.shape[1]
        vector = torch.zeros(width, dtype=torch.float64)
        for j, word in enumerate(words.tolist(), start=1):
            for k in range(1, width + 1):
                weight = 2 * ((1 - j / count) - (k / width) * (1 - 2 * j / count))
                vector[k - 1] += weight * embedding[word, k - 1] * (word != 0)
        return vector

    told = [words for words in story if words.any()]
    state = sentence(embeddings[0], question)
    for hop in range(len(embeddings) - 1):
        scores, outputs = [], []
        for index, words in enumerate(told):
            age = len(told) - 1 - index
            scores.append((sentence(embeddings[hop], words) + ages[hop][age]) @ state)
            outputs.append(sentence(embeddings[hop + 1], words) + ages[hop + 1][age])
        weights = scores if linear else [s.exp() for s in scores]
        total = 1 if linear else sum(weights)
        for weight, output in zip(weights, outputs, strict=True):
            state = state + weight / total * output
    return embeddings[-1] @ state


def gated_step(
    image: Tensor, gates: Tensor, gate_biases: Tensor, candidates: Tensor, candidate_biases: Tensor
) -> Tensor:
    """One convolutional gated recurrent unit on one image (maps, width, length), place by place."""
    maps = image.shape[0]

    def convolve(kernel: Tensor, bias: Tensor, picture: Tensor) -> Tensor:
        _, width, length = picture.shape
        result = torch.zeros(len(bias), width, length, dtype=torch.float64)
        for o in range(len(bias)):
            for y in range(width):
                for x in range(length):
                    total = bias[o].clone()
                    for dy in (-1, 0, 1):
                        for dx in (-1, 0, 1):
                            if 0 <= y + dy < width and 0 <= x + dx < length:
                                total += kernel[o, :, dy + 1, dx + 1] @ picture[:, y + dy, x + dx]
                    result[o, y, x] = total
        return result

    def gate(x: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(1.2 / (1 + (-x).exp()) - 0.1, torch.zeros(())), torch.ones(()))

    update = gate(convolve(gates[:maps], gate_biases[:maps], image))
    reset = gate(convolve(gates[maps:], gate_biases[maps:], image))
    candidate = convolve(candidates, candidate_biases, reset * image).tanh()
    return update * image + (1 - update) * candidate


def hard_program(
    program: list[tuple[str, int]], table: list[list[float]], greater_than: float, less_than: float
) -> tuple[float, list[list[float]]]:
    """What a program of operations and columns gives on one table, by the rules of the Neural Programmer."""
    rows, columns = len(table), len(table[0])
    selectors = [[1.0] * rows, [1.0] * rows]
    scalars = [0.0, 0.0, 0.0]
    lookup = [[0.0] * columns for _ in range(rows)]
    for operation, column in program:
        previous, before = selectors[-1], selectors[-2]
        selector, scalar = [0.0] * rows, 0.0
        lookup = [[0.0] * columns for _ in range(rows)]
        for i in range(rows):
            match operation:
                case "greater":
                    selector[i] = float(table[i][column] > greater_than)
                case "lesser":
                    selector[i] = float(table[i][column] < less_than)
                case "and":
                    selector[i] = min(previous[i], before[i])
                case "or":
                    selector[i] = max(previous[i], before[i])
                case "reset":
                    selector[i] = 1.0
                case "sum":
                    scalar += previous[i] * table[i][column]
                case "count":
                    scalar += previous[i]
                case "assign":
                    lookup[i][column] = previous[i]
        if operation == "difference":
            scalar = scalars[-3] - scalars[-1]
        selectors.append(selector)
        scalars.append(scalar)
    return scalars[-1], lookup


def random_access_machine(machine: nn.Module, memory: Tensor, modules: list[str]) -> tuple[Tensor, Tensor]:
    """The memories and the chances to stop of one problem: every sum over integers is written out."""
    integers, registers = machine.integers, [one_at(0, machine.integers)] * machine.registers
    memories, stops, going = [], [], 1.0
    for step in range(machine.steps):
        seen = torch.stack([register[0] for register in registers])
        out = machine.circuit(machine.hidden(seen).clamp_min(0))
        place = 0

        def choose(values: list[Tensor], out: Tensor = out) -> Tensor:
            nonlocal place
            scores = out[place : place + len(values)].exp()
            place += len(values)
            return sum(score / scores.sum() * value for score, value in zip(scores, values, strict=True))

        values = list(registers)
        for name in modules:
            if name in ("zero", "one", "two"):
                values.append(one_at(("zero", "one", "two").index(name), integers))
                continue
            first = choose(values)
            if name == "read":
                values.append(sum(first[i] * memory[i] for i in range(integers)))
            elif name in ("increment", "decrement"):
                by = 1 if name == "increment" else -1
                values.append(sum(first[i] * one_at((i + by) % integers, integers) for i in range(integers)))
            else:
                second = choose(values)
                if name == "write":
                    memory = torch.stack(
                        [(1 - first[i]) * memory[i] + first[i] * second for i in range(integers)]
                    )
                    values.append(one_at(0, integers))
                    continue
                result = torch.zeros(integers, dtype=torch.float64)
                for i in range(integers):
                    for j in range(integers):
                        result[ARITHMETIC[name](i, j) % integers] += first[i] * second[j]
                values.append(result)
        registers = [choose(values) for _ in registers]
        stop = going if step == machine.steps - 1 else going / (1 + (-out[place]).exp())
        going = going - stop
        memories.append(memory)
        stops.append(torch.as_tensor(stop))
    return torch.stack(memories), torch.stack(stops)


ARITHMETIC = {
    "add": lambda i, j: i + j,
    "subtract": lambda i, j: i - j,
    "less": lambda i, j: int(i < j),
    "less_or_equal": lambda i, j: int(i <= j),
    "equal": lambda i, j: int(i == j),
    "min": min,
    "max": max,
}


def one_at(integer: int, integers: int) -> Tensor:
    """Certainty of one integer."""
    vector = torch.zeros(integers, dtype=torch.float64)
    vector[integer] = 1
    return vector
