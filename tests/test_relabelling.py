"""Labels decide what a face becomes and which images are real: the official rule, end to end."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from support.originals import MINIATURES, PEOPLE

from replicate import relabelling
from replicate.datasets import spec as specs
from replicate.datasets.packed import load
from replicate.datasets.recipes.celeba import LABELS
from replicate.datasets.recipes.preparing import prepare
from replicate.datasets.spec import registered
from replicate.errors import ReplicateError
from replicate.lab import ensure, make_run
from replicate.lab.execute import load_method
from replicate.lab.fingerprint import BY_LABEL
from replicate.lab.health import examine
from replicate.methods import METHODS
from replicate.preference.sources import run_images
from replicate.report import plots
from replicate.report.plots import matrices
from replicate.translating import model as translating

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

    def train(name: str, method: str, settings: dict | None = None, **options: object):
        prepare(name, MINIATURES[name](tmp_path / "originals"), "mini", **options)
        return ensure(make_run(method, "mini", 0, "smoke", settings), offline=True)

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
    run = trained("celeba", "attentiongan_multi:celeba", split="official")
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


@pytest.mark.parametrize(
    "method, able",
    [("stargan", "stargan:celeba"), ("combogan", "attentiongan_multi:celeba or icgan:celeba or")],
)
def test_attributes_are_not_trained_on_as_if_they_were_classes(trained, method, able):
    told = rf"{method} takes one class an image; mini has 5 attributes an image .*Take {able}"
    with pytest.raises(ReplicateError, match=told):
        trained("celeba", method, split="official")


def test_rafd_from_training_to_scores(trained):
    run = trained("rafd", "attentiongan_multi", {"c_dim": "8"})
    (neutral,) = pixels(run.folder / "outputs" / "neutral2happy").values()
    happy = painted(run, "A", [[0, 1, 0, 0, 0, 0, 0, 0]])[0]
    assert abs(neutral.astype(int) - happy).max() <= 1
    assert len(pd.read_csv(run.folder / "scores.csv")) > 0 and BY_LABEL in run.record()["scoring"]
    assert {f.name for f in (run.folder / "outputs").iterdir()} == {
        "neutral2happy",
        "happy2neutral",
    }


SHAPES = ("stargan", "combogan")  # one model of all domains, and networks of each
METHODS_FOR_MANY = [name for name, method in METHODS.items() if method.many]
FOUR = ("horse", "zebra", "cat", "dog")


@pytest.fixture
def animals(workspace, tmp_path, monkeypatch) -> str:
    """The name of a miniature of four domains, which the registry has as it has `animals`."""
    entry = prepare("animals", MINIATURES["animals"](tmp_path / "originals"), "mini")
    known = entry.model_copy(update={"classes": registered("animals").classes})
    monkeypatch.setattr(specs, "_entries", lambda: {"mini": known})
    return "mini"


@pytest.mark.parametrize("method", METHODS_FOR_MANY)
def test_every_ordered_pair_of_four_domains_is_scored(animals, method, request):
    if method not in SHAPES and not request.config.getoption("--all-variants"):
        pytest.skip("of the shape of one that is tested: make test-all")
    run = ensure(make_run(method, animals, 0, "smoke"), offline=True)
    assert run.config.c_dim == 4  # what the set's entry says
    wanted = {f"{a}->{b}" for a in FOUR for b in FOUR if a != b}
    table = pd.read_csv(run.folder / "scores.csv")
    rates = table[table["protocol"] == "class-rate/efficientnet-lite0"]
    assert set(table["direction"]) == set(rates["direction"]) == wanted
    assert rates["value"].notna().all() and BY_LABEL in run.record()["scoring"]
    trained, test = load_method(run, torch.device("cpu")), load(animals, "test", 32)
    found = pixels(run.folder / "outputs" / "cat2zebra")
    assert len(found) == 2
    for stem, made in found.items():
        i = [Path(name).stem for name in test.names["others"]].index(stem)
        x = torch.from_numpy(np.array(test.arrays["others"][[i]])).permute(0, 3, 1, 2) / 127.5 - 1
        with torch.no_grad():
            image = trained.translate(x, "CB").image
        zebra = ((image + 1) * 127.5).round().clamp(0, 255)[0].permute(1, 2, 0).numpy()
        # 1 of 255: the same images may come in another batch
        assert abs(made.astype(int) - zebra).max() <= 1
    assert not (run.folder / "classes.csv").exists()
    model = translating.load(f"{method}@{animals}")
    assert len(model.directions) == 12
    picture = model.translate(np.array(test.arrays["others"][i]), "cat->zebra")
    assert abs(np.asarray(picture).astype(int) - made).max() <= 1
    assert examine(run.folder)["direction"].unique().tolist() == ["horse->zebra", "zebra->horse"]
    _, lines = matrices.of_run(run, test, FOUR, 6)
    maps = ["  attention"] if method == "attentiongan_multi" else []
    assert [label for label, _ in lines] == [text for word in FOUR for text in (word, *maps)]
    cats = dict(lines)["cat"]
    assert len(cats) == 5 and (cats[3] == 255).all()  # an input, then one of each domain
    first = test.names["others"][test.arrays["others_label"].tolist().index(2)]
    assert (cats[2] == found[Path(first).stem]).all()
    assert len(plots.translations([run]).axes) == len(lines)


def test_a_pair_of_four_domains_is_a_set_of_two(animals):
    test, train = (load(animals, split, 16) for split in ("test", "train"))
    pair = relabelling.between(test, 3, 0)
    assert pair.domains == ("dog", "horse") and set(pair.arrays) == set(pair.names) == {"A", "B"}
    for X, word in zip("AB", pair.domains, strict=True):
        assert len(pair.arrays[X]) == len(pair.names[X]) == 2
        assert all(name.startswith(f"{word}_") for name in pair.names[X])
    assert (pair.arrays["B"] == test.arrays["A"]).all()
    of_training = relabelling.between(train, 3, 0)
    assert len(of_training.arrays["A"]) == 4  # from both halves
    with pytest.raises(ReplicateError, match=r"no image of dog \(label 3\) in test"):
        none = {"others_label": np.full(4, 2)}
        relabelling.between(replace(test, arrays=test.arrays | none), 3, 0)


def test_a_method_for_two_domains_is_refused(animals):
    with pytest.raises(ReplicateError, match=r"cyclegan translates between two .*, mini has 4"):
        ensure(make_run("cyclegan", animals, 0, "smoke"))


def test_masks_of_the_test_images_are_told(workspace):
    run = make_run("contrastgan:masks", "shapes_drawn", 0, "smoke", {"c_dim": "5"})
    ensure(run, offline=True)
    test = load("shapes_drawn", "test", 32)
    mask = np.asarray(test.arrays["A_mask"][0]) == 0
    made = pixels(run.folder / "outputs" / "flat2striped")[Path(test.names["A"][0]).stem]
    assert (made[mask] == np.asarray(test.arrays["A"][0])[mask]).all() and mask.any()
    assert (made[~mask] != np.asarray(test.arrays["A"][0])[~mask]).any()


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
