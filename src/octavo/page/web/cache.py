"""Pieces of pages that are the same for everybody, kept for seconds and until something changes."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

KEPT = 2_000
SECONDS = 10.0


class Cache:
    """Values by key, for `SECONDS` and until `changed`; whoever comes while one is made waits for it.

    Another process that serves the same store sees a change after `SECONDS` at most.

    Example:
        >>> cache = Cache()
        >>> cache.get("key", lambda: 1), cache.get("key", lambda: 2)
        (1, 1)
        >>> cache.changed()
        >>> cache.get("key", lambda: 2)
        2
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[int, float, Any]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self._generation = 0

    def changed(self) -> None:
        """Nothing that was kept holds any longer."""
        self._generation += 1

    def peek(self, key: Hashable) -> Any:
        """What is kept and still holds; None where nothing is."""
        kept = self._kept.get(key)
        if kept is None or kept[0] != self._generation or self._clock() - kept[1] > SECONDS:
            return None
        return kept[2]

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is kept, or what `make` gives, which is kept."""
        if (value := self.peek(key)) is not None:
            return value
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if (value := self.peek(key)) is not None:
                return value
            generation = self._generation
            value = make()
            with self._lock:
                self._kept[key] = (generation, self._clock(), value)
                self._kept.move_to_end(key)
                self._making.pop(key, None)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return value
