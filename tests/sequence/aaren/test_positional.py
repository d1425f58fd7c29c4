import math

import torch

from octavo.sequence.aaren.positional import SinusoidalPositions


def test_it_is_the_formula() -> None:
    encoding = SinusoidalPositions(6)(torch.tensor([0.0, 2.5, 1000.0]))
    for row, position in enumerate((0.0, 2.5, 1000.0)):
        for column in range(6):
            angle = position * 10_000 ** (-(column // 2) / 3)
            expected = math.sin(angle) if column % 2 == 0 else math.cos(angle)
            assert math.isclose(encoding[row, column], expected, abs_tol=1e-3)


def test_odd_sizes_and_late_positions_in_half_precision() -> None:
    encoding = SinusoidalPositions(5).half()
    late = encoding(torch.tensor([100_000, 100_001]))
    assert late.shape == (2, 5)
    assert not torch.allclose(late[0], late[1], atol=1e-2)
