"""Trains what is missing, resumes what is broken, loads the rest; only writer of run folders."""

import math
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import torch
from filelock import Timeout
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from replicate import (
    checkpoint,
    devices,
    evaluation,
    files,
    lossy,
    masked,
    paths,
    records,
    relabelling,
    repro,
    sentences,
)
from replicate.datasets import packed, passport
from replicate.datasets.batches import Batches
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab import (
    classes,
    continuing,
    equipment,
    fingerprint,
    health,
    memory,
    state,
    streams,
)  # fmt: skip
from replicate.lab.run import COLUMNS, Run, check_labels, check_set, method_name
from replicate.lab.state import State
from replicate.lab.stopping import Stoppable, Stopped, stopping
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS, Method
from replicate.metrics import inception
from replicate.metrics.compare import default_protocols
from replicate.metrics.score import Score
from replicate.progress import Samples, told

PATIENCE = 1.0  # s; whoever only looks whether a run is held holds it for a moment
IMAGE_SETS = dict.fromkeys(("fake", "real", "source", "real_train"), ())  # of every run
IMAGES = {"images", "data"}
FEW = 8  # images that smoke runs show to feature networks, of which each takes 20 ms


def ensure(
    run: Run,
    device: str = "cpu",
    retrain: bool = False,
    offline: bool = False,
    wait: bool = False,
) -> Run:
    """The run, trained to its end and scored; what is done already is not done again.

    Args:
        device: one of `devices.known()`; not part of the run's identity, but recorded.
        retrain: set a stale run aside and train it anew.
        offline: leave scores that need downloaded weights as "not computed".
        wait: let another process that is at this run finish first, instead of an error.

    Raises:
        ReplicateError: the run is stale, in use by another process, or cannot go on.
    """
    place = devices.find(device)
    paths.made(run.folder)
    with _lock(run.folder, wait):
        now, lost = _check(run, retrain, offline), ""
        run.folder.mkdir(parents=True, exist_ok=True)
        if now.name in ("trained", "scored"):
            total = now.record["iterations"]
            lost = _lost(run)
            todo = f"{lost}; scoring again" if lost else "nothing to do"
            told(f"{run.title}: complete at {total}/{total}, {todo}")
        else:
            _train(run, place)
        if lost or now.name != "scored" or lacking(run):
            _score(run, place, offline)
    return run


def _lost(run: Run) -> str:
    """What is damaged of a finished run's results, to be made anew; the log cannot be."""
    records.checked(run.folder, records.LOG)
    return records.told(run.folder, records.faults(run.folder, run.record(), outputs=True))


def lacking(run: Run) -> list[str]:
    """Protocols that every run is scored by today and that a scored run has no row of.

    They were added since; asking for the run scores it again. Until then it counts as scored.
    """
    known = set(pd.read_csv(run.folder / "scores.csv", usecols=["protocol"])["protocol"])
    return [p.id for p in default_protocols(IMAGE_SETS) if p.id not in known]


@contextmanager
def _lock(folder: Path, wait: bool) -> Iterator[None]:
    """One process a run; the kernel ends the lock with the process, however it ends."""
    owner = folder.with_name(folder.name + ".owner.json")
    try:
        with files.locked(state.lock_of(folder), timeout=-1 if wait else PATIENCE):
            files.write_json(owner, {"pid": os.getpid(), "host": socket.gethostname()})
            try:
                yield
            finally:
                owner.unlink(missing_ok=True)
    except Timeout:
        held = state.owner_of(folder)
        beats = [p.stat().st_mtime for p in (folder / "losses.csv", owner) if p.exists()]
        ago = f"{max(time.time() - max(beats), 0):.0f} s ago" if beats else "unknown"
        raise ReplicateError(
            f"{folder} is in use by pid {held.get('pid', '?')} on host {held.get('host', '?')} "
            f"(heartbeat {ago}). Wait for it, or end that process, and run again"
        ) from None


