"""A run's log and samples as TensorBoard shows them, written while the run trains."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replicate.errors import ReplicateError
from replicate.images import read
from replicate.parallel import repeating
from replicate.records import LOG

FOLDER = "tensorboard"  # in the run's folder
PAUSE = 5.0  # s between two looks at the log


@contextmanager
def tensorboard(folder: Path) -> Iterator[None]:
    """Inside, what comes into a run's log and samples is written for TensorBoard, too.

    It reads the files that the run writes and touches nothing of the training; what a finished run
    has is written whole.

    Raises:
        ReplicateError: the package is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ReplicateError(
            "TensorBoard is not installed; pip install 'replicate-i2i[tensorboard]'"
        ) from None
    writer = SummaryWriter(folder / FOLDER)
    follower = _Follower(folder, writer)
    try:
        with repeating(follower.look, PAUSE):
            yield
    finally:
        follower.look()
        writer.close()


class _Follower:
    """Hands rows and pictures on, each once."""

    def __init__(self, folder: Path, writer: object) -> None:
        self.folder, self.writer = folder, writer
        self.step = 0  # the last iteration that was handed on
        self.shown: set[str] = set()

    def look(self) -> None:
        """Hands on what came since the last look."""
        log = self.folder / LOG
        text = log.read_text("utf-8") if log.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a row may be half written
        for row in csv.DictReader(whole.splitlines()):
            step = int(row.pop("iteration"))
            if step <= self.step:
                continue
            for name, value in row.items():
                if value:
                    self.writer.add_scalar(f"losses/{name}", float(value), step)
            self.step = step
        for file in sorted((self.folder / "samples").glob("*.png")):
            step, _, what = file.stem.partition("-")
            if file.name not in self.shown and step.isdecimal():
                self.writer.add_image(what, read(file), int(step), dataformats="HWC")
                self.shown.add(file.name)
        self.writer.flush()
