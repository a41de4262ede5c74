"""Pictures of runs and data sets: curves, translations, samples, scores; 1600 px wide at most."""

from replicate.report.plots.contact import contact_sheet, fault_sheet
from replicate.report.plots.images import progress, translations
from replicate.report.plots.picture import save
from replicate.report.plots.records import gallery, kept, strip
from replicate.report.plots.scores import cost, curves, losses, scores
from replicate.report.plots.writing import write

__all__ = [
    "contact_sheet",
    "cost",
    "curves",
    "fault_sheet",
    "gallery",
    "kept",
    "losses",
    "progress",
    "save",
    "scores",
    "strip",
    "translations",
    "write",
]
