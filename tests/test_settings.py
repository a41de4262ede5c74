"""Ranges and choices stand at the fields, one function checks them, and no way leads past it."""

import json
from dataclasses import asdict, fields
from typing import Annotated, Literal, get_args, get_origin

import pytest
import torch
from conftest import image_set
from support.inputs import inputs

from replicate import paths, repro, settings
from replicate.datasets.batches import Batches
from replicate.errors import ReplicateError, UnknownName
from replicate.lab import make_run
from replicate.lab.equipment import equip
from replicate.lab.notebook_parameters import checked
from replicate.lab.workflow import read_params
from replicate.methods import METHODS

RANGES = {
    "lr=-1": "expected float, greater than 0, e.g. lr=0.0002",
    "lr=nan": "expected float, a finite number",
    "lr=inf": "expected float, a finite number",
    "lambda_cyc=-0.1": "expected float, greater than or equal to 0",
    "beta1=2": "expected float, less than 1",
    "beta1=nan": "expected float",
    "ngf=0": "expected int, greater than or equal to 1",
    "ndf=-2": "expected int, greater than or equal to 1",
    "ngf=1000000000000": "expected int, less than or equal to 100000",
    "pool_size=-1": "expected int, greater than or equal to 0",
    "crop_size=-4": "expected int, greater than or equal to 8, e.g. crop_size=256",
    "load_size=100000": "expected int, less than 4097",
    "batch_size=0": "expected int, greater than or equal to 1",
    "epochs=0": "expected int, greater than or equal to 1",
    "iterations=0": "expected int or none, greater than or equal to 1",
    "iterations=-5": "expected int or none, greater than or equal to 1",
}
TOGETHER = {  # each fine alone
    "cyclegan n_layers=9": "n_layers=9 at crop_size=32: expected a crop of 1536 px or more",
    "aggan n_layers=9": "n_layers=9 at crop_size=32: expected a crop of 512 px or more",
    "attentiongan_v1 n_layers=3": "n_layers=3 at crop_size=32: expected a crop of 46 px or more",
    "pix2pix n_layers=9": "n_layers=9 at crop_size=64",
    "ugatit global_layers=9": "global_layers=9 at crop_size=32",
    "cyclegan crop_size=30": "crop_size=30: expected a multiple of 4 px",
    "cyclegan crop_size=64": "crop_size=64 with load_size=32: expected a crop that is no larger",
    "cyclegan epochs=99": "epochs=99 with constant_epochs=100: no epoch is left",
    "aggan constant_epochs=100": "epochs=100 with constant_epochs=100: no epoch is left",
    "attentiongan mask_kernel=4": "mask_kernel=4: expected an odd number",
}
SEEDS = (-1, 2**63, "99999999999999999999", "1.5")


def changed(name: str, text: str):
    """The smoke run of a method with `KEY=VALUE` changed, as the command line does it."""
    return make_run(name, "d", 0, "smoke", dict([text.split("=")]))


@pytest.mark.parametrize("text", RANGES)
def test_a_number_out_of_its_range_is_refused_by_its_field(text):
    key, value = text.split("=")
    with pytest.raises(ReplicateError) as caught:
        changed("cyclegan", text)
    assert str(caught.value).startswith(f"{key}={value!r}: {RANGES[text]}")


@pytest.mark.parametrize("text", TOGETHER)
def test_what_cannot_be_together_is_refused_before_a_network_is_made(text):
    with pytest.raises(ReplicateError) as caught:
        changed(*text.split(" "))
    assert str(caught.value).startswith(TOGETHER[text])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_is_what_torch_takes(seed):
    with pytest.raises(ReplicateError, match=r"seed=.*: expected int"):
        make_run("cyclegan", "d", seed, "smoke")
    torch.manual_seed(make_run("cyclegan", "d", 2**63 - 1, "smoke").seed)


