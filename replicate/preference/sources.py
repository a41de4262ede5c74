"""The images of a study, from finished runs or from folders."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from replicate.datasets import packed
from replicate.datasets.directions import in_letters
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.lab import state
from replicate.lab.run import Run, make_run
from replicate.preference.material import Material, check_covered, check_same, folder_images
from replicate.relabelling import FURTHER, faces


@dataclass(frozen=True)
class RunChoice:
    """Which runs the names of methods stand for.

    Args:
        dataset: a data set.
        seed: the runs' seed.
        budget: "smoke", "laptop" or "paper".
        direction: in words, such as `horse->zebra`, or "AB" or "BA".
    """

    dataset: str
    seed: int = 0
    budget: str = "laptop"
    direction: str = "AB"


def collect(
    sources: Iterable[str],
    choice: RunChoice,
    source: Path | None = None,
    real: Path | None = None,
    target: str = "",
) -> Material:
    """The images of all that is to be compared, checked to match by name.

    Args:
        sources: `METHOD[:VARIANT]` for a run, `NAME=FOLDER` for a folder of translations.
        choice: which runs; not looked at where all sources are folders.
        source: folder of the inputs; default: the test split of the runs.
        real: folder of real images of the target domain; default: the test split of the runs.
        target: what a translation should show; default: the runs' target domain.

    Raises:
        UnknownName: a method, variant, data set, budget or direction.
        ReplicateError: a run that is not finished, a folder without images, or images that do not
            match.
    """
    methods, runs = {}, []
    direction = choice.direction
    for text in sources:
        name, equals, folder = text.partition("=")
        if not name or name in methods:
            raise ReplicateError(
                f"source {text!r}: expected METHOD[:VARIANT] or NAME=FOLDER, each name once"
            )
        if equals:
            methods[name] = folder_images(Path(folder))
        else:
            if direction not in FURTHER:
                direction = in_letters(choice.direction, spec(choice.dataset).domains)
            runs.append(make_run(name, choice.dataset, choice.seed, choice.budget))
            methods[name] = run_images(runs[-1], direction)
    check_same(methods)
    inputs = folder_images(source) if source else {}
    truth = folder_images(real) if real else {}
    if runs:
        split = packed.load(choice.dataset, "test", runs[0].config.scored_size)
        if direction in FURTHER:  # of all test faces, where no folder of real ones is the target
            inputs, target = inputs or faces(split), target or direction.partition("->")[2]
        else:
            X, Y = direction
            inputs = inputs or _packed_images(split, X)
            truth = truth or _packed_images(split, Y)
            target = target or split.domains["AB".index(Y)]
    if inputs:
        check_covered("the folder of inputs", inputs, next(iter(methods.values())))
    return Material(methods, inputs, truth, target)


def run_images(run: Run, direction: str) -> dict[str, Path]:
    """The translated test images of a finished run by stem.

    Args:
        direction: "AB" or "BA", or one of `relabelling.FURTHER`.

    Raises:
        ReplicateError: the run is not finished; the text holds the command that trains it.
    """
    word = state.of(run).word
    split = packed.load(run.dataset, "test", run.config.scored_size)
    words = direction if direction in FURTHER else in_words(direction, split)
    folder = run.folder / "outputs" / words.replace("->", "2")
    if word != "scored" or not folder.is_dir():
        again = " --retrain" if word == "stale" else ""
        raise ReplicateError(
            f"{run.title} is {word}, expected scored; run `replicate train {run.method}:"
            f"{run.variant} --data {run.dataset} --seed {run.seed} --budget {run.budget}{again}`"
        )
    return folder_images(folder)


def _packed_images(split: packed.ImageSet, domain: str) -> dict[str, np.ndarray]:
    stems = [Path(name).stem for name in split.names[domain]]
    return dict(zip(stems, split.arrays[domain], strict=True))
