"""A study is what one notebook asks beyond tables and plots of scores, a file a study.

`effects` is notebook 00's: what choices of a protocol do to a number. `windows`, `class_coverage`,
`domain_adaptation` and `sentences` are 01's; `galleries` 03's, 04's and 06's; `model_capacity`
03's; `attention`, `attention_probe`, `pixel_classes`, `pixel_segmentation`, `label_measurements`
and `street_scenes` 06's; `carried_weights` 90's; `released_weights` and `real_photographs` those of
all papers. `results` publishes what needs the files of runs, `diversity` is 03's, 04's and
that of a command. No file is named as a function of this module, which would hide it.
"""

from replicate.studies import (
    attention,
    attention_probe,
    class_coverage,
    domain_adaptation,
    galleries,
    label_measurements,
    pixel_segmentation,
    sentences,
    windows,
)
from replicate.studies.carried_weights import carried
from replicate.studies.diversity import distances, several, styles
from replicate.studies.model_capacity import capacity
from replicate.studies.pixel_classes import absent
from replicate.studies.real_photographs import photographs
from replicate.studies.released_weights import released
from replicate.studies.results import of_parameters, of_runs
from replicate.studies.street_scenes import street_segmentation, street_statistics, streets

adaptation = of_runs(domain_adaptation.adaptation)
attention_over_training = of_runs(attention.attention_over_training)
correspondences = of_runs(windows.correspondences, inapplicable=windows.inapplicable)
coverage = of_runs(class_coverage.coverage)
evolution = of_runs(galleries.evolution)
heat_maps = of_runs(galleries.heat_maps)
label_statistics = of_runs(label_measurements.label_statistics, absent)
masks = of_runs(galleries.masks)
normalisations = of_runs(galleries.normalisations)
named_and_shown = of_runs(sentences.named_and_shown, inapplicable=sentences.inapplicable)
probe = of_parameters(attention_probe.probe)
segmentation = of_runs(pixel_segmentation.segmentation, absent)
window_hits = of_runs(windows.window_hits, inapplicable=windows.inapplicable)
window_outlines = of_runs(windows.window_outlines, inapplicable=windows.inapplicable)

__all__ = [
    "adaptation",
    "attention_over_training",
    "capacity",
    "carried",
    "correspondences",
    "coverage",
    "distances",
    "evolution",
    "heat_maps",
    "label_statistics",
    "masks",
    "named_and_shown",
    "normalisations",
    "photographs",
    "probe",
    "released",
    "segmentation",
    "several",
    "street_segmentation",
    "street_statistics",
    "streets",
    "styles",
    "window_hits",
    "window_outlines",
]
