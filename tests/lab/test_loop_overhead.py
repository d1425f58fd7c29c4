import importlib.util
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "lab" / "loop.py"


def test_the_loop_costs_little_beside_one_written_by_hand() -> None:
    specification = importlib.util.spec_from_file_location("loop_benchmark", BENCHMARK)
    assert specification is not None
    assert specification.loader is not None
    benchmark = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(benchmark)
    benchmark.STEPS = 128
    theirs, ours = benchmark.measure(rounds=9)
    # A quiet machine shows a few percent; the bound only catches a loop that became slow.
    assert ours < 1.35 * theirs
