"""Stories as tensors of word numbers."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from octavo.data.stories import Story


def vocabulary(stories: Iterable[Story]) -> dict[str, int]:
    """A number from 1 on for each word; 0 is the padding.

    Args:
        stories: all that will be encoded.
    """
    words = {
        word
        for story in stories
        for words in (*story.sentences, story.question, (story.answer,))
        for word in words
    }
    return {word: number for number, word in enumerate(sorted(words), start=1)}


def encode(stories: Sequence[Story], numbers: dict[str, int], memory: int, words: int) -> dict[str, Tensor]:
    """The newest sentences of each story, its question and its answer, padded with 0.

    Args:
        stories: what is told.
        numbers: of the words.
        memory: sentences that are kept.
        words: places of a sentence.
    """
    told = torch.zeros(len(stories), memory, words, dtype=torch.long)
    asked = torch.zeros(len(stories), words, dtype=torch.long)
    for row, story in enumerate(stories):
        for place, sentence in enumerate(story.sentences[-memory:]):
            told[row, place, : len(sentence)] = torch.tensor([numbers[word] for word in sentence])
        asked[row, : len(story.question)] = torch.tensor([numbers[word] for word in story.question])
    answers = torch.tensor([numbers[story.answer] for story in stories])
    return {"story": told, "question": asked, "answer": answers}
