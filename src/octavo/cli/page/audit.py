"""`octavo page audit`: whether the order follows from the logs, and what the guard held back."""

from pathlib import Path

from octavo.cli import output
from octavo.cli.parse import call
from octavo.page.store import Store


def main(arguments: list[str]) -> int:
    """Reads the arguments and prints what is found."""
    return call(audit, arguments, "octavo page audit")


def audit(folder: Path | None = None, json: bool = False) -> int:
    """Computes the trending order anew from the logs of votes, views and runs; exit code 1 where it differs.

    Args:
        folder: the page's folder, where that is not the usual one.
        json: print JSON.
    """
    store = Store(folder=folder)
    found = store.votes.audit() | {
        "late_jobs": [job.name for job in store.jobs.late()],
        "mails": store.outbox.states(),
    }
    store.close()
    if json:
        output.print_json(found)
    else:
        wrong = found["wrong_heat"]
        print(
            "The stored order is that of the logs."
            if not wrong
            else f"{len(wrong)} papers have another heat:"
        )
        for each in wrong:
            print(f"  {each['paper']}: stored {each['stored']:.6f}, recomputed {each['recomputed']:.6f}")
        for network, count in found["not_counted"].items():
            print(f"{count} votes of network {network} are held back: too many new voters in an hour")
        for name in found["late_jobs"]:
            print(f"the job {name} is late")
        for state, count in found["mails"].items():
            print(f"{count} mails {state}")
    return 1 if found["wrong_heat"] else 0
