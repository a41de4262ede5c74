"""A study is what one notebook asks beyond tables and plots of scores, a file a study.

`effects` is notebook 00's: what choices of a protocol do to a number. `windows`, `class_coverage`,
`domain_adaptation` and `sentences` are 01's; `galleries` 03's and 04's; `model_capacity` 03's;
`attention`, `attention_probe`, `pixel_classes`, `pixel_segmentation` and `label_measurements` 05's.
`diversity` is that of a command. No file is named as a function of this module, which would hide
it.
"""

from replicate.studies.attention import attention_over_training
from replicate.studies.attention_probe import probe
from replicate.studies.class_coverage import coverage
from replicate.studies.domain_adaptation import adaptation
from replicate.studies.galleries import evolution, heat_maps, masks, normalisations
from replicate.studies.label_measurements import label_statistics
from replicate.studies.model_capacity import capacity
from replicate.studies.pixel_segmentation import segmentation
from replicate.studies.sentences import named_and_shown
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
    "named_and_shown",
    "normalisations",
    "probe",
    "segmentation",
    "window_hits",
    "window_outlines",
]
