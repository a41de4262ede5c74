"""A training that, asked to stop, saves where it is before it does: preemption costs no work."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from replicate import checkpoint
from replicate.errors import ReplicateError
from replicate.training import LOG, Training

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(ReplicateError):
    """The training was asked to stop, and did after a checkpoint."""


@dataclass
class Stoppable(Training):
    """A training that ends at the next iteration after `asked` was set, with a checkpoint.

    The checkpoint is one of those that the loop itself writes, at another iteration, so that what
    goes on from it ends with the same bytes.
    """

    asked: int = field(default=0, init=False)  # the signal's number
    diverged: bool = field(default=False, init=False)
    _since: float = field(default=0.0, init=False)

    def _restore(self) -> None:
        super()._restore()
        self._since = time.monotonic()

    def _save(self, log, seconds: float) -> None:
        super()._save(log, seconds)
        self._since = time.monotonic()

    def _iterate(self) -> dict[str, float | None]:
        if self.asked:
            self._stop()
        return super()._iterate()

    def _not_finite(self, name: str, value: float) -> str:
        self.diverged = True
        return super()._not_finite(name, value)

    def _stop(self) -> None:
        saved = checkpoint.generations(self.folder)
        if not saved or checkpoint.iteration_of(saved[0]) != self.done:
            with (self.folder / LOG).open("rb") as log:  # any handle of the file syncs it
                self._save(log, time.monotonic() - self._since)
        name = signal.Signals(self.asked).name
        raise Stopped(
            f"stopped by {name} at iteration {self.done} of {self.total}, which is saved; ask for "
            "the run again, it goes on there"
        )


@contextmanager
def stopping(loop: Stoppable) -> Iterator[None]:
    """SIGTERM and SIGINT ask the loop to stop; a second SIGINT ends the process as it always did.

    A second SIGTERM does not: Slurm sends one to every process of a job, and whoever started this
    one passes his on. One that came too late for the loop is delivered at the end. Elsewhere than
    in the main thread Python has no signals, and nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def ask(number: int, frame: object) -> None:
        loop.asked = number
        if number == signal.SIGINT:
            signal.signal(number, before[number])

    for number in SIGNALS:
        signal.signal(number, ask)
    stopped = False
    try:
        yield
    except Stopped:
        stopped = True
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if loop.asked and not stopped:
            os.kill(os.getpid(), loop.asked)
