"""Instructions with the answers that people wrote."""

import json
from dataclasses import dataclass

from octavo.data.registry import Entry
from octavo.data.text_files import lines
from octavo.errors import OctavoError


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Args:
        instruction: what is asked.
        input: what it is asked of; often empty.
        output: an answer.
    """

    instruction: str
    input: str
    output: str

    def __str__(self) -> str:
        asked = f"Question: {self.instruction}\n" + (f"Given: {self.input}\n" if self.input else "")
        return f"{asked}Answer: {self.output}\n"


def load_instructions(entry: Entry) -> tuple[Instruction, ...]:
    """Read tasks, an object a line, with the first instance of each.

    Raises:
        OctavoError: a line is no such object.
    """
    found = []
    for name in entry.files:
        for number, line in enumerate(lines(entry.files[name]), start=1):
            try:
                task = json.loads(line)
                instance = task["instances"][0]
                fields = (task["instruction"], instance["input"], instance["output"])
            except (ValueError, KeyError, IndexError, TypeError) as error:
                raise OctavoError(f"{entry.files[name]}, line {number}: not a task ({error!r})") from error
            found.append(Instruction(*(str(field).strip() for field in fields)))
    return tuple(found)
