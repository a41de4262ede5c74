"""What a run will take, measured by a few real steps and one evaluation, and kept for later."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from replicate import checkpoint, devices, files, paths, training
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab.budget_grid import image_counts, iterations
from replicate.lab.run import Run, method_name

AGAIN = "Delete it and run `replicate preflight` again: it is measured anew"
STEPS = {"smoke": 2, "laptop": 6, "paper": 2}  # the first one is not timed
IMAGES = 8  # of each domain


@dataclass(frozen=True)
class Estimate:
    """A preflight's figures, and what they mean for one run.

    Attributes:
        device_name: the model of the GPU or processor that it was measured on; `host` its machine.
        processor_seconds_per_step: of the process; other work on the machine does not move it.
        peak_memory_mb: of the device: allocated by torch on a GPU, else of the process (VmHWM).
        host_memory_mb: of the process, whatever the device.
        nvidia_smi_mb: what nvidia-smi saw added on the GPU; None where there is none.
        checkpoint_mb: of one checkpoint; a run keeps two.
        png_mb: of one translation with its map.
        made_up: whether the images were noise, because the set was not there.
        iterations: of the run; None where nobody knows how many images its set has.
    """

    name: str
    dataset: str
    size: int
    budget: str
    device: str
    device_name: str
    host: str
    threads: int
    steps: int
    seconds_per_step: float
    processor_seconds_per_step: float
    images_per_second: float
    evaluation_images_per_second: float
    peak_memory_mb: float
    host_memory_mb: float
    nvidia_smi_mb: float | None
    checkpoint_mb: float
    checkpoint_seconds: float
    png_mb: float
    made_up: bool
    iterations: int | None
    test_images: int

    @property
    def hours(self) -> float | None:
        """Of the whole run: steps, checkpoints and one evaluation; None where no one can tell."""
        if self.iterations is None:
            return None
        stepping = self.iterations * self._step
        scoring = self.test_images / self.evaluation_images_per_second
        return (stepping + self.checkpoints * self.checkpoint_seconds + scoring) / 3600

    @property
    def _step(self) -> float:
        """Seconds; of one thread its processor time, whatever else the machine does."""
        alone = self.device == "cpu" and self.threads == 1
        seconds = self.seconds_per_step
        return min(seconds, self.processor_seconds_per_step) if alone else seconds

    @property
    def checkpoints(self) -> float:
        """How many are written in the whole run; of an unknown length those of every run."""
        pause = training.pause(self.checkpoint_seconds, self.checkpoint_mb * 1e6)
        stepping = (self.iterations or 0) * self._step
        return max(training.CHECKPOINTS, stepping / pause)

    @property
    def written_mb(self) -> float:
        """All checkpoints of the run, of which the last ones are kept."""
        return self.checkpoints * self.checkpoint_mb

    @property
    def disk_mb(self) -> float:
        """Of the finished run folder: the checkpoints that are kept, and the translations."""
        return checkpoint.KEPT * self.checkpoint_mb + self.test_images * self.png_mb

    def as_dict(self) -> dict:
        """Everything measured, with "hours", "disk_mb" and "written_mb", as JSON."""
        derived = ("hours", "disk_mb", "written_mb")
        return asdict(self) | {name: getattr(self, name) for name in derived}

    def __str__(self) -> str:
        images = "made-up images" if self.made_up else f"images of {self.dataset}"
        seen = f" ({self.nvidia_smi_mb:.0f} MB by nvidia-smi)" if self.nvidia_smi_mb else ""
        host = (
            f", {self.host_memory_mb:.0f} MB of the host" if self.device.startswith("cuda") else ""
        )
        hours = "not known: no source states how many images the set has"
        if self.hours is not None:
            hours = f"{self.hours:.2f} h for {self.iterations:,} steps on {self.dataset}"
        return "\n".join([
            f"{self.name} at {self.size} px, budget {self.budget}, on {self.device_name} of "
            f"{self.host}, {self.threads} threads: {self.steps} steps on {images}",
            f"  peak memory   {self.peak_memory_mb:.0f} MB{seen}{host}",
            f"  training      {self.images_per_second:.2f} images/s, "
            f"{self.seconds_per_step:.2f} s a step",
            f"  evaluation    {self.evaluation_images_per_second:.2f} images/s with the stand-in",
            f"  whole run     {hours}",
            f"  run folder    {self.disk_mb:.0f} MB, {self.written_mb / 1e3:.1f} GB of checkpoints "
            "written in all",
        ])  # fmt: skip


def every(
    runs: Iterable[Run], device: str = "cpu", steps: int = 0, images: int = IMAGES, at_once: int = 1
) -> list[Estimate]:
    """Every kind among some runs, measured where this machine has not yet.

    Args:
        device: of this machine.
        steps: real training steps, of which the first is not timed; 0: as many as its budget takes.
        images: of each domain that are translated and scored.
        at_once: kinds that are measured beside each other, as their runs will be.

    Returns:
        One for each kind, in the order of the runs.

    Raises:
        ReplicateError: some do not fit into the memory, or cannot be trained on their set; what was
            measured of the others is kept.
    """
    devices.find(device)
    kinds: dict[Path, Run] = {}
    for run in runs:
        kinds.setdefault(place(run, device), run)
    left = [run for run in kinds.values() if not is_here(estimate(run, device))]
    faults = []

    def measure(number: int) -> None:
        print(f"measuring {number + 1} of {len(left)}: {left[number].title}", file=sys.stderr)
        try:
            preflight(left[number], device, steps, images)
        except ReplicateError as error:
            faults.append(str(error))

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(measure, range(len(left))))
    if faults:
        more = "; the others are kept, and the same command goes on with what is missing"
        raise ReplicateError("; ".join(faults) + (more if len(kinds) > 1 else ""))
    return [estimate(run, device) for run in kinds.values()]


def preflight(run: Run, device: str = "cpu", steps: int = 0, images: int = IMAGES) -> Estimate:
    """One kind, measured in a process of its own whether it was before or not, and kept.

    Raises:
        ReplicateError: it does not fit into the memory, or cannot be trained on this set.
    """
    spec(run.dataset), devices.find(device)  # what is not here is told before anything starts
    request = {
        "name": f"{run.method}:{run.variant}", "dataset": run.dataset, "budget": run.budget,
        "device": device, "steps": steps or STEPS[run.budget], "images": images,
    }  # fmt: skip
    log = paths.results() / "logs" / "preflight" / place(run, device).with_suffix(".log").name
    log.parent.mkdir(parents=True, exist_ok=True)
    answer = _rehearsed(request, log)
    if "error" in answer:
        raise ReplicateError(answer["error"])
    files.write_sealed(place(run, device), request | answer)
    return estimate(run, device)


def _rehearsed(request: dict, log: Path) -> dict:
    """What a process of its own answers; the rest of what it says goes to the log."""
    command = [sys.executable, "-m", "replicate.lab.rehearsal", json.dumps(request)]
    with log.open("w") as errors:
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    lines = ended.stdout.splitlines()
    if ended.returncode == 0 and lines:
        return json.loads(lines[-1])
    killed = f"was killed by signal {-ended.returncode}" if ended.returncode < 0 else "failed"
    text = (
        f"the preflight of {request['name']} {killed}, see {log}; a process that the system kills "
        "had most likely too little memory: measure on a machine with more, or another variant"
    )
    return {"error": text}


def is_here(measurement: Estimate | None) -> bool:
    """Whether an estimate was measured on this machine's device, or on one of the same model.

    Of a GPU that this machine lacks no one can tell, so it counts as another machine's.
    """
    if measurement is None:
        return False
    try:
        return measurement.device_name == devices.model(devices.find(measurement.device))
    except ReplicateError:
        return False


def estimate(run: Run, device: str = "cpu", counts: dict | None = None) -> Estimate | None:
    """What a preflight of the run's kind has found, here or elsewhere; None where none was made.

    Args:
        device: one of `devices.known()`, where the run would train.
        counts: `schedule.image_counts` of its set, where they are at hand.
    """
    file = place(run, device)
    if not file.exists():
        return None
    record, counts = files.read_json(file, AGAIN), counts or image_counts(spec(run.dataset))
    if record.get("on_disk") or "host" not in record:  # as earlier versions measured
        return None
    try:
        return _estimate(run, device, record, counts)
    except (KeyError, TypeError) as error:
        raise files.Damaged(file, f"no {error}", AGAIN) from error


def place(run: Run, device: str) -> Path:
    """The file of a kind of run: its method, variant, size and configuration, budget and device."""
    devices.check(device)
    text = json.dumps(asdict(run.config), sort_keys=True)
    config = hashlib.sha256(text.encode()).hexdigest()[:8]
    name = f"{run.method}-{run.variant}-{run.config.crop_size}-{config}.json"
    return paths.results() / "preflight" / run.budget / device / name


def _estimate(run: Run, device: str, record: dict, counts: dict | None = None) -> Estimate:
    counts = counts or image_counts(spec(run.dataset))
    about = {
        "name": method_name(run.method, run.label), "dataset": run.dataset,
        "size": run.config.crop_size, "budget": run.budget, "device": device,
        "iterations": iterations(run, counts), "test_images": counts["test"],
    }  # fmt: skip
    values = record | about
    return Estimate(**{field.name: values[field.name] for field in fields(Estimate)})
