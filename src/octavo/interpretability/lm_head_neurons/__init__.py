"""Neurons read through the language-model head (arXiv 2501.02688): which tokens does a neuron say?

Each row of a model's up and gate projections, and each column of its down projection, is a vector of the
residual stream, so the head can score it against every token, from the weights alone. `NeuronMap` does that
for a whole model in seconds, with the null that says which readings mean anything; `decode_neuron` for one;
`clamp` holds a neuron while the model writes, and `clamp_effect` measures what that does, beside controls.
"""

from octavo.interpretability.lm_head_neurons.clamping import clamp
from octavo.interpretability.lm_head_neurons.decode import decode_neuron, nearest_neurons
from octavo.interpretability.lm_head_neurons.effects import clamp_effect
from octavo.interpretability.lm_head_neurons.neuron_map import NeuronMap
from octavo.interpretability.lm_head_neurons.reader import HeadReader

__all__ = ["HeadReader", "NeuronMap", "clamp", "clamp_effect", "decode_neuron", "nearest_neurons"]
