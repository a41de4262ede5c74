"""Methods of sentences from end to end: a run, its scores and samples, and sentences of a user."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from replicate import load, sentences
from replicate.cli import app
from replicate.datasets import captions, packed
from replicate.errors import ReplicateError
from replicate.evaluation import TILES
from replicate.lab import ensure, execute, make_run
from replicate.lab.health import examine
from replicate.methods import METHODS
from replicate.weights import exporting

SENTENCE = "At the top left there is a striped red star on gravel"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A finished smoke run of each method, on the captioned set."""
    patch, place = pytest.MonkeyPatch(), tmp_path_factory.mktemp("sentences")
    patch.setenv("REPLICATE_DATA", str(place / "data"))
    patch.setenv("REPLICATE_RESULTS", str(place / "results"))
    finished = {}
    for name in ("stackgan", "dagan_text"):
        finished[name] = ensure(make_run(name, "shapes_captioned", 0, "smoke"), offline=True).folder
    torch.use_deterministic_algorithms(False)
    yield finished
    patch.undo()


@pytest.mark.parametrize("name", ["stackgan", "dagan_text"])
def test_a_run_is_scored_against_the_target_alone(folders, name):
    folder = folders[name]
    scores = pd.read_csv(folder / "scores.csv")
    assert set(scores["direction"]) == {"flat->striped", "striped->flat"}
    # no picture of a sentence need have the ground or the very place of an image
    mean = {"attention_mean"} if name == "dagan_text" else set()
    assert set(scores["metric"]) == {"kid", "fid", "class_rate", "class_probability"} | mean
    assert len(list((folder / "outputs" / "flat2striped").glob("*.png"))) == 132
    (sheet,) = folder.glob("translations.png")
    rows = 4 if name == "stackgan" else 6
    with Image.open(sheet) as picture:
        assert picture.size == (32 * TILES, 32 * rows)
        test = packed.load("shapes_captioned", "test", 32)
        first = np.asarray(picture)[:32, :32]
    assert np.array_equal(first, test.arrays["A"][0])
    assert set(examine(folder)["direction"]) == set(scores["direction"])


def test_what_is_translated_is_the_other_coat_s_sentence(folders):
    test = packed.load("shapes_captioned", "test", 32)
    sources = sentences.sources(METHODS["stackgan"], test)
    assert set(sources.arrays) == {"A", "B"}
    texts = {X: captions.decode(sources.arrays[X]) for X in "AB"}
    assert all("striped red" in text for text in texts["A"])
    assert all("flat blue" in text for text in texts["B"])
    images = METHODS["cyclegan"]
    assert sentences.sources(images, test) is test is sentences.compared(images, test)
    left = set(test.arrays) - set(sentences.compared(METHODS["stackgan"], test).arrays)
    assert left == {f"{X}_{name}" for X in "AB" for name in ("mask", "ideal")}
    bare = sentences.prompts(packed.load("shapes_drawn", "test", 32), "A")
    assert captions.decode(bare[:1]) == ["striped"]


def test_a_user_s_sentence_becomes_a_picture(folders, tmp_path):
    model = load(str(folders["stackgan"]))
    picture = model.translate(SENTENCE, seed=1)
    assert picture.size == (32, 32)
    same = model.translate(SENTENCE.lower(), "striped->flat", seed=1)
    assert np.array_equal(np.asarray(picture), np.asarray(same))
    assert load(str(folders["dagan_text"])).attention(SENTENCE).size == (32, 32)
    with pytest.raises(
        ReplicateError, match=r"draws from sentences, found ndarray; expected a text"
    ):
        model.translate(np.zeros((32, 32, 3), np.uint8))
    words = ["translate", str(folders["dagan_text"]), SENTENCE, "a flat disk", "--attention"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "001-at-the-top-left-there-is-a-striped-red-star-on-gravel-attention.png",
        "001-at-the-top-left-there-is-a-striped-red-star-on-gravel.png",
        "002-a-flat-disk-attention.png",
        "002-a-flat-disk.png",
    ]


@pytest.mark.parametrize("name", ["stackgan", "dagan_text"])
def test_a_file_of_weights_draws_as_its_run(folders, tmp_path, name):
    file, *_ = exporting.export(str(folders[name]), tmp_path / "a.safetensors")
    model, origin = load(str(file)), load(str(folders[name]))
    assert np.array_equal(*(np.asarray(one.translate(SENTENCE)) for one in (model, origin)))
    with pytest.raises(ReplicateError, match="draws from sentences, and this ONNX"):
        exporting.write_onnx(tmp_path / "a.onnx", model.method, "AB")


def test_a_set_without_sentences_is_refused(workspace):
    run = make_run("stackgan", "shapes_drawn", 0, "laptop")
    with pytest.raises(ReplicateError, match=r"needs a caption of every training image; .*A_cap"):
        execute._check_needs(run, packed.load("shapes_drawn", "train", 32))
