"""Trained weights that travel with the repository: small files in `results/published/weights`."""

from pathlib import Path

import pandas as pd

from replicate import paths
from replicate.errors import ReplicateError
from replicate.lab.published import place
from replicate.weights import exporting, scoring
from replicate.weights.finding import Found, files_in, find, folders
from replicate.weights.stored import SUFFIX

LIMIT = 25_000_000  # bytes of all files together: whoever clones the repository gets them


def publish(name: str, way: str = "") -> Path:
    """The file of a published run's weights: in half precision where no score leaves its noise.

    Args:
        name: as of `finding.find`; a run of this machine whose record is published.
        way: the one direction that is kept, in words or letters; empty: all.

    Raises:
        UnknownName: no such model or direction.
        ReplicateError: no run, or its record is not published; or the files would be too large
            together, and the one that was there before stays.
    """
    source = find(name)
    if not source.is_run or not place(source.path).is_dir():
        raise ReplicateError(
            f"{name}: expected a run of this machine whose record is published, because weights go "
            "with their scores; `replicate publish` first"
        )
    method, card = source.load(exporting.CPU)
    card = exporting.one_way(card, way)
    folder, *_ = folders()
    target, aside = folder / f"{card.name}{SUFFIX}", folder / f".{card.name}.partial"
    paths.made(folder)
    try:
        exporting.write(aside, method, card, "fp16")
        rounded, _ = Found(aside).load(exporting.CPU)
        before, after = (
            scoring.measure(model, card.directions, card.dataset, offline=True)
            for model in (method, rounded)
        )
        if not within_noise(before, after):
            exporting.write(aside, method, card, "fp32")
        others = [file for file in files_in(folder) if file != target]
        total = sum(file.stat().st_size for file in [aside, *others])
        if total > LIMIT:
            raise ReplicateError(
                f"{folder} would hold {total / 1e6:.1f} MB, at most {LIMIT / 1e6:.0f} MB; keep one "
                "direction (--direction), or remove files there"
            )
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def within_noise(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    """Whether every score stays within its standard error, or within its interval."""
    columns = ["value", "spread", "n_fake", "low", "high"]
    old, new = (frame[columns].astype(float) for frame in (before, after))  # None is NaN: no bound
    error = old["spread"].where(
        before["spread_kind"] == "standard error", old["spread"] / old["n_fake"] ** 0.5
    )
    moved = (old["value"] - new["value"]).abs() > error
    outside = (new["value"] < old["low"]) | (new["value"] > old["high"])
    return not (moved | outside).any()
