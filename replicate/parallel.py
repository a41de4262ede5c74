"""Work on many items by all cores, with the results in the order of the items."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T, R = TypeVar("T"), TypeVar("R")
AHEAD = 4  # items a core that may wait for those before them: bounds the memory


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def repeating(function: Callable[[], object], pause: float) -> Iterator[None]:
    """Inside, calls a function every `pause` seconds in a thread, which ends with the block."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(pause):
            function()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def in_order(
    function: Callable[[T], R], items: Iterable[T], workers: int | None = None
) -> Iterator[R]:
    """What `function` gives for each item, in the order of the items.

    Threads do, because reading, hashing, decoding and resampling of images release Python's lock.
    Few results are held at a time, so memory does not grow with the number of items.

    Args:
        function: called in another thread; an error of its comes out in the item's turn.
        items: taken one by one, a few ahead.
        workers: threads, >= 1; None: one a core.
    """
    workers = workers or cores()
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # after an error, or where nobody asks for the rest
            for left in waiting:
                left.cancel()
