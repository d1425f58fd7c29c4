"""The same checks for every paper that runs: one row a check, one column a paper.

A paper leaves a row out by naming it in its card, with the reason:

    [opt_outs]
    compile = "the tree search is not a tensor program"

The modules that the rows stand on are those of EXAMPLES in tests/<shelf>/<slug>/furniture.py.
"""

import doctest
import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from octavo import catalogue
from octavo.catalogue import Paper
from octavo.cli import requirements

PAPERS = [paper for paper in catalogue.papers() if paper.runs]
DEMO_SECONDS = 10


def row(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A check of a whole paper."""

    def declare(check: Callable[[Paper], None]) -> Callable[..., None]:
        @pytest.mark.parametrize("paper", PAPERS, ids=[paper.slug for paper in PAPERS])
        @functools.wraps(check)
        def test(paper: Paper, **fixtures: Any) -> None:
            leave_out(paper, name)
            check(paper, **fixtures)

        return test

    return declare


def each_example(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A check of every example module of a paper, all of them before it fails."""

    def declare(check: Callable[..., None]) -> Callable[..., None]:
        @pytest.mark.parametrize("paper", PAPERS, ids=[paper.slug for paper in PAPERS])
        def test(paper: Paper, tmp_path: Path) -> None:
            leave_out(paper, name)
            wrong = []
            for example, make in requirements.examples(paper).items():
                if f"{name}.{example}" in paper.opt_outs:
                    continue
                try:
                    check(functools.partial(build, make), tmp_path / example)
                except Exception as error:
                    wrong.append(f"{example}: {type(error).__name__}: {error}")
            assert not wrong, "\n".join(wrong)

        test.__doc__ = check.__doc__
        return test

    return declare


def leave_out(paper: Paper, name: str) -> None:
    if name in paper.opt_outs:
        pytest.skip(paper.opt_outs[name])


def build(
    make: Callable[[], tuple[nn.Module, dict[str, Any]]], seed: int = 0
) -> tuple[nn.Module, dict[str, Any]]:
    """The example's module in evaluation mode and its inputs, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module, inputs = make()
    return module.eval(), inputs


def numbers(output: Any) -> list[Tensor]:
    """The floating point tensors of an output, however nested."""
    if is_dataclass(output) and not isinstance(output, type):
        output = [getattr(output, field.name) for field in fields(output)]
    return [leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor) and leaf.is_floating_point()]


def assert_close(got: Any, expected: Any, **tolerances: float) -> None:
    for one, other in zip(numbers(got), numbers(expected), strict=True):
        torch.testing.assert_close(one, other, **tolerances)


def assert_finite(output: Any) -> None:
    found = numbers(output)
    assert found, "no floating point tensor among the outputs"
    assert all(tensor.isfinite().all() for tensor in found), "an output is not finite"


def cast(inputs: Any, dtype: torch.dtype) -> Any:
    return tree_map_only(Tensor, lambda x: x.to(dtype) if x.is_floating_point() else x, inputs)


@row("imports_alone")
def test_imports_alone(paper: Paper, tmp_path: Path) -> None:
    """The system is imported in one line: in silence, without the lab, leaving the random state as it was."""
    code = (
        "import sys, torch; before = torch.get_rng_state();"
        f"import {paper.module};"
        "assert torch.equal(before, torch.get_rng_state()), 'a global seed was set';"
        "print(*(name for name in ('octavo.lab', 'octavo.data', 'matplotlib.pyplot') if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout.strip(), done.stderr.strip()) == ("", "")
    assert not list(tmp_path.iterdir())


@row("files")
def test_files(paper: Paper) -> None:
    assert not requirements.files(paper)


@row("written")
def test_nothing_is_left_to_be_written(paper: Paper) -> None:
    assert not requirements.written(paper)


@row("public")
def test_public_names(paper: Paper) -> None:
    assert not requirements.public(paper)


@row("docstrings")
def test_docstrings(paper: Paper) -> None:
    assert not requirements.docstrings(paper)


@row("doctests")
def test_doctests(paper: Paper) -> None:
    """The examples in the docstrings of every module do what they say."""
    finder, tried = doctest.DocTestFinder(), 0
    heard: list[str] = []
    runner_of_examples = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for module in requirements.modules(paper):
        for example in finder.find(module):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                result = runner_of_examples.run(example, out=heard.append)
            tried += result.attempted
    assert tried, "no docstring has an example"
    assert not runner_of_examples.failures, "".join(heard)


@row("readme")
def test_readme(paper: Paper) -> None:
    """The README has its sections, and its code runs."""
    assert not requirements.readme(paper)
    names: dict[str, Any] = {}
    for block in requirements.code_blocks((paper.folder / "README.md").read_text(encoding="utf-8")):
        exec(compile(block, f"{paper.slug}/README.md", "exec"), names)


@row("config")
def test_config(paper: Paper) -> None:
    assert not requirements.config(paper)


@row("changelog")
def test_changelog(paper: Paper) -> None:
    assert not requirements.changelog(paper)


@each_example("forward")
def test_forward_and_gradient(example: Callable[..., tuple[nn.Module, dict[str, Any]]], folder: Path) -> None:
    """Outputs are finite, and every parameter that learns has a finite gradient."""
    module, inputs = example()
    if not any(parameter.requires_grad for parameter in module.parameters()):
        # What learns nothing still hands gradients on.
        inputs = tree_map_only(Tensor, lambda x: x.requires_grad_(x.is_floating_point()), inputs)
    output = module(**inputs)
    assert_finite(output)
    generator = torch.Generator().manual_seed(1)
    # A plain sum would hide every parameter behind a normalisation.
    loss = sum(
        (x * torch.randn(x.shape, generator=generator)).sum() for x in numbers(output) if x.requires_grad
    )
    assert isinstance(loss, Tensor), "no output can be differentiated"
    loss.backward()
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, f"{name} has no gradient"
            assert parameter.grad.isfinite().all(), f"the gradient of {name} is not finite"


@each_example("float64")
def test_float64(example: Callable[..., tuple[nn.Module, dict[str, Any]]], folder: Path) -> None:
    """In float64 it gives what float32 gives, as far as float32 reaches."""
    module, inputs = example()
    expected = module(**inputs)
    got = module.double()(**cast(inputs, torch.float64))
    assert_finite(got)
    assert any(x.dtype == torch.float64 for x in numbers(got)), "no output is in float64"
    assert_close(cast(numbers(got), torch.float32), numbers(expected), atol=1e-4, rtol=1e-3)


@each_example("bfloat16")
def test_bfloat16(example: Callable[..., tuple[nn.Module, dict[str, Any]]], folder: Path) -> None:
    """In bfloat16 it runs and stays finite."""
    module, inputs = example()
    assert_finite(module.bfloat16()(**cast(inputs, torch.bfloat16)))


@each_example("round_trip")
def test_round_trip(example: Callable[..., tuple[nn.Module, dict[str, Any]]], folder: Path) -> None:
    """Through a file and through train and eval, every output bit stays."""
    module, inputs = example()
    expected = module(**inputs)
    folder.mkdir()
    if hasattr(module, "save_pretrained"):
        module.save_pretrained(folder)
        again = type(module).from_pretrained(folder)
    else:
        torch.save(module.state_dict(), folder / "weights.pt")
        again, _ = example(seed=1)
        again.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    assert_close(again.train().eval()(**inputs), expected, atol=0, rtol=0)


@each_example("batch")
def test_batch_elements_are_independent(
    example: Callable[..., tuple[nn.Module, dict[str, Any]]], folder: Path
) -> None:
    """What the first element gives depends on no other, not even on one that is not a number."""
    module, inputs = example()
    size = max((x.shape[0] for x in tree_leaves(inputs) if isinstance(x, Tensor) and x.ndim), default=0)
    assert size >= 2, "the example needs a batch of at least two"

    def batched(x: Tensor) -> bool:
        return x.ndim > 0 and x.shape[0] == size

    def first(output: Any) -> list[Tensor]:
        return [x[:1] for x in numbers(output) if batched(x)]

    def poisoned(x: Tensor) -> Tensor:
        return (
            torch.cat([x[:1], torch.full_like(x[1:], torch.nan)])
            if batched(x) and x.is_floating_point()
            else x
        )

    expected = first(module(**inputs))
    assert expected, "no output has the batch as its first axis"
    alone = numbers(module(**tree_map_only(Tensor, lambda x: x[:1] if batched(x) else x, inputs)))
    assert_close([x for x in alone if x.ndim and x.shape[0] == 1], expected, atol=1e-5, rtol=1e-4)
    try:
        beside_nan = first(module(**tree_map_only(Tensor, poisoned, inputs)))
    except ValueError:
        return  # A system may refuse what is not a number.
    assert_close(beside_nan, expected, atol=1e-5, rtol=1e-4)


@each_example("strides")
def test_strides_do_not_matter(
    example: Callable[..., tuple[nn.Module, dict[str, Any]]], folder: Path
) -> None:
    """Inputs that are not contiguous give the same."""
    module, inputs = example()
    spread = tree_map_only(Tensor, lambda x: torch.stack([x, x], dim=-1)[..., 0], inputs)
    assert_close(module(**spread), module(**inputs), atol=1e-5, rtol=1e-4)


@each_example("compile")
def test_compile(example: Callable[..., tuple[nn.Module, dict[str, Any]]], folder: Path) -> None:
    """torch.compile captures it whole, and gives the same."""
    module, inputs = example()
    torch.compiler.reset()
    # What may break is the capture; generating code would test torch and take a minute.
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    assert_close(compiled(**inputs), module(**inputs), atol=1e-5, rtol=1e-4)


@each_example("seed")
def test_seed_repeats(example: Callable[..., tuple[nn.Module, dict[str, Any]]], folder: Path) -> None:
    """One seed gives one module and one output, and nothing sets the global seed."""
    first_module, first_inputs = example()
    second_module, second_inputs = example()
    before = torch.get_rng_state()
    assert_close(first_module(**first_inputs), second_module(**second_inputs), atol=0, rtol=0)
    assert torch.equal(before, torch.get_rng_state()), (
        "the forward pass in evaluation mode draws random numbers"
    )


@row("demo")
def test_demo(paper: Paper) -> None:
    """The demo has a typed signature, and its defaults give something within ten seconds."""
    assert not requirements.demo(paper)
    demo = import_module(f"{paper.module}.demo").demo
    # Of the processor: what else the machine does is not the demo's fault.
    start = time.process_time()
    result = demo()
    assert time.process_time() - start < DEMO_SECONDS
    assert result is not None


@row("claims")
def test_claims_can_be_read(paper: Paper) -> None:
    assert not requirements.claims(paper)


@row("smoke")
def test_smoke_run_measures_every_claim(paper: Paper, tmp_path: Path) -> None:
    """At smoke scale every part runs, and every claim is judged from what they record."""
    code = (
        "from octavo import catalogue; from octavo.cli import requirements;"
        f"print(*requirements.smoke(catalogue.paper({paper.slug!r})), sep='\\n')"
    )
    # In a process of its own, where shapes are not checked at every call: that takes three times as long.
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OCTAVO_RUNS": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout.strip()
