"""Trains what is missing, resumes what is broken, loads the rest; only writer of run folders."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch
from filelock import Timeout
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from replicate import checkpoint, evaluation, files, paths, records, repro
from replicate.datasets import packed, passport
from replicate.datasets.batches import Batches
from replicate.errors import ReplicateError
from replicate.experiment import classes, health, memory
from replicate.experiment.fingerprint import scoring_fingerprint
from replicate.experiment.run import COLUMNS, Run
from replicate.experiment.stopping import Stoppable, Stopped, stopping
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS, Method
from replicate.metrics import inception


def ensure(
    run: Run,
    device: str = "cpu",
    retrain: bool = False,
    offline: bool = False,
    wait: bool = False,
) -> Run:
    """The run, trained to its end and scored; what is done already is not done again.

    Args:
        device: "cpu" or "cuda"; not part of the run's identity, but recorded.
        retrain: set a stale run aside and train it anew.
        offline: leave scores that need downloaded weights as "not computed".
        wait: let another process that is at this run finish first, instead of an error.

    Raises:
        ReplicateError: the run is stale, in use by another process, or cannot go on.
    """
    place = _device(device)
    with _lock(run.folder, wait):
        state, lost = _check(run, retrain), ""
        run.folder.mkdir(parents=True, exist_ok=True)
        if state == "finished":
            total = run.record()["iterations"]
            lost = _lost(run)
            todo = f"{lost}; scoring again" if lost else "nothing to do"
            print(f"{run.title}: complete at {total}/{total}, {todo}", file=sys.stderr)
        else:
            _train(run, place)
        if lost or not is_scored(run, offline):
            _score(run, place, offline)
    return run


def is_scored(run: Run, offline: bool = False) -> bool:
    """Whether the scores are those of today's metrics, with Inception's if its weights are here."""
    record = run.record()
    current = record.get("scoring") == scoring_fingerprint()
    lacking = inception.available() and not offline and not record.get("inception", False)
    whole = (run.folder / "scores.csv").exists() and not records.faults(run.folder, record)
    return current and not lacking and whole


def _lost(run: Run) -> str:
    """What is damaged of a finished run's results, to be made anew; the log cannot be."""
    records.checked(run.folder, records.LOG)
    return records.told(run.folder, records.faults(run.folder, run.record(), outputs=True))


def _device(name: str) -> torch.device:
    if name == "cuda" and not torch.cuda.is_available():
        raise ReplicateError("device='cuda', but torch finds no GPU; use device='cpu'")
    return torch.device(name)


@contextmanager
def _lock(folder: Path, wait: bool) -> Iterator[None]:
    """One process a run; the kernel ends the lock with the process, however it ends."""
    owner = folder.with_name(folder.name + ".owner.json")
    try:
        with files.locked(folder.with_name(folder.name + ".lock"), timeout=-1 if wait else 0):
            files.write_json(owner, {"pid": os.getpid(), "host": socket.gethostname()})
            try:
                yield
            finally:
                owner.unlink(missing_ok=True)
    except Timeout:
        held = files.read_owner(owner)
        beats = [p.stat().st_mtime for p in (folder / "losses.csv", owner) if p.exists()]
        ago = f"{max(time.time() - max(beats), 0):.0f} s ago" if beats else "unknown"
        raise ReplicateError(
            f"{folder} is in use by pid {held.get('pid', '?')} on host {held.get('host', '?')} "
            f"(heartbeat {ago}). Wait for it, or end that process, and run again"
        ) from None


def _check(run: Run, retrain: bool) -> str:
    """The run's state, found once because it hashes a checkpoint; refuses what is not this run."""
    record = run.record()
    for key, asked in (asdict(run.config) if record else {}).items():
        trained = record["config"].get(key)
        if trained != asked:
            raise ReplicateError(
                f"{run.folder} was trained with {key}={trained}, you asked {key}={asked}; "
                "a changed configuration is a run of its own: move this folder away and run again"
            )
    state = run.state()
    if state != "stale":
        return state
    if not retrain:
        changed = run.changed()
        back = "check out that commit" if "code" in changed else "put the old images back"
        raise ReplicateError(
            f"{run.folder} is stale: its {' and '.join(changed)} changed since it was trained "
            f"(commit {record['commit'][:10]}). Add --retrain to train it anew (the old folder is "
            f"kept aside), or {back}"
        )
    _rename(run)
    return "missing"


def _rename(run: Run) -> None:
    run.folder.rename(run.folder.with_name(f"{run.folder.name}.stale-{int(time.time())}"))


def set_aside(run: Run) -> None:
    """A stale run's folder gets another name, so that the next one who asks trains it anew."""
    with _lock(run.folder, wait=True):
        if run.state() == "stale":
            _rename(run)


def build(run: Run, device: torch.device) -> tuple[Method, Batches]:
    """The seeded method on its device, and its batches; refuses what is larger than the memory."""
    memory.check(run, device)
    repro.prepare(run.seed, run.threads)
    config, method = run.config, METHODS[run.method]
    train = packed.load(run.dataset, "train", config.load_size)
    if method.paired and not train.paired:
        raise ReplicateError(
            f"{run.method} needs paired images, {run.dataset} is unpaired; use a set in the "
            "pix2pix layout (`replicate data list` shows them)"
        )
    batches = Batches(train, config.batch_size, config.crop_size, config.flip, run.seed, device)
    return method(config).to(device), batches


def total_iterations(run: Run, batches: Batches) -> int:
    """The length of the run's schedule in steps."""
    return run.config.iterations or run.config.epochs * batches.iterations_per_epoch


