"""What a preflight does, in a process of its own: real steps, a checkpoint, a real evaluation.

A process of its own, because the peak of its memory is then that of a run. It reads one JSON object
from its argument and answers with one on the last line of its output.
"""

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from replicate import checkpoint, devices, evaluation, paths, repro, sentences
from replicate.datasets import captions, packed
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import Spec, spec
from replicate.errors import ReplicateError
from replicate.lab import equipment, memory, streams
from replicate.lab.budget_grid import iterations, missing
from replicate.lab.run import Run, check_labels, check_set, make_run
from replicate.methods import METHODS
from replicate.methods.base import Config, Method
from replicate.training import Training

TURNS = ("n_critic", "d_every", "d_iter")  # fields of methods: iterations until all have moved
MADE_UP_EPOCH = 1000  # iterations, where nobody knows how many images the set has
MB = 1e6
MORE = "measure on a GPU (`--device cuda`), or on a machine with more"


class Timed(Training):
    """The loop itself, with the seconds of each step and of the last checkpoint."""

    def run(self, until: int | None = None) -> None:
        self.steps: list[float] = []
        self.processor: list[float] = []
        self.saving = 0.0
        super().run(until)

    def _iterate(self) -> dict[str, float | None]:
        start, processor = time.perf_counter(), time.process_time()
        values = super()._iterate()  # numbers, so a GPU has finished
        self.steps.append(time.perf_counter() - start)
        self.processor.append(time.process_time() - processor)
        return values

    def _save(self, log, seconds: float) -> None:
        start = time.perf_counter()
        super()._save(log, seconds)
        self.saving = time.perf_counter() - start


def rehearse(run: Run, device: torch.device, steps: int, images: int) -> dict:
    """What a run takes, measured in a temporary folder; the first step warms up and is not timed.

    Args:
        steps: iterations at least; a method whose networks move in turns of n gets 1 + n.
        images: of each domain that are translated and scored.

    Raises:
        ReplicateError: the set is not for this method, or a loss is not finite.
    """
    check_set(run, spec(run.dataset))
    repro.prepare(run.seed, run.threads)
    repro.use_tf32(run.config.precision == "tf32")
    before, method = _used_mb(device), METHODS[run.method]
    sets, made_up = _images(run, images)
    if not made_up:
        check_labels(run, sets["train"])
    total = iterations(run) or run.config.epochs * MADE_UP_EPOCH
    paths.results().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.results(), prefix=".preflight-") as name:
        c = run.config
        made = method(c if made_up else streams.sized(run)).to(device)
        train = equipment.equip(made, sets["train"], published=False)
        batches = streams.over(run, train, device)
        loop = Timed(made, batches, Path(name), total, run.hash, label=f"preflight of {run.title}")
        loop.run(min(total, _steps(run.config, steps)))
        newest = checkpoint.generations(Path(name))[0].stat().st_size
        start = time.perf_counter()
        _evaluate(made, sets, Path(name) / "outputs")
        seconds = time.perf_counter() - start
        written = sum(f.stat().st_size for f in (Path(name) / "outputs").rglob("*.png"))
    per_step, after, host = _mean_but_first(loop.steps), _used_mb(device), _host_mb()
    return {
        "steps": len(loop.steps),
        "seconds_per_step": per_step,
        "processor_seconds_per_step": _mean_but_first(loop.processor),
        "images_per_second": c.batch_size / per_step,
        "evaluation_images_per_second": len(made.directions) * images / seconds,
        "peak_memory_mb": repro.peak_memory_mb(device) if device.type == "cuda" else host,
        "host_memory_mb": host,
        "nvidia_smi_mb": None if None in (before, after) else after - before,
        "checkpoint_mb": newest / MB,
        "checkpoint_seconds": loop.saving,
        "png_mb": written / MB / (len(made.directions) * images),
        "made_up": made_up,
        "threads": torch.get_num_threads(),
        "device_name": devices.model(device),
        "host": platform.node(),
    }


def _mean_but_first(seconds: list[float]) -> float:
    durations = seconds[1:] or seconds
    return sum(durations) / len(durations)


