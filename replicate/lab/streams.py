"""Runs whose images come otherwise than `execute.build` has them, or are more than a memory holds.

Another filter for the training images, the order of their names in place of permutations, halves of
pairs drawn apart for a method that needs none, two domains of several for a method that translates
between two at a time, a map memory as large as the set. All other runs are built as those on record
were, by the same code; that of this file has a fingerprint of its own.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from replicate import repro
from replicate.datasets import packed
from replicate.datasets.batches import Batches, _cut
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.methods.base import Config, Method

# purposes of a random stream, beside those of `batches`
_PAIR, _IMAGE = 2, 3


class Stream(Batches):
    """Batches of a set with an order or a pairing of their own.

    Args:
        images: a packed split.
        c: the run's configuration; `order` "serial" gives image p mod n of a domain at place p.
        apart: whether the domains of a paired set are drawn as those of any other.
        seed, device: as of `Batches`.
    """

    def __init__(
        self, images: ImageSet, c: Config, apart: bool, seed: int, device: torch.device
    ) -> None:
        super().__init__(images, c.batch_size, c.crop_size, c.flip, seed, device)
        self._paired, self._serial = self._paired and not apart, c.order == "serial"

    def _order(self, stream: int, epoch: int, count: int) -> np.ndarray:
        return np.arange(count) if self._serial else super()._order(stream, epoch, count)


class DomainPairs(Batches):
    """Batches of a labelled set: A shows one of its domains, B another one.

    Both domains are drawn anew for every batch, then images of each with replacement, as ComboGAN's
    loader draws. The training folders are halves of all labels, so images come from either.

    Args:
        images: a packed split with classes, `A_label` and `B_label`.
        c, seed, device: as of `Stream`.

    Raises:
        ReplicateError: labels are attributes, or an image of some class is missing.
    """

    def __init__(self, images: ImageSet, c: Config, seed: int, device: torch.device) -> None:
        super().__init__(images, c.batch_size, c.crop_size, c.flip, seed, device)
        labels = {X: np.asarray(images.arrays[f"{X}_label"]) for X in "AB"}
        number = 1 + max(int(label.max()) for label in labels.values())
        self._places = [
            [(X, i) for X, label in labels.items() for i in np.flatnonzero(label == k)]
            for k in range(number if all(label.ndim == 1 for label in labels.values()) else 0)
        ]
        if len(self._places) < 2 or not all(self._places):
            counts = [len(places) for places in self._places]
            raise ReplicateError(
                f"{images.name}: {counts or 'attributes, no'} images by class; expected at least "
                "one image of each of two classes or more: take a set whose labels are domains, "
                "such as animals"
            )

    @property
    def iterations_per_epoch(self) -> int:
        """Batches with as many images as the largest domain has."""
        return -(-max(map(len, self._places)) // self.batch_size)

    def __call__(self, iteration: int) -> dict[str, Tensor]:
        """As of `Batches`; `A_index` and `B_index` count the images of a domain."""
        batch = {}
        for stream, (X, k) in enumerate(zip("AB", self._domains(iteration), strict=True)):
            first = iteration * self.batch_size
            words = self._words(_IMAGE, stream, high=0, low=first, count=4 * self.batch_size)
            index = _below(words[::4], len(self._places[k]))
            crops = self._crops(stream, iteration)
            cut = [self._image(*self._places[k][i], crops[[n]]) for n, i in enumerate(index)]
            for key in cut[0]:
                batch[f"{X}{key}"] = torch.cat([image[key] for image in cut]).to(self._device)
            batch[f"{X}_index"] = torch.from_numpy(index).to(self._device)
            batch[f"{X}_crop"] = torch.from_numpy(crops).to(self._device)
        return batch

    def _domains(self, iteration: int) -> tuple[int, int]:
        """Two different labels, every ordered pair with one probability."""
        number = len(self._places)
        words = self._words(_PAIR, 0, high=0, low=iteration, count=4)
        first, step = _below(words[:1], number)[0], 1 + _below(words[1:2], number - 1)[0]
        return int(first), int((first + step) % number)

    def _image(self, X: str, i: int, crops: np.ndarray) -> dict[str, Tensor]:
        """One image of a half with all that is aligned with it, by what follows the half's name."""
        index, size = np.array([i]), self.crop_size
        arrays = self._arrays[X].items()
        return {key[1:]: _cut(array, index, crops, size) for key, array in arrays}


def _below(words: np.ndarray, number: int) -> np.ndarray:
    """int64 in 0 to `number` - 1 of random words of 64 bits."""
    return ((words >> np.uint64(32)) * np.uint64(number) >> np.uint64(32)).astype(np.int64)


def training_set(run: Run) -> ImageSet:
    """The packed training split, by the filter of the run."""
    return packed.load(run.dataset, "train", run.config.load_size, resize=run.config.resize)


def sized(run: Run) -> Config:
    """The run's configuration with a map memory for every image of the larger domain.

    How large a memory is decides nothing as long as every image has its place.
    """
    holds = METHODS[run.method].needs(run.config).at_most
    if holds is None:
        return run.config
    images = training_set(run).arrays
    most = max(len(images[X]) for X in "AB")
    return replace(run.config, memory=most) if most > holds else run.config


def is_special(run: Run) -> bool:
    """Whether images come to a run otherwise than by `execute.build`."""
    c = run.config
    special = c.resize != "bicubic" or c.order != "shuffled" or _apart(run)
    return special or METHODS[run.method].needs(c).domain_pairs


def build(run: Run, device: torch.device) -> tuple[Method, Batches]:
    """The seeded method on its device, and its batches."""
    repro.prepare(run.seed, run.threads)
    batches = over(run, training_set(run), device)
    return METHODS[run.method](sized(run)).to(device), batches


def over(run: Run, images: ImageSet, device: torch.device) -> Batches:
    """The run's batches of its training set, which may have got further arrays."""
    c = run.config
    if METHODS[run.method].needs(c).domain_pairs and "A_label" in images.arrays:
        return DomainPairs(images, c, run.seed, device)
    return Stream(images, c, _apart(run), run.seed, device)


def _apart(run: Run) -> bool:
    """Whether the set is one of pairs and the method is not."""
    return spec(run.dataset).paired and not METHODS[run.method].needs(run.config).pairs