def _check(run: Run, retrain: bool, offline: bool) -> State:
    """The state of a run that this process holds; refuses what is not this run."""
    now = state.of(run, held=True, offline=offline)
    for key, value in (run.identity()["config"] if now.record else {}).items():
        trained = now.record["config"].get(key)
        if trained != value:
            raise ReplicateError(
                f"{run.folder} was trained with {key}={trained}, you asked {key}={value}; "
                "a changed configuration is a run of its own: move this folder away and run again"
            )
    if not now.stale:
        newest = checkpoint.generations(run.folder)
        done = now.name in ("trained", "scored")
        return replace(now, name="stopped") if done and not checkpoint.is_whole(newest[0]) else now
    if not retrain:
        back = "put the old images back" if set(now.stale) <= IMAGES else "check out that commit"
        raise ReplicateError(
            f"{run.folder} is stale: its {' and '.join(now.stale)} changed since it was trained "
            f"(commit {now.record['commit'][:10]}). Add --retrain to train it anew (the old folder "
            f"is kept aside), or {back}"
        )
    _rename(run)
    return State(run.folder, "missing")


def _rename(run: Run) -> None:
    run.folder.rename(run.folder.with_name(f"{run.folder.name}.stale-{int(time.time())}"))


def prepared(run: Run, device: torch.device) -> tuple[Method, Batches]:
    """As `build`, after a look at what the run needs, and with all that its method is given.

    Raises:
        ReplicateError: the memory is too small, the set lacks what the method needs, or the weights
            of its frozen network are not there.
    """
    memory.check(run, device)
    train = streams.training_set(run)
    _check_needs(run, train)
    repro.use_tf32(run.config.precision == "tf32")
    special = streams.is_special(run) or streams.sized(run) != run.config
    method, batches = (streams.build if special else build)(run, device)
    images = equipment.equip(method, train)
    return method, batches if images is train else streams.over(run, images, device)


def _check_needs(run: Run, train: packed.ImageSet) -> None:
    check_set(run, spec(run.dataset))
    check_labels(run, train)
    needs = METHODS[run.method].needs(run.config)
    name = method_name(run.method, run.label)
    kinds = ((needs.labels, "label"), (needs.masks, "mask"), (needs.captions, "caption"))
    for wanted, what in kinds:
        missing = [f"{X}_{what}" for X in "AB" if wanted and f"{X}_{what}" not in train.arrays]
        if missing:
            raise ReplicateError(
                f"{name} needs a {what} of every training image; {run.dataset} has no "
                f"{' and '.join(missing)}. Take a set that has them (`replicate data list`), or "
                f"another variant (`replicate methods`)"
            )


def build(run: Run, device: torch.device) -> tuple[Method, Batches]:
    """The seeded method on its device, and its batches."""
    repro.prepare(run.seed, run.threads)
    config, method = run.config, METHODS[run.method]
    train = packed.load(run.dataset, "train", config.load_size)
    batches = Batches(train, config.batch_size, config.crop_size, config.flip, run.seed, device)
    return method(config).to(device), batches


def total_iterations(run: Run, batches: Batches) -> int:
    """The length of the run's schedule in steps."""
    return run.config.iterations or run.config.epochs * batches.iterations_per_epoch


def _train(run: Run, device: torch.device) -> None:
    method, batches = prepared(run, device)
    test = packed.load(run.dataset, "test", run.config.scored_size)
    folder, total = run.folder, total_iterations(run, batches)
    if not checkpoint.generations(folder):
        continuing.begin(method, run)
    (folder / "samples").mkdir(exist_ok=True)
    earlier = run.record()
    record = {
        **run.identity(),
        "label": run.label,
        "hash": run.hash,
        "fingerprint": fingerprint.of_run(
            METHODS[run.method],
            run.dataset,
            run.config.load_size,
            run.config.scored_size,
            run.config.resize,
        )
        | fingerprint.of_stream(streams.is_special(run)),
        "passport": passport.passport(run.dataset, (run.config.load_size, run.config.scored_size)),
        "iterations": total,
        "networks": method.counts(),
        **repro.stamp(device),
        "precision": run.config.precision,
        "starts": earlier.get("starts", 0) + 1,
        "status": "running",
    }
    records.write(folder, record)
    shown = Samples()
    loop = Stoppable(
        method, batches, folder, total, run.hash,
        sample=lambda done: shown.show(_sample(run, method, test, done)),
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
            **_processor(loop.processor_seconds),
            "images_per_second": round(speed, 2),
            "peak_memory_mb": round(repro.peak_memory_mb(device)),
            "results": records.results(folder, (records.LOG, records.HEALTH)),
        }
        records.write(folder, record | finished)