def _steps(config: Config, minimum: int) -> int:
    """At least `minimum`, and after the first one whole turns of all networks."""
    turn = max(getattr(config, field, 1) for field in TURNS)
    return 1 + turn * max(1, -(-(minimum - 1) // turn))


def _evaluate(method: Method, sets: dict[str, ImageSet], folder: Path) -> None:
    """Translates, writes and scores every test image in both directions, without Inception."""
    test, train = sets["test"], sets["floor"]
    for direction in method.directions:
        outputs = evaluation.translate_split(method, sentences.sources(method, test), direction)
        names = [f"{i}.png" for i in range(len(outputs.images))]
        evaluation.write_outputs(outputs, names, folder / direction)
        evaluation.score_direction(
            outputs,
            direction,
            sentences.compared(method, test),
            train,
            method.attention_cell,
            None,
            offline=True,
        )


def _images(run: Run, n: int) -> tuple[dict[str, ImageSet], bool]:
    """The training images, `n` test images and as many for the floor; whether they are made up."""
    entry, c = spec(run.dataset), run.config
    if missing(entry):
        sizes = {"train": c.load_size, "test": c.scored_size, "floor": c.scored_size}
        return {split: made_up_images(entry, c, split, sizes[split], n) for split in sizes}, True
    few = {
        "test": packed.load(run.dataset, "test", c.scored_size),
        "floor": packed.load(run.dataset, "train", c.scored_size),
    }
    cut = {
        name: replace(s, arrays={k: a[:n] for k, a in s.arrays.items()}) for name, s in few.items()
    }
    return {"train": streams.training_set(run), **cut}, False


def made_up_images(entry: Spec, config: Config, split: str, size: int, n: int) -> ImageSet:
    """`n` images of coarse noise of each domain, with what a method may need of them: labels, masks
    and captions.

    Args:
        entry: of the set that they stand for; gives the domains, and whether they are paired.
        config: of the method; its number of classes or attributes decides the labels.
        size: side, px.
    """
    rng = np.random.default_rng(len(split))
    arrays: dict[str, np.ndarray] = {}
    for X in "AB":
        noise = rng.integers(0, 256, (n, -(-size // 8), -(-size // 8), 3), np.uint8)
        arrays[X] = noise.repeat(8, axis=1).repeat(8, axis=2)[:, :size, :size]
        if split == "train":  # in a test split they would stand for a truth
            arrays[f"{X}_mask"] = np.ones((n, size, size), np.uint8)
            arrays[f"{X}_caption"] = captions.encode([f"image {i} of {X}" for i in range(n)])
        if labels := getattr(config, "c_dim", None) or getattr(config, "n_classes", None):
            arrays[f"{X}_label"] = np.arange(n) % labels
            if getattr(config, "attributes", False):
                arrays[f"{X}_label"] = rng.integers(0, 2, (n, labels))
    return ImageSet(entry.name, split, size, entry.domains, entry.paired, arrays, {}, {})


def _host_mb() -> float:
    """The peak of this process's memory; Linux's `ru_maxrss` may hold that of its parent."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / MB
    except (OSError, StopIteration):
        return repro.peak_memory_mb(torch.device("cpu"))


def _used_mb(device: torch.device) -> float | None:
    """What nvidia-smi calls used on this GPU; None without a GPU or the program."""
    if device.type != "cuda":
        return None
    uuid = str(torch.cuda.get_device_properties(device).uuid)
    query = ["nvidia-smi", "--query-gpu=uuid,memory.used", "--format=csv,noheader,nounits"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    used = dict(line.split(", ") for line in listed.splitlines())
    usage = next((mib for name, mib in used.items() if uuid in name), None)
    return None if usage is None else int(usage) * 2**20 / MB


def answer(request: dict) -> dict:
    """What one request comes to; an error of the user is an answer too, and so is a full memory."""
    run = make_run(request["name"], request["dataset"], 0, request["budget"])
    try:
        device = devices.find(request["device"])
        memory.check(run, device)
        with _limited(device):
            measurements = rehearse(run, device, request["steps"], request["images"])
        return measurements | {"config": asdict(run.config)}
    except ReplicateError as error:
        return {"error": str(error)}
    except RuntimeError as error:  # of a GPU or, by another class of error, of the host
        if "memory" not in str(error):
            raise
        words = str(error).strip().splitlines()[0]
        return {"error": f"{run.title} does not fit into the memory ({words}); {MORE}"}


@contextmanager
def _limited(device: torch.device) -> Iterator[None]:
    """Inside, more memory than is free is refused; else the system would kill some process."""
    free = memory._free(device)
    if device.type != "cpu" or free == float("inf"):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = [int(free), *(limit for limit in before if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(allowed), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))
