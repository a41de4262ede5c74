"""Runs whose images come otherwise than `execute.build` has them, or are more than a memory holds.

Another filter for the training images, the order of their names in place of permutations, halves of
pairs drawn apart for a method that needs none, a map memory as large as the set. All other runs are
built as those on record were, by the same code; that of this file has a fingerprint of its own.
"""

from dataclasses import replace

import numpy as np
import torch

from replicate import repro
from replicate.datasets import packed
from replicate.datasets.batches import Batches
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import spec
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.methods.base import Config, Method


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
    return c.resize != "bicubic" or c.order != "shuffled" or _apart(run)


def build(run: Run, device: torch.device) -> tuple[Method, Batches]:
    """The seeded method on its device, and its batches."""
    repro.prepare(run.seed, run.threads)
    batches = over(run, training_set(run), device)
    return METHODS[run.method](sized(run)).to(device), batches


def over(run: Run, images: ImageSet, device: torch.device) -> Batches:
    """The run's batches of its training set, which may have got further arrays."""
    return Stream(images, run.config, _apart(run), run.seed, device)


def _apart(run: Run) -> bool:
    """Whether the set is one of pairs and the method is not."""
    return spec(run.dataset).paired and not METHODS[run.method].needs(run.config).pairs
