"""The systems MgNO is compared with do what their names say."""

import torch

from octavo.science.mgno.baselines import ConvStack, DenseMatrix, SpectralConv, UNet, real_parameters


def test_a_spectral_layer_is_linear_and_moves_with_its_input() -> None:
    torch.manual_seed(0)
    layer, f = SpectralConv(2, 3, modes=3), torch.randn(1, 2, 12, 12)
    torch.testing.assert_close(layer(2 * f), 2 * layer(f), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(layer(f.roll(1, 2)), layer(f).roll(1, 2), atol=1e-5, rtol=1e-4)


def test_padding_breaks_the_period() -> None:
    torch.manual_seed(0)
    layer, f = SpectralConv(1, 1, modes=3, padding=0.5), torch.randn(1, 1, 12, 12)
    assert (layer(f.roll(1, 2)) - layer(f).roll(1, 2)).abs().max() > 1e-3


def test_linear_stacks_are_linear() -> None:
    f = torch.randn(2, 1, 8, 8)
    for layer in (ConvStack(width=3, depth=3), DenseMatrix(64), DenseMatrix(64, rank=2)):
        torch.testing.assert_close(layer(3 * f), 3 * layer(f), atol=1e-5, rtol=1e-4)


def test_a_complex_parameter_counts_as_two() -> None:
    assert real_parameters(SpectralConv(1, 1, modes=4)) == 2 * 2 * 4 * 4 + 1


def test_a_unet_serves_odd_grids() -> None:
    assert UNet(1, 2, width=4, levels=4)(torch.randn(1, 1, 33, 31)).shape == (1, 2, 33, 31)
