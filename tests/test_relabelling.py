"""Labels decide what a face becomes and which images are real: the official rule, end to end."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from support.originals import MINIATURES, PEOPLE

from replicate import relabelling
from replicate.datasets.packed import load
from replicate.datasets.recipes.celeba import LABELS
from replicate.datasets.recipes.preparing import prepare
from replicate.lab import ensure, make_run
from replicate.lab.execute import load_method
from replicate.lab.fingerprint import BY_LABEL
from replicate.preference.sources import run_images

# black, blond, brown hair, male, young: a source, and what it becomes by each attribute, worked out
# from solver.py:149-173 by hand: a colour of hair replaces the others, the rest is turned over
OFFICIAL = {
    (1, 0, 0, 1, 0): {
        "Black_Hair": (1, 0, 0, 1, 0), "Blond_Hair": (0, 1, 0, 1, 0), "Brown_Hair": (0, 0, 1, 1, 0),
        "Male": (1, 0, 0, 0, 0), "Young": (1, 0, 0, 1, 1),
    },
    (0, 0, 0, 0, 1): {  # bald, a woman, young
        "Black_Hair": (1, 0, 0, 0, 1), "Blond_Hair": (0, 1, 0, 0, 1), "Brown_Hair": (0, 0, 1, 0, 1),
        "Male": (0, 0, 0, 1, 1), "Young": (0, 0, 0, 0, 0),
    },
    (0, 1, 1, 0, 1): {  # an image that the list calls both
        "Black_Hair": (1, 0, 0, 0, 1), "Blond_Hair": (0, 1, 0, 0, 1), "Brown_Hair": (0, 0, 1, 0, 1),
        "Male": (0, 1, 1, 1, 1), "Young": (0, 1, 1, 0, 0),
    },
}  # fmt: skip


@pytest.mark.parametrize("attribute", LABELS)
def test_the_official_rule(attribute):
    sources = torch.tensor(list(OFFICIAL))
    wanted = torch.tensor([row[attribute] for row in OFFICIAL.values()])
    assert torch.equal(relabelling.target_labels(sources, LABELS, attribute), wanted)
    assert torch.equal(sources, torch.tensor(list(OFFICIAL)))  # not changed in place


@pytest.fixture
def trained(workspace, tmp_path):
    """A function that makes a miniature set and a scored run of it, of a few tiny steps."""

    def train(name: str, settings: dict, **options: object):
        prepare(name, MINIATURES[name](tmp_path / "originals"), "mini", **options)
        run = make_run("attentiongan_multi", "mini", 0, "smoke", settings)
        return ensure(run, offline=True)

    return train


def pixels(folder: Path) -> dict[str, np.ndarray]:
    return {file.stem: np.asarray(Image.open(file)) for file in folder.glob("*.png")}


def painted(run, X: str, labels: list[list[int]]) -> np.ndarray:
    """What the run's generator makes of the test images of X for these labels."""
    method, test = load_method(run, torch.device("cpu")), load("mini", "test", 32)
    x = torch.from_numpy(np.array(test.arrays[X])).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        image = method.paint(x, torch.tensor(labels).float()).image.clamp(-1, 1)
    return ((image + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def test_celeba_from_training_to_scores(trained):
    """Test faces: 9 (black hair, male, young) and 10 (blond, young); 11 and 12 are neither."""
    run = trained("celeba", {"c_dim": "5", "attributes": "true"}, split="official")
    outputs = run.folder / "outputs"
    wanted = {
        "black_hair2blond_hair": {"000009": ("A", [0, 1, 0, 1, 1])},
        "blond_hair2black_hair": {"000010": ("B", [1, 0, 0, 0, 1])},
        "face2hair_color": {
            "000009": ("A", [0, 1, 0, 1, 1]), "000010": ("B", [1, 0, 0, 0, 1]),
        },
        "face2gender": {"000009": ("A", [1, 0, 0, 0, 1]), "000010": ("B", [0, 1, 0, 1, 1])},
        "face2aged": {"000009": ("A", [1, 0, 0, 1, 0]), "000010": ("B", [0, 1, 0, 0, 0])},
    }  # fmt: skip
    assert {folder.name for folder in outputs.iterdir()} == set(wanted)
    for folder, faces in wanted.items():
        found = pixels(outputs / folder)
        assert set(found) == set(faces)
        for stem, (X, label) in faces.items():
            # 1 of 255: the same images may come in another batch
            assert abs(found[stem].astype(int) - painted(run, X, [label])[0]).max() <= 1
    scores = pd.read_csv(run.folder / "scores.csv")
    assert set(scores["direction"]) == {"black_hair->blond_hair", "blond_hair->black_hair"}
    assert BY_LABEL in run.record()["scoring"]
    assert set(run_images(run, "face->gender")) == {"000009", "000010"}  # for a page that asks


def test_rafd_from_training_to_scores(trained):
    run = trained("rafd", {"c_dim": "8"})
    (neutral,) = pixels(run.folder / "outputs" / "neutral2happy").values()
    happy = painted(run, "A", [[0, 1, 0, 0, 0, 0, 0, 0]])[0]
    assert abs(neutral.astype(int) - happy).max() <= 1
    assert len(pd.read_csv(run.folder / "scores.csv")) > 0 and BY_LABEL in run.record()["scoring"]
    assert {f.name for f in (run.folder / "outputs").iterdir()} == {
        "neutral2happy",
        "happy2neutral",
    }


def test_real_images_are_those_with_the_targets_label(root, tmp_path):
    """Of twelve people in turn black, blond, brown and bald, six train: two are blond."""
    prepare("celeba", MINIATURES["celeba"](tmp_path / "originals"), "mini", split="official")
    train, test = (load("mini", split, 32) for split in ("train", "test"))
    names = [name for X in "AB" for name in train.names[X]]
    images = np.concatenate([train.arrays[X] for X in "AB"])
    for direction, hair in (("AB", "Blond_Hair"), ("BA", "Black_Hair")):
        real = relabelling.with_real(train, test, direction).arrays[direction[1]]
        assert len(real) == len(test.arrays[direction[0]]) == 1
        (place,) = [i for i, image in enumerate(images) if (image == real[0]).all()]
        assert PEOPLE[int(names[place].split(".")[0]) - 1].get(hair) == 1
    unlabelled = load("horse2zebra_drawn", "test", 32)
    assert relabelling.with_real(unlabelled, unlabelled, "AB") is unlabelled
