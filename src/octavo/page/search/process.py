"""An encoder in a process of its own, so that the page answers while a query is encoded.

In one process a query of ten milliseconds takes many times that under load: each of the encoder's hundred
small steps gives the interpreter away and waits to have it back.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

import numpy as np

from octavo.errors import OctavoError
from octavo.page.search.encoders import FULL, Encoder, EncoderLost, MiniLM, QuickMiniLM
from octavo.page.search.vectors import DIM, FloatArray

AT_ONCE = 8
"""Texts of a long job that are encoded between two looks for a query that waits."""


class EncoderProcess:
    """Encodes in another process; a query goes before the texts of a job.

    Args:
        make: makes the encoder, in that process; a function or class of a module.

    Raises:
        OctavoError: the encoder cannot be made.
    """

    tier = FULL

    def __init__(self, make: Callable[[], Encoder] = MiniLM) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, make), daemon=True, name="encoder")
        self._process.start()
        there.close()
        self._turn = threading.Lock()
        self._waiting: set[int] = set()
        try:
            self._here.recv()
        except EOFError:
            raise OctavoError("The encoder's process ended as it started; its error stands above.") from None

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, 384) vectors of n texts.

        Raises:
            EncoderLost: the process is gone.
        """
        if len(texts) == 1:
            self._waiting.add(threading.get_ident())
            try:
                return self._encoded(texts)
            finally:
                self._waiting.discard(threading.get_ident())
        parts = []
        for start in range(0, len(texts), AT_ONCE):
            while self._waiting:
                time.sleep(0.001)
            parts.append(self._encoded(texts[start : start + AT_ONCE]))
        return np.concatenate(parts) if parts else np.zeros((0, DIM), np.float32)

    def _encoded(self, texts: Sequence[str]) -> FloatArray:
        with self._turn:
            try:
                self._here.send(list(texts))
                found = self._here.recv()
            except (EOFError, OSError):
                raise EncoderLost from None
        if isinstance(found, Exception):
            raise found
        vectors: FloatArray = found
        return vectors

    def close(self) -> None:
        """Ends the process."""
        self._here.close()
        self._process.join(5)
        self._process.terminate()


def _serve(pipe: Connection, make: Callable[[], Encoder]) -> None:
    import signal

    # Ctrl-C is for the page; this process ends when the page closes its end of the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    encoder = make()
    pipe.send("ready")
    while True:
        try:
            texts = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            pipe.send(encoder.encode(texts))
        except Exception as error:
            pipe.send(OctavoError(f"{type(error).__name__}: {error}"))


def beside() -> EncoderProcess:
    """MiniLM in a process of its own."""
    return EncoderProcess(one_thread)


def one_thread() -> Encoder:
    """MiniLM on one thread: a query is short, and the other processors have readers to answer."""
    import torch

    torch.set_num_threads(1)
    return QuickMiniLM()
