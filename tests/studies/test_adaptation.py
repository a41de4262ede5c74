"""Domain adaptation: classes by colour, the colours of the target changed round."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from replicate import studies
from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.evaluation import Outputs
from replicate.lab import classes as judging
from replicate.lab.run import Run, make_run
from replicate.methods import METHODS
from replicate.report.tables.summary import SMOKE
from replicate.studies import domain_adaptation as module
from replicate.studies.domain_adaptation import COLUMNS, SOURCE, TARGET

SIDE = 32  # px, the smoke size
COLOURS = np.array([[250, 20, 20], [20, 250, 20], [20, 20, 250]], np.uint8)
LABELS = {"train": [0, 1, 2] * 4, "test": [0, 0, 0, 1, 2]}  # of both domains


def coloured(labels: list[int], turned: int) -> np.ndarray:
    """A noisy image a label, with a square in the colour of the class `turned` further on."""
    made = np.random.default_rng(0).integers(80, 170, (len(labels), SIDE, SIDE, 3), np.uint8)
    made[:, 4:12, 4:12] = COLOURS[(np.array(labels) + turned) % 3][:, None, None]
    return made


@pytest.fixture
def sets(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ImageSet]:
    """In B the colours are those of the next class."""
    made = {}
    for split, labels in LABELS.items():
        arrays = {X: coloured(labels, turned) for turned, X in enumerate("AB")}
        arrays |= {f"{X}_label": np.array(labels) for X in "AB"}
        about = ("shapes_drawn", split, SIDE, ("flat", "striped"), False, arrays, {}, {"s": 1})
        made[split] = ImageSet(*about)
    monkeypatch.setattr(packed, "load", lambda name, split, size, **more: made[split])
    monkeypatch.setattr(judging, "STEPS", 25)  # colours are learned sooner than shapes
    monkeypatch.setattr(Run, "record", lambda run: {"status": "finished"})
    yield made
    torch.use_deterministic_algorithms(False)


def translates(method: SimpleNamespace, images: ImageSet, direction: str) -> Outputs:
    """Seed 0 as it should be; seed 1 leaves every image as it is."""
    X, Y = direction
    return Outputs(images.arrays[Y if method.seed == 0 else X], None)


def test_translations_teach_what_the_source_cannot(sets: dict, monkeypatch) -> None:
    made = lambda run, device: SimpleNamespace(seed=run.seed, takes="images")  # noqa: E731
    monkeypatch.setattr(module, "load_method", made)
    monkeypatch.setattr(module, "translate_split", translates)
    frame = studies.adaptation(
        [make_run("dagan", "shapes_drawn", seed, "smoke") for seed in (0, 1)]
    )
    for direction in ("flat->striped", "striped->flat"):
        rows = frame[frame["direction"] == direction].set_index(SMOKE)
        assert list(rows.index) == [SOURCE, "dagan", TARGET]
        of_images, of_classes = (rows[column] for column in COLUMNS.values())
        # every colour of the target means another class in the source
        assert (of_images[SOURCE], of_classes[SOURCE]) == ("0.00", "0.00")
        assert (of_images[TARGET], of_classes[TARGET]) == ("1.00", "1.00")
        # seed 0 has seen the target, seed 1 the source: 1 and 0, sd = 1 / sqrt 2
        assert of_images["dagan"] == of_classes["dagan"] == "0.50 ± 0.71 (2)"


def test_what_is_taught_are_the_translations_of_the_training_split(sets, monkeypatch) -> None:
    """The images of an untrained method, in order, with the labels of their inputs."""
    given = []
    monkeypatch.setattr(module, "_train", lambda *pair: given.append(pair) or torch.nn.ReLU())
    run = make_run("dagan", "shapes_drawn", 0, "smoke")
    method = METHODS["dagan"](run.config).eval()
    monkeypatch.setattr(module, "load_method", lambda run, device: method)
    sets["train"].arrays["B_label"] = np.array([2, 1, 0] * 4)
    module._taught(run, "BA")
    ((images, labels),) = given
    assert labels.tolist() == [2, 1, 0] * 4 and images.shape == (12, SIDE, SIDE, 3)
    x = torch.from_numpy(sets["train"].arrays["B"][5:6]).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        alone = method.translate(x, "BA").image[0].permute(1, 2, 0)
    # half a level of rounding to uint8, and what float32 adds in a batch of another size
    assert np.abs(images[5] - (alone.numpy() + 1) * 127.5).max() < 0.51


def test_budgets_do_not_mix_and_labels_are_needed(sets: dict) -> None:
    run = make_run("dagan", "shapes_drawn", 0, "smoke")
    with pytest.raises(ReplicateError, match="budgets laptop and smoke in one table"):
        studies.adaptation([run, replace(run, budget="laptop")])
    del sets["train"].arrays["A_label"]
    with pytest.raises(ReplicateError, match="no finished run is on a set with labels"):
        studies.adaptation([run])
