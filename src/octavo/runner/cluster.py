"""Units over a Ray cluster: done anywhere, and their records written here."""

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

from octavo.errors import Missing, OctavoError
from octavo.lab.folder import Run
from octavo.runner.display import Display
from octavo.runner.execution import Collected, Ended, Settings, ended_line, execute, thread_environment
from octavo.runner.plans import Unit

CARRIED = ("OCTAVO_PAPERS", "OCTAVO_DATA", "HF_HOME", "HF_HUB_OFFLINE")
"""What a worker elsewhere needs to know of this process's environment."""


def on_cluster(
    address: str, units: Sequence[Unit], settings: Settings, run: Run, display: Display, limit: float | None
) -> Iterator[tuple[Unit, Ended]]:
    """Do all units on a cluster, and tell of each as it ends; those that measure time one by one, at the end.

    Args:
        address: of a running cluster, or "local" to start one on this machine.

    Raises:
        Missing: Ray is not installed.
        OctavoError: the cluster cannot be reached, or a time limit was given.
    """
    if limit is not None:
        raise OctavoError("A time limit for units is not kept on a Ray cluster; leave one of the two away.")
    ray = _connect(address, settings.threads)
    try:
        task = ray.remote(
            num_cpus=settings.threads, num_gpus=1 if units[0].device == "cuda" else 0, max_retries=2
        )(_execute_elsewhere)
        ordinary = [unit for unit in units if not unit.timed]
        batches = [ordinary, *([unit] for unit in units if unit.timed)]
        for batch in batches:
            waiting = {task.remote(unit, settings): unit for unit in batch}
            for unit in batch:
                display.started(unit)
            while waiting:
                ready, _ = ray.wait(list(waiting), timeout=0.5)
                for reference in ready:
                    unit = waiting.pop(reference)
                    yield unit, _fetch(ray, reference, unit, run)
                display.tick()
    finally:
        ray.shutdown()


def _fetch(ray: Any, reference: Any, unit: Unit, run: Run) -> Ended:
    try:
        end, collected = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Ended(ended_line(unit, "failed", why=f"its worker on the cluster was lost: {error}"))
    collected.hand_over(run)
    return end


def _execute_elsewhere(unit: Unit, settings: Settings) -> tuple[Ended, Collected]:
    collected = Collected()
    return execute(unit, collected, settings), collected


def _connect(address: str, threads: int) -> Any:
    try:
        import ray
    except ImportError as error:
        raise Missing("ray", "Install it with: pip install 'octavo[cluster]'") from error
    environment = {name: os.environ[name] for name in CARRIED if name in os.environ}
    # Reports to the maker of Ray are nobody's wish, and its own progress lines would break the display.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(
            address=None if address == "local" else address,
            runtime_env={"env_vars": environment | thread_environment(threads)},
            include_dashboard=False if address == "local" else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:
        raise OctavoError(
            f"No Ray cluster answers at {address!r}: {error}. Start one (ray start --head) or give local."
        ) from error
    return ray
