"""How long a run's schedule is, as far as it can be told without its images."""

from replicate.datasets import folders
from replicate.datasets.layouts import SPLITS
from replicate.datasets.spec import Spec, spec
from replicate.errors import ReplicateError
from replicate.experiment.run import Run


def missing(entry: Spec) -> str:
    """What is said of a set whose images are not all on this machine; nothing where they are.

    A drawn set is everywhere.
    """
    if entry.layout == "drawn":
        return ""
    try:
        for split in SPLITS:
            folders.split_files(entry, split)
    except ReplicateError as error:
        return str(error)
    return ""


def image_counts(entry: Spec) -> dict[str, int]:
    """Images of the larger domain for training, and of both domains for the test.

    They are counted where they are, else those on record; {"train": 0, "test": 0} where no source
    states them.
    """
    stated = dict(entry.counts)
    if entry.layout not in ("drawn", "torchvision") and not missing(entry):
        stated = folders.counts(entry, entry.folder)
    if entry.paired:
        return {"train": stated.get("train", 0), "test": 2 * stated.get("test", 0)}
    found = {name: [stated.get(f"{name}{X}", 0) for X in "AB"] for name in ("train", "test")}
    known = {name: n if all(n) else [0, 0] for name, n in found.items()}
    return {"train": max(known["train"]), "test": sum(known["test"])}


def iterations(run: Run, counts: dict[str, int] | None = None) -> int | None:
    """The steps of the whole run; None where they depend on how many images a set has, unknown.

    Args:
        counts: `image_counts` of its set, where they are at hand.
    """
    if run.config.iterations:
        return run.config.iterations
    longest = (counts or image_counts(spec(run.dataset)))["train"]
    return run.config.epochs * -(-longest // run.config.batch_size) if longest else None