def _processor(seconds: float) -> dict[str, float]:
    """What a record says of processor time; nothing where an older part of the run did not."""
    return {} if math.isnan(seconds) else {"processor_hours": round(seconds / 3600, 4)}


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
    sheet = sentences.sample_sheet(masked.over(method, test), test)
    sheet.save(path, pnginfo=about)
    return sheet


def _sample(run: Run, method: Method, test: packed.ImageSet, done: int) -> Image.Image:
    """Samples of a run that trains, as a sheet; and what they tell of its health."""
    path = run.folder / "samples" / f"{done:08d}-{_directions(test)}.png"
    words = {direction: evaluation.in_words(direction, test) for direction in DIRECTIONS}
    sheet = _save_samples(method, test, path)
    health.watch(run, done, sheet, words)
    return sheet


def load_method(run: Run, device: torch.device) -> Method:
    """The trained method of a run, from its newest whole checkpoint."""
    method = METHODS[run.method](streams.sized(run)).to(device)
    state = checkpoint.load(run.folder, device)
    if state is None:
        raise ReplicateError(f"no checkpoint in {run.folder}; train the run first")
    method.load_state_dict(state["method"])
    return method.eval()


def _score(run: Run, device: torch.device, offline: bool) -> None:
    repro.prepare(run.seed, run.threads)
    repro.use_tf32(False)
    method = load_method(run, device)
    test = packed.load(run.dataset, "test", run.config.scored_size)
    train = packed.load(run.dataset, "train", run.config.scored_size)
    rows, by_label = [], []
    cache = paths.results() / "features"
    for way in relabelling.ways(method, test, train):
        outputs, (X, Y) = way.outputs(), way.direction
        words = evaluation.in_words(way.direction, way.test)
        target = run.folder / "outputs" / words.replace("->", "2")
        evaluation.write_outputs(outputs, way.test.names[X], target)
        by_label = [fingerprint.BY_LABEL] if way.by_label else by_label
        scores = evaluation.score_direction(
            outputs, way.direction, way.test, way.train, method.attention_cell, cache, offline,
            spec(run.dataset).classes_of(way.test.domains["AB".index(Y)]),
            FEW if run.budget == "smoke" else None,
        )  # fmt: skip
        if run.budget == "paper":
            scores += lossy.scores(outputs, way.direction, way.test, way.train, cache, offline)
        rows += [asdict(score) | {"direction": words} for score in scores]
    relabelling.write_further(method, test, run.folder / "outputs")
    rows += _of_no_translations(method, rows, test)
    _save_samples(method, test, run.folder / "translations.png")
    table = pd.DataFrame(rows).assign(
        method=run.method, variant=run.label, dataset=run.dataset, seed=run.seed,
        budget=run.budget, split="test", iteration=run.record()["iterations"],
    )  # fmt: skip
    files.write(run.folder / "scores.csv", table[COLUMNS].to_csv(index=False, float_format="%.8g"))
    notes = {f"{row['direction']} {row['protocol']}": row["note"] for row in rows if row["note"]}
    notes |= classes.count(run.folder, run.budget)
    made = table.loc[table["value"].notna(), "protocol"]
    counted = classes.protocols(run.folder)
    protocols = [*made, *counted, *by_label]
    stamp = {
        "scoring": {p: fingerprint.scoring_fingerprint(p) for p in dict.fromkeys(protocols)},
        "inception": inception.available() and not offline,
        "notes": notes,
    }
    records.note_outputs(run.folder)
    record = run.record()
    trained = {k: v for k, v in record.get("results", {}).items() if k == records.HEALTH}
    stamp["results"] = records.results(run.folder) | trained
    records.write(run.folder, record | stamp)
    health.renew(run.folder)


def _of_no_translations(method: Method, rows: list[dict], test: packed.ImageSet) -> list[dict]:
    """Rows without values for the direction that a one-way method leaves out, with the reason."""
    first, *_ = method.directions
    reason = f"not computed: {method.name} translates {evaluation.in_words(first, test)} alone"
    empty = [Score(row["metric"], None, row["protocol"], note=reason) for row in rows]
    left_out = [direction for direction in DIRECTIONS if direction not in method.directions]
    return [
        asdict(score) | {"direction": evaluation.in_words(direction, test)}
        for direction in left_out
        for score in empty
    ]
