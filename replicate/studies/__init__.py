"""A study is what one notebook asks beyond tables and plots of scores, a file a study.

`effects` is notebook 00's: what choices of a protocol do to a number. `windows`, `coverage` and
`adaptation` are 01's; `galleries` 03's and 04's; `capacity` 03's; `attention`, `probe`,
`pixel_classes`, `segmentation` and `label_statistics` 05's.
"""

from replicate.studies.adaptation import adaptation
from replicate.studies.attention import attention_over_training
from replicate.studies.capacity import capacity
from replicate.studies.coverage import coverage
from replicate.studies.galleries import evolution, heat_maps, masks, normalisations
from replicate.studies.label_statistics import label_statistics
from replicate.studies.probe import probe
from replicate.studies.segmentation import segmentation
from replicate.studies.windows import correspondences, window_hits, window_outlines

__all__ = [
    "adaptation",
    "attention_over_training",
    "capacity",
    "correspondences",
    "coverage",
    "evolution",
    "heat_maps",
    "label_statistics",
    "masks",
    "normalisations",
    "probe",
    "segmentation",
    "window_hits",
    "window_outlines",
]
