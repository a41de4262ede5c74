"""Spatial guidance at smoke size, and what its tests compute by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from replicate.methods.base import Batch
from replicate.methods.spatial_guidance import SpatialGuidance
from replicate.networks.guidance import enlarge, min_max
from replicate.training import Training


def tiny(
    start: Callable[..., Training],
    variant: str = "paper",
    folder: Path | None = None,
    **changes: object,
) -> Training:
    """A training of 32 px crops of 40 px images, which lie elsewhere at each visit."""
    settings = {**SpatialGuidance.VARIANTS[variant], **SpatialGuidance.SMOKE, "load_size": 40}
    return start(SpatialGuidance, replace(SpatialGuidance.Config(), **settings | changes), folder)


def begun(
    start: Callable[..., Training], variant: str = "paper", **changes: object
) -> tuple[SpatialGuidance, Batch]:
    """The method before its first step, and its first batch."""
    training = tiny(start, variant, **changes)
    training.method.begin(0, 1.0)
    return training.method, training.batches(0)


def square(x: Tensor) -> Tensor:
    """The mean square."""
    return (x**2).mean()


def gap(x: Tensor, y: Tensor) -> Tensor:
    """The mean absolute difference."""
    return (x - y).abs().mean()


def seen_by(D: nn.Module, x: Tensor) -> Tensor:
    """A discriminator's map of images, stretched and enlarged."""
    return enlarge(min_max(D(x).attention), x.shape[2:])
