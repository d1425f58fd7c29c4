"""Type a word, see the neurons that say it, and talk to the model with one of them held."""

from typing import Any, Literal

from octavo import data
from octavo.interpretability.lm_head_neurons import figures
from octavo.interpretability.lm_head_neurons.answers import ask
from octavo.interpretability.lm_head_neurons.clamping import clamp
from octavo.interpretability.lm_head_neurons.decode import decode_neuron, nearest_neurons
from octavo.interpretability.lm_head_neurons.stand_in import stand_in
from octavo.lab import house_style


def demo(
    word: str = "dog",
    held_at: float = 20.0,
    at: Literal["up", "gate", "hidden"] = "up",
    question: str = "What is your favourite animal?",
    neurons: int = 8,
    new_tokens: int = 16,
    model: Literal["smollm2", "stand_in"] = "smollm2",
) -> dict[str, Any]:
    """Looks a word up among all neurons of a language model, and asks a question with the first one clamped.

    Args:
        word: a common word; most are one token with a space before them.
        held_at: the value that the neuron is held at; beyond 40 the language falls apart.
        at: its up-projection as in the paper, its gate, or its hidden value.
        question: for the chat.
        neurons: how many are listed.
        new_tokens: how long the answers are.
        model: SmolLM2, or a random stand-in that needs no download and says nothing sensible.
    """
    if model == "smollm2":
        loaded = data.load("smollm2")
        network, tokenizer = loaded.model, loaded.tokenizer
    else:
        network, tokenizer = stand_in()
    token = f" {word.strip()}"
    near = nearest_neurons(network, tokenizer, token, neurons)
    own = next((each for each in near if not each.decoy), None)
    said = None if own is None else decode_neuron(network, tokenizer, own.layer, own.neuron)
    chat = {"as it is": ask(network, tokenizer, [question], new_tokens=new_tokens)[0][0]}
    if own is not None:
        with clamp(network, {(own.layer, own.neuron): held_at}, at=at):
            held = ask(network, tokenizer, [question], new_tokens=new_tokens)[0][0]
        chat[f"neuron {own.neuron} of layer {own.layer}, {at} = {held_at:g}"] = held
    listed = [(f"layer {each.layer}, {each.neuron}", each.score, each.decoy) for each in near]
    with house_style():
        drawn = figures.found_and_chat(
            said, listed, word, {f"{question}   ({k})": v for k, v in chat.items()}
        )
    lines = ["", "  layer neuron  cosine       z   louder tokens"]
    for each in near:
        mark = "  decoy" if each.decoy else ""
        lines.append(
            f"  {each.layer:>5} {each.neuron:>6} {each.score:>+7.2f} {each.z:>+7.1f} {each.rank:>15,}{mark}"
        )
    return {
        "text": "\n".join([*lines, "", "" if said is None else str(said)]),
        **{f"answer {name}": text for name, text in chat.items()},
        "figure": drawn,
    }
