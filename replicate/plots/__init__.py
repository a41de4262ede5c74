"""Pictures of runs: curves, translations, samples on the way, scores. None is over 1600 px wide."""

from replicate.plots.attention import attention_over_training
from replicate.plots.classes import label_statistics
from replicate.plots.curves import curves, losses
from replicate.plots.galleries import evolution, heat_maps, masks, normalisations
from replicate.plots.images import progress, translations
from replicate.plots.instances import correspondences, windows
from replicate.plots.picture import save
from replicate.plots.points import scores
from replicate.plots.writing import write

__all__ = [
    "attention_over_training",
    "correspondences",
    "curves",
    "evolution",
    "heat_maps",
    "label_statistics",
    "losses",
    "masks",
    "normalisations",
    "progress",
    "save",
    "scores",
    "translations",
    "windows",
    "write",
]
