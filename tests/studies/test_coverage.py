"""Classes of translations: shares by hand, and a classifier that learns and leaves no trace."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from support.made_up_runs import record_of

from replicate import paths, studies
from replicate.datasets import packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.lab import classes as judged
from replicate.lab import classes as judging
from replicate.lab.classes import class_names, classes_of, classifier
from replicate.lab.published import CLASSES
from replicate.lab.run import Run, make_run
from replicate.networks.classifier import ImageClassifier
from replicate.report.tables.summary import SMOKE
from replicate.studies.class_coverage import JUDGED, KEPT, OF_CLASSES, measured, shares

SIDE = 32  # px, the smoke size
COLOURS = np.array([[250, 20, 20], [20, 250, 20], [20, 20, 250]], np.uint8)
LABELS = {"A": [0, 1, 2, 0], "B": [0, 0, 0, 1]}


def coloured(labels: list[int]) -> np.ndarray:
    """A noisy image a label, whose left upper corner has the colour of its class."""
    made = np.random.default_rng(0).integers(80, 170, (len(labels), SIDE, SIDE, 3), np.uint8)
    made[:, 4:12, 4:12] = COLOURS[labels][:, None, None]
    return made


@pytest.fixture
def sets(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ImageSet]:
    """A training and a test split; class 2 is rare in B's training and absent in its test."""
    labels = {"train": {"A": [0, 1, 2] * 4, "B": [0] * 8 + [1] * 3 + [2]}, "test": LABELS}
    made = {}
    for split, of in labels.items():
        arrays = {X: coloured(of[X]) for X in "AB"}
        arrays |= {f"{X}_label": np.array(of[X]) for X in "AB"}
        arrays |= {f"{X}_ideal": arrays[X] for X in "AB"}
        names = {X: [f"{X}{i}.png" for i in range(len(of[X]))] for X in "AB"}
        about = ("shapes_drawn", split, SIDE, ("flat", "striped"), False, arrays, names, {"s": 1})
        made[split] = ImageSet(*about)
    monkeypatch.setattr(packed, "load", lambda name, split, size, **more: made[split])
    monkeypatch.setattr(judging, "STEPS", 50)  # colours are learned sooner than shapes
    yield made
    torch.use_deterministic_algorithms(False)


def test_shares_and_what_is_kept() -> None:
    names = ("a", "b", "c")
    assert shares(np.array([0, 0, 1, 0]), names) == {"a": 0.75, "b": 0.25, "c": 0.0}
    found, truth = np.array([0, 0, 1, 0]), np.array([0, 0, 0, 1])
    row = measured(found, truth, names)
    assert row == {"a": 0.75, "b": 0.25, "c": 0.0, KEPT: 0.5, OF_CLASSES: pytest.approx(1 / 3)}
    # 2 of 3 of class 0 and 0 of 1 of class 1: a third, but for rounding; class 2 has no input


def test_classes_have_the_names_of_the_drawn_set_or_numbers() -> None:
    assert class_names("shapes_drawn", 5)[-1] == "star"
    assert class_names("mine", 2) == ("class 0", "class 1")


def test_the_place_of_what_is_seen_does_not_matter() -> None:
    """A pattern moved by the strides' product, 8 px, moves its features and not their maximum."""
    network = ImageClassifier(4).eval()
    x = torch.zeros(2, 3, 96, 96)
    pattern = torch.rand(3, 8, 8)
    x[0, :, 40:48, 40:48], x[1, :, 48:56, 40:48] = pattern, pattern
    with torch.no_grad():
        one, other = network(x)
    assert one.shape == (4,)
    # equal but for the order of sums in norms, 1e-7 of values near 1
    assert torch.allclose(one, other, atol=1e-5)
    with torch.no_grad():
        assert not torch.allclose(one, network(1 - x)[0], atol=1e-3)


def test_a_classifier_learns_the_rare_class_and_is_kept(sets: dict, capsys) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    made = classifier("shapes_drawn", "B", SIDE)
    assert torch.equal(torch.rand(1), expected)  # the global stream is as it was
    assert classes_of(made, coloured([2, 1, 0, 2])).tolist() == [2, 1, 0, 2]
    (file,) = (paths.results() / "classifiers" / "shapes_drawn").glob("*/weights.pt")
    before, when = file.read_bytes(), file.stat().st_mtime_ns
    again = classifier("shapes_drawn", "B", SIDE)
    assert file.stat().st_mtime_ns == when  # loaded, not trained
    shutil.rmtree(file.parent)
    torch.manual_seed(4)
    anew = classifier("shapes_drawn", "B", SIDE)
    for other in (again, anew):
        for name, value in made.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    assert len(before) == file.stat().st_size
    middle = len(before) // 2
    file.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
    with pytest.raises(ReplicateError, match=r"weights\.pt is damaged .* Delete .* trained anew"):
        classifier("shapes_drawn", "B", SIDE)


