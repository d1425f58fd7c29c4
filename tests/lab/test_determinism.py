import pytest
import torch

from octavo.lab.determinism import deterministic, levels, settings


def test_a_gpu_is_exact_only_inside() -> None:
    assert levels("cpu") == "D1+D2+D3"
    assert levels("cuda") == "D2+D3"
    with deterministic():
        assert levels("cuda") == "D1+D2+D3"
        assert settings()["deterministic_algorithms"]
    assert levels("cuda") == "D2+D3"


def test_what_was_set_before_is_set_after_an_error() -> None:
    with pytest.raises(RuntimeError), deterministic():
        raise RuntimeError
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_settings_name_the_threads() -> None:
    assert settings()["threads"] == torch.get_num_threads()
