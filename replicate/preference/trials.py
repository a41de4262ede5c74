"""The draw of trials: which images are asked about, in which order they lie in the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from replicate.errors import ReplicateError
from replicate.preference.material import Material
from replicate.preference.modes import mode_of

DEFAULT = 60  # trials at most, about five minutes
MOST_METHODS = 9  # each option has a digit key


@dataclass(frozen=True)
class Picture:
    """One image: a method's translation, a real image or an input.

    Attributes:
        role: "translation", "real" or "input".
        method: the method's name; "" for the other roles.
        stem: the file name without suffix.
    """

    role: str
    method: str
    stem: str


@dataclass(frozen=True)
class Trial:
    """One question: an input (None in `fool`) and the pictures to judge, in page order."""

    input: Picture | None
    options: tuple[Picture, ...]


def draw(
    mode: str, material: Material, trials: int | None, rng: np.random.Generator
) -> list[Trial]:
    """The trials of a study in random order.

    Args:
        mode: "fool": half of the trials show a real image, the others a translation, as many of
            each method, no input twice. "best-of-n": an input and all methods. "pair": an input and
            two methods, the same inputs for each pair of methods.
        trials: how many; None: as many as there are images for, at most `DEFAULT`.
        rng: decides which images, and their order.

    Returns:
        The trials. Over them every method stands equally often at every place of the options, as
        far as the number of trials allows.

    Raises:
        UnknownName: no such mode.
        ReplicateError: too few methods, no inputs or real images, a number of trials that would
            treat methods unequally or for which there are too few images.
    """
    methods = sorted(material.methods)
    _check(mode, methods, material)
    unit, available = _room(mode, len(methods), material)
    count = _count(mode, trials, unit, available)
    stems = sorted(next(iter(material.methods.values())))
    if mode == "fool":
        drawn = _fool(methods, stems, sorted(material.real), count, rng)
    elif mode == "pair":
        stems = _sample(stems, count // unit, rng)
        drawn = [t for pair in combinations(methods, 2) for t in _choices(pair, stems, rng)]
    else:
        drawn = _choices(methods, _sample(stems, count, rng), rng)
    return [drawn[i] for i in rng.permutation(len(drawn))]


def _check(mode: str, methods: Sequence[str], material: Material) -> None:
    fewest = mode_of(mode).fewest
    if not fewest <= len(methods) <= MOST_METHODS:
        raise ReplicateError(
            f"{len(methods)} methods ({', '.join(methods)}), {mode} needs {fewest} to "
            f"{MOST_METHODS}; name them as METHOD[:VARIANT] or NAME=FOLDER"
        )
    if mode == "fool" and not material.real:
        raise ReplicateError("fool needs real images, none given; add --real FOLDER")
    if mode != "fool" and not material.inputs:
        raise ReplicateError(f"{mode} shows the inputs, none given; add --source FOLDER")


def _room(mode: str, methods: int, material: Material) -> tuple[int, int]:
    """The unit of which the number of trials is a multiple, and the most there are images for."""
    images = len(next(iter(material.methods.values())))
    if mode == "fool":
        unit = 2 * methods
        return unit, unit * min(images // methods, len(material.real) // methods)
    unit = methods * (methods - 1) // 2 if mode == "pair" else 1
    return unit, unit * images


def _count(mode: str, trials: int | None, unit: int, available: int) -> int:
    if not available:
        raise ReplicateError(
            f"{mode}: too few images for {unit} trials, the fewest that treat all methods alike; "
            "give more images or fewer methods"
        )
    if trials is None:
        return min(available, max(unit, DEFAULT // unit * unit))
    if trials % unit or not unit <= trials <= available:
        near = min(max(round(trials / unit), 1) * unit, available)
        raise ReplicateError(
            f"trials {trials}: expected a multiple of {unit} up to {available} (methods alike, "
            f"enough images); the nearest is --trials {near}"
        )
    return trials


def _fool(
    methods: Sequence[str],
    stems: Sequence[str],
    real: Sequence[str],
    count: int,
    rng: np.random.Generator,
) -> list[Trial]:
    """No scene is shown by two methods: its return would give it away as generated."""
    chosen = _sample(stems, count // 2, rng)
    shown = [
        Picture("translation", methods[i % len(methods)], stem) for i, stem in enumerate(chosen)
    ]
    shown += [Picture("real", "", stem) for stem in _sample(real, count // 2, rng)]
    return [Trial(None, (picture,)) for picture in shown]


def _choices(methods: Sequence[str], stems: Sequence[str], rng: np.random.Generator) -> list[Trial]:
    """A trial for each stem; every n trials are the n rotations of one random order."""
    n = len(methods)
    made = []
    for i, stem in enumerate(stems):
        if i % n == 0:
            order = rng.permutation(n)
            turns = rng.permutation(n)
        names = [methods[k] for k in np.roll(order, turns[i % n])]
        options = tuple(Picture("translation", name, stem) for name in names)
        made.append(Trial(Picture("input", "", stem), options))
    return made


def _sample(names: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    return [names[i] for i in rng.permutation(len(names))[:count]]
