"""Test images of sets whose labels say more than A or B: what they become, and what is real there.

Of a set whose labels are its domains, a method for many of them is scored between any two: `ways`.
With several attributes a translation keeps all of a face but one: hair takes the colour that is
asked for, any other attribute is inverted, and the source's further attributes stay. With one class
an image goes to that of the target. Either way real images of the target domain are those that have
its label, and they lie in both training folders, which are halves of all labels.

Source of the rule: AttentionGAN-v1-multi/solver.py:149-173 @45da496.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import permutations
from pathlib import Path
from string import ascii_uppercase
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from replicate import masked, sentences
from replicate.datasets import labels
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import Outputs, translate_split, write_outputs
from replicate.methods.base import Method, Translation
from replicate.metrics.arrays import spaced

HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")  # of one head only one
# what Table III of AttentionGAN asks people about, and the attribute that changes
FURTHER = {"face->hair_color": "", "face->gender": "Male", "face->aged": "Young"}


def target_labels(label: Tensor, names: Sequence[str], attribute: str) -> Tensor:
    """The labels of the translations that change one attribute, as the official test asks for them.

    Args:
        label: (N, K) of 0 and 1, the labels of the sources.
        names: of the K attributes.
        attribute: one of them. A colour of hair is set and every other colour taken away; any other
            attribute is inverted.

    Returns:
        (N, K) of 0 and 1.
    """
    made, place = label.clone(), list(names).index(attribute)
    if attribute in HAIR:
        made[:, [i for i, name in enumerate(names) if name in HAIR]] = 0
        made[:, place] = 1
    else:
        made[:, place] = 1 - made[:, place]
    return made


class Way(NamedTuple):
    """One translation of a test split to be scored.

    Attributes:
        outputs: makes the translations of the images of the source domain.
        direction: "AB" or "BA", within `test` and `train`.
        test: the split with source and target as A and B.
        train: the training split, whose target domain gives the floors; `test`'s are all real.
        by_label: whether labels or masks decide what is real or made.
    """

    outputs: Callable[[], Outputs]
    direction: str
    test: ImageSet
    train: ImageSet
    by_label: bool


def ways(method: Method, test: ImageSet, train: ImageSet) -> Iterator[Way]:
    """Every direction in which a method translates: of a set that names its domains, all ordered
    pairs of them for a method that translates between many; else those of the method.

    Args:
        method: in evaluation mode.
        test, train: at one size.
    """
    labels = spec(test.name).labels if method.many else ()
    if not labels:
        for direction in method.directions:
            real = with_real(train, test, direction)
            source, told_of = sentences.sources(method, test), masked.over(method, test)
            made = partial(translate, told_of, source, direction)
            told = real is not train or method.by_masks(method.config)
            yield Way(made, direction, sentences.compared(method, test), real, told)
        return
    for i, j in permutations(range(len(labels)), 2):
        letters = ascii_uppercase[i] + ascii_uppercase[j]
        pair = between(test, i, j)
        real = _as_many(between(train, i, j), len(pair.arrays["A"]))
        made = partial(translate_split, _Between(method, letters), pair, "AB")
        yield Way(made, "AB", pair, real, by_label=True)


def between(images: ImageSet, i: int, j: int) -> ImageSet:
    """A split of a set of many domains with its i-th one as A and its j-th one as B.

    Raises:
        ReplicateError: an image of one of them is missing.
    """
    names = spec(images.name).labels
    arrays, files = {}, {}
    for X, k in zip("AB", (i, j), strict=True):
        parts = {key: images.arrays[f"{key}_label"] == k for key in images.names}
        chosen = {key: np.flatnonzero(part) for key, part in parts.items() if part.any()}
        if not chosen:
            raise ReplicateError(
                f"{images.name}: no image of {names[k]} (label {k}) in {images.split}; expected "
                "at least one. Prepare the set again"
            )
        arrays[X] = np.concatenate([images.arrays[key][at] for key, at in chosen.items()])
        files[X] = [images.names[key][n] for key, at in chosen.items() for n in at]
    return replace(images, domains=(names[i], names[j]), arrays=arrays, names=files)


def _as_many(images: ImageSet, number: int) -> ImageSet:
    """The split with so many images of B at most, evenly spaced, as of `with_real`."""
    return replace(images, arrays=images.arrays | {"B": spaced(images.arrays["B"], number)})


class _Between:
    """A method from one domain of many to another, as if these were A and B."""

    def __init__(self, method: Method, letters: str) -> None:
        self.method, self.config, self.letters = method, method.config, letters
        self.eval, self.parameters = method.eval, method.parameters

    def translate(self, x: Tensor, direction: str) -> Translation:
        return self.method.translate(x, self.letters)


def translate(method: Method, test: ImageSet, direction: str) -> Outputs:
    """As `evaluation.translate_split`; with attributes each image keeps its further ones, and a
    method that is told where objects are is told it where the set has masks."""
    names = _attributes(method, test)
    X, Y = direction
    if names:
        return _translate(method, test, X, _attribute(test, Y, names))
    if method.by_masks(method.config) and f"{X}_mask" in test.arrays:
        masks = torch.from_numpy(np.array(test.arrays[f"{X}_mask"]))[:, None].float()
        return translate_split(_ByMasks(method, masks), test, direction)
    return translate_split(method, test, direction)


def write_further(method: Method, test: ImageSet, folder: Path) -> None:
    """The translations that Table III shows people: hair, gender and age of all test faces.

    Args:
        folder: of the run's outputs; `face2gender/` and so on come into it. Nothing is written of
            methods or sets without these attributes.
    """
    names = _attributes(method, test)
    for words, attribute in FURTHER.items():
        if not set(HAIR[:2]) | {attribute} - {""} <= set(names):
            continue
        for X, Y in ("AB", "BA"):
            outputs = _translate(method, test, X, attribute or _attribute(test, Y, names))
            write_outputs(outputs, test.names[X], folder / words.replace("->", "2"))


def faces(test: ImageSet) -> dict[str, np.ndarray]:
    """The sources of `write_further` by stem."""
    return {
        Path(name).stem: image
        for X in "AB"
        for name, image in zip(test.names[X], test.arrays[X], strict=True)
    }


def with_real(train: ImageSet, test: ImageSet, direction: str) -> ImageSet:
    """The training split with real images of the target domain in the place of its half.

    Args:
        train, test: at one size.
        direction: "AB" or "BA".

    Returns:
        `train` with as many images as there will be translations, evenly spaced: a floor takes no
        more, and to read all of a hundred thousand takes hours. `train` itself where labels do not
        name the domains, or no image has the target's.
    """
    X, Y = direction
    belongs = _belongs(train, test, X, Y)
    places = [(half, i) for half in belongs for i in np.flatnonzero(belongs[half])]
    if not places:
        return train
    chosen = [places[i] for i in spaced(np.arange(len(places)), len(test.arrays[X]))]
    images = np.stack([train.arrays[half][i] for half, i in chosen])
    return replace(train, arrays=train.arrays | {Y: images})


class _Told:
    """A method that is told something of every image, in the order of the set.

    Args:
        told: (N, ...), a row an image.
    """

    def __init__(self, method: Method, told: Tensor) -> None:
        self.method, self.config, self.told, self.done = method, method.config, told, 0
        self.eval, self.parameters = method.eval, method.parameters

    def of_next(self, x: Tensor) -> Tensor:
        """What is told of the images `x`, which come after those of the last call."""
        rows = self.told[self.done : self.done + len(x)]
        self.done += len(x)
        return rows.to(x)


class _ByLabels(_Told):
    """Translations go to given labels."""

    def translate(self, x: Tensor, direction: str) -> Translation:
        return self.method.translate_to(x, self.of_next(x))


class _ByMasks(_Told):
    """Translations change what is inside of given masks, (N, 1, H, W) of 0 and 1."""

    def translate(self, x: Tensor, direction: str) -> Translation:
        return self.method.translate(x, direction, self.of_next(x))


def _translate(method: Method, test: ImageSet, X: str, attribute: str) -> Outputs:
    own = torch.from_numpy(np.array(test.arrays[f"{X}_label"]))
    targets = target_labels(own, _attributes(method, test), attribute)
    return translate_split(_ByLabels(method, targets), test, X + "BA"["AB".index(X)])


def _attributes(method: Method, images: ImageSet) -> tuple[str, ...]:
    """The names of the attributes by which a method translates; none where it has no such labels"""
    return _columns(images) if method.by_attributes(method.config) else ()


def _columns(images: ImageSet) -> tuple[str, ...]:
    """The names of the attributes of a set; none where it has classes, or no labels."""
    label = images.arrays.get("A_label")
    if label is None or label.ndim != 2:
        return ()
    entry = spec(images.name)
    return labels.attributes(entry.folder / entry.folders(images.split)[0])


def _attribute(images: ImageSet, X: str, names: Sequence[str]) -> str:
    """The attribute that a domain is named after; of another set the first or the second."""
    place = "AB".index(X)
    known = {name.lower(): name for name in names}
    return known.get(images.domains[place].lower(), names[place])


def _belongs(train: ImageSet, test: ImageSet, X: str, Y: str) -> dict[str, np.ndarray]:
    """For each training folder which images are of the target domain alone; none: it is its own."""
    keys = ("A_label", "B_label")
    if any(key not in images.arrays for images in (train, test) for key in keys):
        return {}
    read = {half: train.arrays[key] for half, key in zip("AB", keys, strict=True)}
    if names := _columns(train):
        here, there = (list(names).index(_attribute(train, Z, names)) for Z in (X, Y))
        return {half: (v[:, there] == 1) & (v[:, here] == 0) for half, v in read.items()}
    seen = {Z: np.unique(test.arrays[f"{Z}_label"]) for Z in "AB"}
    if any(len(values) != 1 for values in seen.values()) or seen["A"] == seen["B"]:
        return {}
    return {half: values == seen[Y] for half, values in read.items()}
