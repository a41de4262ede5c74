"""Files of weights: what they hold and what is refused, with nothing written then."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from support import official as layers
from support import weights as made_up
from typer.testing import CliRunner

from replicate.cli import app
from replicate.errors import ReplicateError, UnknownName
from replicate.lab.run import make_run
from replicate.translating.model import load
from replicate.weights import building, maps, official, stored
from replicate.weights.finding import find

SMALL = {"load_size": 32, "crop_size": 32, "ngf": 4, "n_blocks": 2}
PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


def small_run():
    return make_run("cyclegan", "", 0, "paper", SMALL)


def generator(folder, shapes=None, name="latest_net_G_A.pth"):
    """A small official checkpoint."""
    torch.save(layers.state(shapes or layers.resnet_generator(4, 2), 1), folder / name)
    return folder / name


def test_what_is_written_is_read_back(tmp_path):
    file = made_up.write(tmp_path, "aggan")
    tensors, card = stored.read(file)
    assert card == made_up.card(made_up.small("aggan"))
    assert {name.split(".")[0] for name in tensors} == {"G", "A"}  # neither D nor pools
    model, origin = load(str(file)), made_up.model("aggan")
    assert np.array_equal(
        np.asarray(model.translate(PICTURE)), np.asarray(origin.translate(PICTURE))
    )
    half = stored.write(tmp_path / "half.safetensors", tensors, replace(card, precision="fp16"))
    assert half.stat().st_size < 0.7 * file.stat().st_size
    far = np.asarray(load(str(half)).translate(PICTURE)).astype(int) - origin.translate(PICTURE)
    assert 0 <= abs(far).max() <= 2  # 11 bits of a weight are a level or so of 255


def test_a_file_that_is_damaged_or_no_weights_is_refused(tmp_path):
    whole = made_up.write(tmp_path, "cyclegan")
    short = tmp_path / "short.safetensors"
    short.write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(ReplicateError, match="cannot be read as safetensors"):
        stored.read(short)
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ReplicateError, match="has no card"):
        stored.read(tmp_path / "other.safetensors")
    tensors, card = stored.read(whole)
    tensors.pop(next(iter(tensors)))
    with pytest.raises(ReplicateError, match="1 missing"):
        building.build(card, tensors, torch.device("cpu"))
    with pytest.raises(UnknownName, match="unknown setting 'nfg'"):
        building.config_of(replace(card, config={"nfg": 4}))
    tensors["G.AB.model.1.weight"] = torch.full((4, 3, 7, 7), 1e9)
    with pytest.raises(ReplicateError, match="not finite in fp16"):
        stored.write(tmp_path / "big.safetensors", tensors, replace(card, precision="fp16"))


def test_official_files_that_are_not_what_was_named_are_refused(tmp_path):
    run = small_run()
    for words, shapes in layers.damaged(layers.resnet_generator(4, 2)):
        with pytest.raises(ReplicateError, match=words):
            official.convert(run, [("", generator(tmp_path, shapes))])
    with pytest.raises(ReplicateError, match=r"not the weights of this network.*left over"):
        official.convert(run, [("", generator(tmp_path, layers.scheme_two_generator(4, 2, 9)))])
    whole = generator(tmp_path)
    short = tmp_path / "short_net_G_A.pth"
    short.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(ReplicateError, match="cannot be read as a state dict"):
        official.convert(run, [("", short)])
    judge = {"x_net_D_A.pth": layers.patch_discriminator(64)}
    torch.save(layers.state(judge["x_net_D_A.pth"], 1), tmp_path / "x_net_D_A.pth")
    with pytest.raises(ReplicateError, match="no generator of cyclegan among these"):
        official.convert(run, [("", tmp_path / "x_net_D_A.pth")])
    with pytest.raises(ReplicateError, match="does not say which; name it with --direction"):
        official.convert(run, [("", generator(tmp_path, name="horse2zebra.pth"))])
    with pytest.raises(ReplicateError, match="'G' is no part of this method's checkpoints"):
        official.convert(run, [("G", whole)])
    with pytest.raises(UnknownName, match="unknown method with official checkpoints 'dagan'"):
        maps.load("dagan")


class Spring:
    """What a hostile pickle runs when it is loaded."""

    def __init__(self, target) -> None:
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def test_pickled_code_is_never_run(tmp_path):
    trap = tmp_path / "sprung"
    for name, write in (("zip", torch.save), ("bare", lambda x, f: f.write_bytes(pickle.dumps(x)))):
        file = tmp_path / f"{name}_net_G_A.pth"
        write({"model.1.weight": Spring(trap)}, file)
        with pytest.raises(ReplicateError, match=r"holds more than tensors .*pickled code"):
            official.convert(small_run(), [("", file)])
    assert not trap.exists()


def call(*words: object) -> str:
    done = CliRunner().invoke(app, ["weights", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


SETTINGS = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]


def test_an_official_file_becomes_a_model_with_a_name(tmp_path, workspace):
    file = generator(tmp_path)
    said = call("import", "cyclegan", file, "--data", "horse2zebra", *SETTINGS)
    name = "cyclegan@horse2zebra-official"
    assert name in said
    (entry,) = [e for e in json.loads(call("list", "--json")) if e["name"] == name]
    assert entry["state"] == "here" and entry["directions"] == ["horse->zebra"]
    model = load(name)
    assert model.card.source["sha256"].keys() == {file.name}
    assert model.translate(PICTURE).size == (32, 32)
    with pytest.raises(ReplicateError, match=r"no weights for zebra->horse; expected horse->zebra"):
        model.translate(PICTURE, "zebra->horse")


def test_a_refused_file_leaves_nothing(tmp_path, workspace):
    file = tmp_path / "latest_net_G_A.pth"
    file.write_bytes(b"<html>moved</html>")
    with pytest.raises(ReplicateError, match="HTML page"):
        call("import", "cyclegan", file)
    assert not list(workspace.rglob("*.safetensors"))


def test_a_run_is_exported_and_imported_again(finished, tmp_path):
    file = tmp_path / "mine.safetensors"
    call("export", "cyclegan@tiny", "--out", file)
    card = stored.read_card(file)
    assert card.scores and card.fingerprint and card.commit and card.seed == 0
    assert "cyclegan" in file.with_suffix(".md").read_text("utf-8")
    assert "mine" in call("import", file)
    by_run, by_file = load(str(finished.folder)), load("mine")
    assert find("mine").path.parent.name == "weights"
    assert np.array_equal(*(np.asarray(m.translate(PICTURE)) for m in (by_run, by_file)))
