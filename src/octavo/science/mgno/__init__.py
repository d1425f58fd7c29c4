"""MgNO (arXiv 2310.19809): neural operators whose linear layers are multigrid V-cycles.

`MultigridConv` is a linear operator between fields, learnt as the stencils of one V-cycle; its cost grows as
the number of points, its padding is the boundary condition, and with textbook weights it is a multigrid
solver. `MgNO` stacks such layers and learns the solution map of an equation from examples; `pde` makes the
examples.
"""

from octavo.science.mgno import pde
from octavo.science.mgno.boundary import boundary_padding
from octavo.science.mgno.multigrid import MultigridConv
from octavo.science.mgno.neural_operator import MgNO

__all__ = ["MgNO", "MultigridConv", "boundary_padding", "pde"]
