"""The loop: batches, begin, step, log, checkpoint, resume. Knows no method by name."""

import csv
import io
import math
import os
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import torch

from replicate import checkpoint
from replicate.errors import ReplicateError
from replicate.methods.base import Batch, Losses, Method
from replicate.progress import progress, told

LOG = "losses.csv"
CHECKPOINTS = 20  # in a run, at even distances ...
CHECKPOINT_SECONDS = 300.0  # ... and whenever the last one is older than this, or than `pause`
CHECKPOINT_SHARE = 0.01  # of a run's time that writing them may take
SAMPLES = 8  # rows of sample translations in a run


def pause(seconds: float, size: float) -> float:
    """How long no checkpoint is written after one, in s, but for the `CHECKPOINTS` of every run.

    Args:
        seconds: what writing the last one took; at most `CHECKPOINT_SHARE` of the time goes there.
        size: of the last one, bytes; of 1 GB and more so many times `CHECKPOINT_SECONDS`, because
            a disk, and whoever shares it, wears by bytes.
    """
    return max(CHECKPOINT_SECONDS * max(1.0, size / 1e9), seconds / CHECKPOINT_SHARE)


@dataclass
class Training:
    """One run's training, from its first or its latest saved iteration to its last.

    Args:
        method: built after seeding, on its device.
        batches: the batch of an iteration, a pure function of its number.
        folder: of the run; holds `losses.csv` and the checkpoints.
        total: iterations of the whole run.
        identity: hash of what the run is; a checkpoint of another one is refused.
        sample: called with the number of iterations done, to save sample translations.
        label: what the progress line begins with.
    """

    method: Method
    batches: Callable[[int], Batch]
    folder: Path
    total: int
    identity: str
    sample: Callable[[int], None] = lambda done: None
    label: str = ""
    done: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)
    # of the processor, in the same time; NaN where an older checkpoint does not tell
    processor_seconds: float = field(default=0.0, init=False)
    log_offset: int = field(default=0, init=False)
    columns: list[str] = field(default_factory=list, init=False)
    pause: float = field(default=CHECKPOINT_SECONDS, init=False)
    _used: float = field(default=0.0, init=False)  # by this process at the start of that time

    @property
    def device(self) -> torch.device:
        return next(self.method.parameters()).device

    def run(self, until: int | None = None) -> None:
        """Trains until `until` iterations are done (default: all) and saves the last one.

        Raises:
            ReplicateError: a loss is not finite, the disk is full, or the checkpoint belongs to
                another run; the last good checkpoint stays.
        """
        until = self.total if until is None else until
        # Deterministic torch fills memory before it is written, so that reading it too early shows:
        # a tenth of a step at 64 px. No byte made here depends on it.
        torch.utils.deterministic.fill_uninitialized_memory = False
        self._restore()
        batch_size = self.method.config.batch_size
        line = progress(self.label, self.done, self.total, batch_size)
        with self._open_log() as log, line as show:
            since, self._used = time.monotonic(), time.process_time()
            while self.done < until:
                values = self._iterate()
                self._log(log, values)
                show(values)
                late = time.monotonic() - since > self.pause
                if self._due(CHECKPOINTS) or late or self.done == until:
                    self._save(log, time.monotonic() - since)
                    since = time.monotonic()
                if self._due(SAMPLES):
                    self._sample()

    def _due(self, times: int) -> bool:
        return self.done % math.ceil(self.total / times) == 0 or self.done == self.total

    def _iterate(self) -> dict[str, float | None]:
        self.method.train()
        epochs = self.method.config.epochs
        self.method.begin(self.done, self.total / epochs)
        with self.autocast():
            losses = self.method.step(self.batches(self.done))
        values = _values(losses)
        for name, value in values.items():
            if value is not None and not math.isfinite(value):
                raise ReplicateError(self._not_finite(name, value))
        self.done += 1
        return values

    def autocast(self) -> torch.autocast:
        """bfloat16 convolutions where the configuration says so."""
        enabled = self.method.config.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def _not_finite(self, name: str, value: float) -> str:
        saved = checkpoint.generations(self.folder)
        kept = checkpoint.iteration_of(saved[0]) if saved else "none"
        rates = {g["lr"] for o in self.method.optimizers.values() for g in o.param_groups}
        return (
            f"loss {name} is {value} at iteration {self.done + 1} (lr {max(rates, default=0):.2e}, "
            f"{self.method.config.precision}); last finite checkpoint: {kept}, kept. Lower the "
            "learning rate or set precision=fp32; a new configuration is a new run"
        )

    def _restore(self) -> None:
        # to the CPU: Adam's step counts stay where they are loaded, on a GPU each would be a sync
        state = checkpoint.load(self.folder, torch.device("cpu"))
        if state is None:
            told(f"{self.label or self.folder}: no checkpoint, starting at iteration 0")
            self.method.setup(map(self.batches, count()))
            self._save(None, 0.0)
            return
        if state["identity"] != self.identity:
            raise ReplicateError(
                f"{self.folder} holds the checkpoint of run {state['identity']}, expected "
                f"{self.identity}: the folder was copied or renamed; move it away and run again"
            )
        self.method.load_state_dict(state["method"])
        for name, optimizer in self.method.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        torch.set_rng_state(state["rng"]["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["rng"]["cuda"], self.device)
        self.done, self.log_offset = state["iteration"], state["log_offset"]
        self.columns, self.seconds = state["columns"], state["seconds"]
        self.processor_seconds = state.get("processor_seconds", math.nan)
        if self.done < self.total:
            told(f"resuming {self.folder} at iteration {self.done}")

    def _save(self, log: io.FileIO | None, seconds: float) -> None:
        self.seconds += seconds
        if log is not None:
            self.processor_seconds += time.process_time() - self._used
            os.fsync(log.fileno())
        rng = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            rng["cuda"] = torch.cuda.get_rng_state(self.device)
        state = {
            "method": self.method.state_dict(),
            "optimizers": {n: o.state_dict() for n, o in self.method.optimizers.items()},
            "rng": rng,
            "iteration": self.done,
            "log_offset": self.log_offset,
            "columns": self.columns,
            "seconds": self.seconds,
            "processor_seconds": self.processor_seconds,
            "identity": self.identity,
            "threads": torch.get_num_threads(),
        }
        start = time.monotonic()
        saved = checkpoint.save(self.folder, state, self.done)
        self.pause = pause(time.monotonic() - start, saved.stat().st_size)
        self._used = time.process_time()

    @contextmanager
    def _open_log(self):
        """The log, cut back to the checkpoint's last row: no iteration stands there twice."""
        path = self.folder / LOG
        path.touch()
        if path.stat().st_size < self.log_offset:
            raise ReplicateError(
                f"{path} has {path.stat().st_size} bytes, the checkpoint expects at least "
                f"{self.log_offset}: the log was altered; move the run folder away and run again"
            )
        os.truncate(path, self.log_offset)
        with path.open("ab", buffering=0) as file:
            yield file

    def _log(self, log: io.FileIO, values: dict[str, float | None]) -> None:
        if not self.columns:
            self.columns = list(values)
            self._write(log, ["iteration", *self.columns])
        if list(values) != self.columns:
            raise ReplicateError(
                f"{self.method.name}.step gave the losses {list(values)}, at first {self.columns}; "
                "a step must name all its losses every time, with None for those not computed"
            )
        row = ["" if v is None else f"{v:.6g}" for v in values.values()]
        self._write(log, [str(self.done), *row])

    def _write(self, log: io.FileIO, row: Iterable[str]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        self.log_offset += log.write(line.getvalue().encode())

    def _sample(self) -> None:
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.no_grad(), self.autocast():
            self.method.eval()
            self.sample(self.done)


def _values(losses: Losses) -> dict[str, float | None]:
    """All losses as numbers, with one transfer from the device."""
    present = {k: v for k, v in losses.items() if v is not None}
    numbers = torch.stack([v.detach().float().reshape(()) for v in present.values()]).tolist()
    return dict.fromkeys(losses) | dict(zip(present, numbers, strict=True))
