"""Pictures of runs and data sets: curves, translations, samples, scores; 1600 px wide at most."""

from replicate.plots.attention import attention_over_training
from replicate.plots.classes import label_statistics
from replicate.plots.contact import contact_sheet, fault_sheet
from replicate.plots.cost import cost
from replicate.plots.curves import curves, losses
from replicate.plots.galleries import evolution, heat_maps, masks, normalisations
from replicate.plots.images import progress, translations
from replicate.plots.instances import correspondences, windows
from replicate.plots.picture import save
from replicate.plots.points import scores
from replicate.plots.records import gallery, kept, strip
from replicate.plots.writing import write

__all__ = [
    "attention_over_training",
    "contact_sheet",
    "correspondences",
    "cost",
    "curves",
    "evolution",
    "fault_sheet",
    "gallery",
    "heat_maps",
    "kept",
    "label_statistics",
    "losses",
    "masks",
    "normalisations",
    "progress",
    "save",
    "scores",
    "strip",
    "translations",
    "windows",
    "write",
]