def numbers(hint: object) -> list[object]:
    """The metadata of the annotated numbers in a field's annotation."""
    kinds = [k for k in settings._kinds(hint) if get_origin(k) is Annotated]
    return [entry for kind in kinds for entry in get_args(kind)[1].metadata]


@pytest.mark.parametrize("name", METHODS)
def test_every_field_states_its_values(name):
    for field, hint in settings._hints(METHODS[name].Config).items():
        plain = [k for k in settings._kinds(hint) if k in (str, int, float)]
        assert not plain, f"{field}: {plain[0].__name__} without choices or a range"


@pytest.mark.parametrize("name", METHODS)
def test_a_text_that_is_no_choice_gets_the_closest_one(name):
    for field, hint in settings._hints(METHODS[name].Config).items():
        if get_origin(hint) is not Literal:
            continue
        choice = get_args(hint)[0]
        with pytest.raises(UnknownName, match=f"unknown {field} '{choice}x'.*'{choice}'.*known: "):
            make_run(name, "d", 0, "smoke", {field: f"{choice}x"})
    with pytest.raises(UnknownName, match=r"precision 'fp16' \(did you mean 'bf16'\?\)"):
        make_run(name, "d", 0, "smoke", {"precision": "fp16"})
    with pytest.raises(UnknownName, match=r"precision 'BF16' \(did you mean 'bf16'\?\)"):
        make_run(name, "d", 0, "smoke", {"precision": "BF16"})


@pytest.mark.parametrize("name", METHODS)
def test_the_smallest_numbers_that_are_allowed_train(name):
    method, smoke = METHODS[name], make_run(name, "d", 0, "smoke").config
    for field, hint in settings._hints(method.Config).items():
        for least in [entry.ge for entry in numbers(hint) if hasattr(entry, "ge")]:
            try:
                run = make_run(name, "d", 0, "smoke", {field: least})
            except ReplicateError:
                continue  # not at the other smoke settings
            if run.config == smoke:
                continue  # which all tests train
            if field not in ("memory", "c_dim"):  # that of a set, which says what it needs
                trained(run)


def trained(run) -> None:
    """One step of a run, and a translation."""
    c, method = run.config, METHODS[run.method]
    repro.prepare(0, threads=1)
    images = image_set(c.load_size, method.paired)
    made = method(c)
    images = equip(made, images)
    made.begin(0, 2.0)
    made.step(Batches(images, c.batch_size, c.crop_size, c.flip, 0)(0))
    side = c.crop_size
    with torch.no_grad():
        x = inputs(method, 1, side)
        assert made.eval().translate(x, "AB").image.shape[2] == side
    torch.use_deterministic_algorithms(False)


def test_a_variant_out_of_range_is_refused_too(monkeypatch):
    monkeypatch.setattr(METHODS["cyclegan"], "SMOKE", {"lr": 0.0})
    with pytest.raises(ReplicateError, match=r"lr=0\.0: expected float, greater than 0"):
        make_run("cyclegan", "d", 0, "smoke")


def test_parameters_of_notebooks_go_through_the_same_check():
    good = read_params("02_aggan", "smoke")
    for seeds in ([-1], [2**64]):
        with pytest.raises(ReplicateError, match=r"seeds\.0=.*: expected "):
            checked(good | {"seeds": seeds})


def test_the_identity_of_every_published_run_is_what_it_was():
    records = [json.loads(f.read_text()) for f in paths.published().glob("runs/*/*/*/run.json")]
    assert len(records) >= 124
    for record in records:
        name = f"{record['method']}:{record['variant']}"
        place = (record["dataset"], record["seed"], record["budget"])
        run = make_run(name, *place, record["config"])
        before = {  # of fields that came later, the value that every run on record had
            f.name: f.metadata["before"] for f in fields(run.config) if "before" in f.metadata
        }
        assert (run.hash, asdict(run.config)) == (record["hash"], before | record["config"])