def test_large_images_are_averaged_down() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)
    (small,) = judging._small(images)
    mean = images.reshape(3, 64, 2, 64, 2, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    assert small.shape == (3, 3, 64, 64)
    # float32 of values up to 1 has steps of 6e-8; a mean of four adds three roundings
    assert np.allclose(small.numpy(), mean / 127.5 - 1, atol=1e-6)
    (same,) = judging._small(images[:, :64, :64])
    assert same.shape == (3, 3, 64, 64) and float(same.max()) == 1.0


def scored(name: str, seed: int, made: dict[str, np.ndarray]) -> Run:
    run = make_run(name, "shapes_drawn", seed, "smoke")
    for words, X in (("flat2striped", "A"), ("striped2flat", "B")):
        folder = run.folder / "outputs" / words
        folder.mkdir(parents=True)
        for i, image in enumerate(made[X]):
            Image.fromarray(image).save(folder / f"{X}{i}.png")
    return run


@pytest.fixture
def runs(sets: dict, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """A seed that keeps every class, and one that makes all images ones of class 0."""
    monkeypatch.setattr(Run, "record", lambda run: {"status": "finished"})
    keeps = {X: coloured(LABELS[X]) for X in "AB"}
    collapses = {X: coloured([0] * 4) for X in "AB"}
    return [
        scored("dagan", 0, keeps), scored("dagan", 1, collapses), scored("cyclegan", 0, keeps)
    ]  # fmt: skip


def test_the_table_sets_methods_below_what_is_true(runs: list[Run]) -> None:
    frame = studies.coverage(runs)
    ab = frame[frame["direction"] == "flat->striped"].set_index(SMOKE)
    order = ["target, true", JUDGED, "source, true", "ideal translation", "cyclegan", "dagan"]
    assert list(ab.index) == order
    classes = ["disk", "square", "triangle"]
    assert ab.loc["target, true", classes].tolist() == ["0.75", "0.25", "0.00"]
    assert ab.loc["source, true", [*classes, KEPT]].tolist() == ["0.50", "0.25", "0.25", "-"]
    assert ab.loc[JUDGED, [*classes, KEPT]].tolist() == ["0.75", "0.25", "0.00", "1.00"]
    assert ab.loc["ideal translation", KEPT] == ab.loc["ideal translation", OF_CLASSES] == "1.00"
    assert ab.loc["cyclegan", "triangle"] == "0.25 (1 seed)"
    # of two seeds 0.25 and 0, 1 and 1/2, 1 and 1/3; sd = difference / sqrt 2
    assert ab.loc["dagan", "triangle"] == "0.12 ± 0.18 (2)"
    assert ab.loc["dagan", KEPT] == "0.75 ± 0.35 (2)"
    assert ab.loc["dagan", OF_CLASSES] == "0.67 ± 0.47 (2)"


def recorded(run: Run) -> Run:
    record = record_of(run, config={"crop_size": SIDE})
    (run.folder / "run.json").write_text(json.dumps(record))
    return run


def test_scores_of_classes_stand_beside_those_of_a_run(runs: list[Run]) -> None:
    recorded(runs[1])
    text = judged.content(runs[1].folder)
    table = pd.read_csv(io.StringIO(text)).set_index("direction")
    assert list(table["protocol"]) == [judged.PROTOCOL] * 2
    # all images become ones of class 0: of three classes one is kept, of two one
    assert table["value"].tolist() == pytest.approx([1 / 3, 1 / 2])
    assert table["do_nothing"].tolist() == table["floor"].tolist() == [1, 1]
    elsewhere = paths.results() / "elsewhere"
    elsewhere.mkdir()
    assert judged.content(elsewhere) is None  # no outputs


def test_scoring_counts_classes_where_it_can(runs: list[Run], sets: dict) -> None:
    laptop = replace(runs[1], budget="laptop")
    shutil.copytree(runs[1].folder, laptop.folder)
    for run in (laptop, runs[1]):
        assert judged.count(recorded(run).folder, run.budget) == {}
    assert (laptop.folder / CLASSES).exists() and not (runs[1].folder / CLASSES).exists()
    sets["train"].arrays["B_label"] = np.array([0, 2] * 6)  # nobody learns class 1 from these
    (note,) = judged.count(laptop.folder, "laptop").values()
    assert note.startswith("not computed: shapes_drawn: B_label holds no image of class 1")


def test_budgets_do_not_mix(runs: list[Run]) -> None:
    laptop = replace(runs[0], budget="laptop")
    (laptop.folder / "outputs").mkdir(parents=True)
    with pytest.raises(ReplicateError, match="budgets laptop and smoke in one table"):
        studies.coverage([runs[0], laptop])


def test_sets_without_labels_are_refused(runs: list[Run], sets: dict) -> None:
    empty = np.array([0, 0, 2] * 4)
    sets["train"].arrays["A_label"] = empty
    with pytest.raises(ReplicateError, match="A_label holds no image of class 1, expected some"):
        classifier("shapes_drawn", "A", SIDE)
    del sets["train"].arrays["A_label"]
    with pytest.raises(ReplicateError, match="no A_label, expected a class for every training"):
        classifier("shapes_drawn", "A", SIDE)
    del sets["test"].arrays["A_label"]
    with pytest.raises(ReplicateError, match="no finished run is on a set with labels"):
        studies.coverage(runs)