def _train(run: Run, device: torch.device) -> None:
    method, batches = build(run, device)
    test = packed.load(run.dataset, "test", run.config.crop_size)
    folder, total = run.folder, total_iterations(run, batches)
    (folder / "samples").mkdir(exist_ok=True)
    earlier = run.record()
    record = {
        **run.identity(),
        "label": run.label,
        "hash": run.hash,
        "fingerprint": run.fingerprint(),
        "passport": passport.passport(run.dataset, (run.config.load_size, run.config.crop_size)),
        "iterations": total,
        "networks": method.counts(),
        **repro.stamp(device),
        "precision": run.config.precision,
        "starts": earlier.get("starts", 0) + 1,
        "status": "running",
    }
    records.write(folder, record)
    loop = Stoppable(
        method, batches, folder, total, run.hash,
        sample=lambda done: _sample(run, method, test, done),
        label=run.title,
    )  # fmt: skip
    with stopping(loop):
        try:
            loop.run()
        except Exception as error:
            records.write(folder, record | _ended(error, loop))
            raise
        speed = total * run.config.batch_size / max(loop.seconds, 1e-9)
        finished = {
            "status": "finished",
            "hours": round(loop.seconds / 3600, 4),
            "images_per_second": round(speed, 2),
            "peak_memory_mb": round(repro.peak_memory_mb(device)),
            "results": records.results(folder, (records.LOG, records.HEALTH)),
        }
        records.write(folder, record | finished)


def _ended(error: Exception, loop: Stoppable) -> dict:
    """What the record says of a training that did not come to its end."""
    status = "stopped" if isinstance(error, Stopped) else "failed"
    ended = {"status": status, "reason": str(error)}
    return ended | {"diverged": True} if loop.diverged else ended


def _directions(test: packed.ImageSet) -> str:
    """`horse2zebra-zebra2horse`: what a sheet of samples shows, from top to bottom."""
    words = (evaluation.in_words(direction, test) for direction in DIRECTIONS)
    return "-".join(words).replace("->", "2")


def _save_samples(method: Method, test: packed.ImageSet, path: Path) -> Image.Image:
    """A sheet of samples; the text in the file says its directions, whatever its name."""
    about = PngInfo()
    about.add_text("directions", _directions(test))
    sheet = evaluation.sample_sheet(method, test)
    sheet.save(path, pnginfo=about)
    return sheet


def _sample(run: Run, method: Method, test: packed.ImageSet, done: int) -> None:
    """Samples of a run that trains, and what they tell of its health."""
    path = run.folder / "samples" / f"{done:08d}-{_directions(test)}.png"
    words = {direction: evaluation.in_words(direction, test) for direction in DIRECTIONS}
    health.watch(run, done, _save_samples(method, test, path), words)


def load_method(run: Run, device: torch.device) -> Method:
    """The trained method of a run, from its newest whole checkpoint."""
    method = METHODS[run.method](run.config).to(device)
    state = checkpoint.load(run.folder, device)
    if state is None:
        raise ReplicateError(f"no checkpoint in {run.folder}; train the run first")
    method.load_state_dict(state["method"])
    return method.eval()


def _score(run: Run, device: torch.device, offline: bool) -> None:
    repro.prepare(run.seed, run.threads)
    method = load_method(run, device)
    test = packed.load(run.dataset, "test", run.config.crop_size)
    train = packed.load(run.dataset, "train", run.config.crop_size)
    rows = []
    for direction in DIRECTIONS:
        outputs = evaluation.translate_split(method, test, direction)
        words = evaluation.in_words(direction, test)
        target = run.folder / "outputs" / words.replace("->", "2")
        evaluation.write_outputs(outputs, test.names[direction[0]], target)
        cache = paths.results() / "features"
        scores = evaluation.score_direction(
            outputs, direction, test, train, method.attention_cell, cache, offline
        )
        rows += [asdict(score) | {"direction": words} for score in scores]
    _save_samples(method, test, run.folder / "translations.png")
    table = pd.DataFrame(rows).assign(
        method=run.method, variant=run.label, dataset=run.dataset, seed=run.seed,
        budget=run.budget, split="test", iteration=run.record()["iterations"],
    )  # fmt: skip
    files.write(run.folder / "scores.csv", table[COLUMNS].to_csv(index=False, float_format="%.8g"))
    notes = {f"{row['direction']} {row['protocol']}": row["note"] for row in rows if row["note"]}
    notes |= classes.count(run.folder, run.budget)
    stamp = {
        "scoring": scoring_fingerprint(),
        "inception": inception.available() and not offline,
        "notes": notes,
    }
    records.note_outputs(run.folder)
    record = run.record()
    trained = {k: v for k, v in record.get("results", {}).items() if k == records.HEALTH}
    stamp["results"] = records.results(run.folder) | trained
    records.write(run.folder, record | stamp)
    health.renew(run.folder)


def seconds_per_step(run: Run, device: str = "cpu", steps: int = 10) -> tuple[float, int]:
    """Measured seconds of one step, and the steps of the run; nothing is written.

    Two steps come before the ten that are timed, because the first ones allocate.
    """
    method, batches = build(run, _device(device))
    total = total_iterations(run, batches)
    enabled = run.config.precision == "bf16"
    for i in range(steps + 2):
        if i == 2:
            start = time.perf_counter()
        method.begin(i, total / run.config.epochs)
        with torch.autocast(device, torch.bfloat16, enabled=enabled):
            losses = method.step(batches(i))
        sum(v.item() for v in losses.values() if v is not None)
    return (time.perf_counter() - start) / steps, total
