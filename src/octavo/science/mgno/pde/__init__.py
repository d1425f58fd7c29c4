"""Equations with known solutions: solvers, random coefficients, and the errors that operators are judged by.

Every function is deterministic in its seed, runs on the CPU in float64, and gives float32 tensors
``(n, channels, *grid)``. The solvers' orders of convergence are held by tests.
"""

from octavo.science.mgno.pde.darcy import DARCY_VERSION, darcy, darcy_matrix, solve_darcy
from octavo.science.mgno.pde.errors import relative_h1, relative_l2
from octavo.science.mgno.pde.fields import gaussian_field, rough_field
from octavo.science.mgno.pde.helmholtz import helmholtz, solve_helmholtz
from octavo.science.mgno.pde.navier_stokes import navier_stokes, solve_navier_stokes
from octavo.science.mgno.pde.poisson import Condition, poisson, solve_poisson
from octavo.science.mgno.pde.semilinear import semilinear, solve_semilinear

__all__ = [
    "DARCY_VERSION",
    "Condition",
    "darcy",
    "darcy_matrix",
    "gaussian_field",
    "helmholtz",
    "navier_stokes",
    "poisson",
    "relative_h1",
    "relative_l2",
    "rough_field",
    "semilinear",
    "solve_darcy",
    "solve_helmholtz",
    "solve_navier_stokes",
    "solve_poisson",
    "solve_semilinear",
]
