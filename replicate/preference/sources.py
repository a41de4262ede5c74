"""The images of a study, from finished runs or from folders."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from replicate.datasets import packed
from replicate.datasets.directions import in_letters
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError, UnknownName
from replicate.evaluation import in_words
from replicate.lab import state
from replicate.lab.recorded import command, name_of
from replicate.lab.run import Run, make_run
from replicate.methods import METHODS
from replicate.preference.material import (
    Material,
    check_covered,
    check_same,
    folder_images,
    pixels,
)
from replicate.relabelling import FURTHER, faces

# by what Table III of AttentionGAN changes: what the page says, the domains of a set that has only
# that, as `replicate data prepare celeba` names them
CHANGES = {
    "hair_color": ("another hair colour", "black_hair,blond_hair"),
    "gender": ("the other gender", "male,female"),
    "aged": ("another age", "young,old"),
}


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
        name, folder = _named(text, methods)
        if folder is not None:
            methods[name] = folder_images(folder)
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


def collect_change(sources: Iterable[str], choice: RunChoice, words: str) -> Material:
    """The images of one of the changes that AttentionGAN's Table III asks about.

    Methods that translate by attributes are the runs on the chosen set. A method of two domains has
    a run on a set of its own, `SET_CHANGE` (celeba_gender), both of whose directions count. Only
    images that every method has are shown: those of that set may be others. Papers train at sizes
    of their own, so all are shown at the smallest.

    Args:
        sources: `METHOD[:VARIANT]`; or `NAME=FOLDER`, in which `face2gender/` and so on lie.
        choice: which runs; its direction is not looked at.
        words: one of `relabelling.FURTHER`.

    Raises:
        UnknownName: a method, variant, data set or budget.
        ReplicateError: a set or a run that is not there, or no image that all have.
    """
    change, methods = words.partition("->")[2], {}
    shown, domains = CHANGES[change]
    for text in sources:
        name, folder = _named(text, methods)
        if folder is not None:
            methods[name] = folder_images(folder / words.replace("->", "2"))
            continue
        run = make_run(name, choice.dataset, choice.seed, choice.budget)
        if METHODS[run.method].by_attributes(run.config):
            methods[name] = run_images(run, words)
            continue
        pair = f"{choice.dataset}_{change}"
        try:
            spec(pair)
        except UnknownName as error:
            raise ReplicateError(
                f"{name} translates between two domains, so for {change} it needs a set {pair}, "
                f"which is not there: `replicate data prepare {choice.dataset} FOLDER --as {pair} "
                f"--domains {domains}`, and train it on that"
            ) from error
        run = make_run(name, pair, choice.seed, choice.budget)
        methods[name] = run_images(run, "AB") | run_images(run, "BA")
    stems = sorted(set.intersection(*(set(images) for images in methods.values())))
    if not stems:
        counts = ", ".join(f"{name} {len(images)}" for name, images in methods.items())
        raise ReplicateError(
            f"{words}: no image that all methods have ({counts}); images match by file name, so "
            "their sets must be made of the same test images"
        )
    sizes = {name: len(pixels(images[stems[0]])) for name, images in methods.items()}
    inputs = faces(packed.load(choice.dataset, "test", min(sizes.values())))
    check_covered(f"the test split of {choice.dataset}", inputs, dict.fromkeys(stems))
    common = {name: {stem: images[stem] for stem in stems} for name, images in methods.items()}
    differing = sizes if len(set(sizes.values())) > 1 else {}
    return Material(common, {stem: inputs[stem] for stem in stems}, {}, shown, differing)


def _named(text: str, methods: Collection[str]) -> tuple[str, Path | None]:
    """The name of a source and its folder, which that of a run has not."""
    name, equals, folder = text.partition("=")
    if name.partition("+")[0].partition(":")[0] in METHODS and "+" in name:  # changed settings
        name, equals = text, ""
    if not name or name in methods:
        raise ReplicateError(
            f"source {text!r}: expected METHOD[:VARIANT] or NAME=FOLDER, each name once"
        )
    return name, Path(folder) if equals else None


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
        way_out = command(name_of(run), run.dataset, run.seed, run.budget) + again
        raise ReplicateError(f"{run.title} is {word}, expected scored; run `{way_out}`")
    return folder_images(folder)


def _packed_images(split: packed.ImageSet, domain: str) -> dict[str, np.ndarray]:
    stems = [Path(name).stem for name in split.names[domain]]
    return dict(zip(stems, split.arrays[domain], strict=True))
