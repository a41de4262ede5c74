"""Spatial guidance on pairs at smoke size, and what its tests compute by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from replicate.methods.base import Batch
from replicate.methods.spatial_guidance_paired import SpatialGuidancePaired
from replicate.networks.guidance import min_max
from replicate.training import Training

# the smoke size has five levels, so no dropout: a forward can be repeated
SMALL = SpatialGuidancePaired.SMOKE | {"load_size": 40, "memory": 10}


def tiny(
    start: Callable[..., Training],
    variant: str = "paper",
    folder: Path | None = None,
    **changes: object,
) -> Training:
    """A training of 32 px crops of 40 px pairs, which lie elsewhere at each visit."""
    settings = {**SpatialGuidancePaired.VARIANTS[variant], **SMALL, **changes}
    return start(SpatialGuidancePaired, replace(SpatialGuidancePaired.Config(), **settings), folder)


def begun(
    start: Callable[..., Training], variant: str = "paper", **changes: object
) -> tuple[SpatialGuidancePaired, Batch]:
    """The method before its first step, with a learning rate, and its first batch."""
    training = tiny(start, variant, **changes)
    training.method.begin(0, 1.0)
    return training.method.train(), training.batches(0)


def map_by(method: SpatialGuidancePaired, Y: str, x: Tensor, y: Tensor) -> Tensor:
    """D[Y]'s map of `x` beside its translation `y`, stretched, on D's grid."""
    return min_max(method.D[Y](torch.cat([x, y], 1)).attention)


def shaped(method: SpatialGuidancePaired, X: str, guide: Tensor) -> Tensor:
    """A map (1, 1, 32, 32) averaged on squares of 4 px, through the S-component if there is one."""
    if not method.config.s_component:
        return guide
    return method.S[X](guide.unflatten(2, (8, 4)).unflatten(4, (8, 4)).mean((3, 5)))
