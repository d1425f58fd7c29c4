"""Every claim of the abstract, measured: restarts with noise and without, in the modules of `parts`."""

# The longest first, so that two processes end together: parts are run in the order of import.
# isort: off
from octavo.learning.gradient_noise.parts.deep import zero_init, good_init
from octavo.learning.gradient_noise.parts.sums import sums
from octavo.learning.gradient_noise.parts.stories import stories
from octavo.learning.gradient_noise.parts.programs import programs
from octavo.learning.gradient_noise.parts.deep import simple_init
from octavo.learning.gradient_noise.parts.programs import text_programs
from octavo.learning.gradient_noise.parts.sentiment import sentiment
from octavo.learning.gradient_noise.parts.machines import machines
from octavo.learning.gradient_noise.parts.overhead import deep_step, language_model_step
from octavo.learning.gradient_noise.parts.plots import deep_network, hard_models, restart_histogram, take_off
from octavo.learning.gradient_noise.scales import SCALES, Config

__all__ = [
    "SCALES",
    "Config",
    "deep_network",
    "deep_step",
    "good_init",
    "hard_models",
    "language_model_step",
    "machines",
    "programs",
    "restart_histogram",
    "sentiment",
    "simple_init",
    "stories",
    "sums",
    "take_off",
    "text_programs",
    "zero_init",
]
