"""Stories: the bAbI format, and a generated world whose answers follow from what is told."""

from pathlib import Path

import pytest

from octavo import data
from octavo.data.stories import Story, encode, read_babi, vocabulary
from octavo.errors import OctavoError

BABI = """1 Mary moved to the bathroom.
2 John went to the hallway.
3 Where is Mary? \tbathroom\t1
4 Daniel went back to the hallway.
5 Where is Daniel? \tHallway\t4
1 Sandra journeyed to the garden.
2 Where is Sandra?\tgarden\t1
"""


def test_babi_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "qa1.txt").write_text(BABI)
    first, second, third = read_babi(tmp_path / "qa1.txt")
    assert first == Story(
        (("mary", "moved", "to", "the", "bathroom"), ("john", "went", "to", "the", "hallway")),
        ("where", "is", "mary"),
        "bathroom",
        (0,),
    )
    assert (second.answer, second.facts, len(second.sentences)) == ("hallway", (2,), 3)
    assert third.sentences == (("sandra", "journeyed", "to", "the", "garden"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Mary moved.\n", "begins with its number"),
        ("1 Where?\t\t1\n", "without an answer"),
        ("", "no question"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "qa1.txt").write_text(text)
    with pytest.raises(OctavoError, match=message):
        read_babi(tmp_path / "qa1.txt")


def simulated(story: Story) -> str:
    """The answer, by playing the story through."""
    places: dict[str, str] = {}
    held: dict[str, str] = {}
    been: dict[str, list[str]] = {}

    def note(thing: str, room: str) -> None:
        trail = been.setdefault(thing, [])
        if not trail or trail[-1] != room:
            trail.append(room)

    for actor, verb, *rest in story.sentences:
        if verb == "went":
            places[actor] = rest[-1]
            for thing, holder in held.items():
                if holder == actor:
                    note(thing, rest[-1])
        elif verb == "took":
            held[rest[-1]] = actor
            note(rest[-1], places[actor])
        else:
            assert held.pop(rest[-1]) == actor
    question = story.question
    if "before" in question:
        trail = been[question[3]]
        return trail[trail.index(question[-1]) - 1]
    return places[question[-1]] if len(question) == 3 else been[question[-1]][-1]


@pytest.mark.parametrize("task", [1, 2, 3])
def test_generated_answers_follow_from_the_story(task: int) -> None:
    found = data.load("bAbI-style", task=task, train=150, test=50)
    for story in (*found.train, *found.test):
        assert simulated(story) == story.answer
        assert 1 <= len(story.facts) <= task + 1
        assert all(0 <= fact < len(story.sentences) for fact in story.facts)
    assert max(len(story.facts) for story in found.train) >= task


def test_the_seed_tells_the_stories() -> None:
    first, again, other = (data.load("bAbI-style", task=2, train=5, test=1, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    with pytest.raises(OctavoError, match="task=4"):
        data.load("bAbI-style", task=4)


def test_stories_are_padded_behind_and_cut_before() -> None:
    found = data.load("bAbI-style", task=2, train=5, test=1)
    numbers = vocabulary(found.train + found.test)
    encoded = encode(found.train, numbers, memory=4, words=7)
    words = dict(zip(numbers.values(), numbers, strict=True))
    for row, story in enumerate(found.train):
        told = [
            tuple(words[word] for word in sentence.tolist() if word) for sentence in encoded["story"][row]
        ]
        assert told == list(story.sentences[-4:])
        assert words[encoded["answer"][row].item()] == story.answer
