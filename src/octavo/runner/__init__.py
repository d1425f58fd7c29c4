"""From a paper and a scale to records on disk: units of work, in turn, side by side, or over a cluster.

The unit of work is (paper, part, config, seed), a pure function of its arguments, so it makes no difference
to the records which of these runs it. `lookup` answers from what is on disk and imports no torch.
"""

from octavo.runner.plans import Plan, Unit, config_class, plan, scales
from octavo.runner.running import Interrupted, Outcome, run
from octavo.runner.shelved import lookup

__all__ = ["Interrupted", "Outcome", "Plan", "Unit", "config_class", "lookup", "plan", "run", "scales"]
