"""The contract that every method keeps at its smoke size, and the toys with them.

Only the default variants, or with `--all-variants` (`make test-all`) every named one.
"""

import json
import random
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
import torch
from support.inputs import inputs
from torch import Tensor, nn

from replicate.errors import ReplicateError
from replicate.methods import METHODS, aggan, cyclegan, load_file
from replicate.methods.base import Deviation, Method, linear_decay
from replicate.methods.pool import ImagePool
from replicate.weights import building
from replicate.weights.stored import Card


def values(method: Method) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in method.named_parameters()}


def held_by(method: Method, *names: str) -> list[int]:
    """The ids of the parameters that the named optimisers hold."""
    groups = [group for name in names for group in method.optimizers[name].param_groups]
    return [id(p) for group in groups for p in group["params"]]


def biases_under_a_norm(training) -> set[str]:
    """Names of the convolution biases whose output goes straight into an instance norm."""
    sources, found = {}, set()

    def convolved(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        sources[id(output)] = (layer, output)  # kept alive, so that its id stays its own

    def normalised(layer: nn.Module, inputs: tuple) -> None:
        if id(inputs[0]) in sources:
            found.add(sources[id(inputs[0])][0])

    for layer in training.method.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(convolved)
        elif isinstance(layer, nn.InstanceNorm2d):
            layer.register_forward_pre_hook(normalised)
    training.method.begin(0, 1.0)
    training.method.step(training.batches(0))
    return {f"{name}.bias" for name, layer in training.method.named_modules() if layer in found}


def test_configurations_survive_json(case):
    for config in (case.method.Config(), case.config):
        assert case.method.Config(**json.loads(json.dumps(asdict(config)))) == config


def test_variants_and_budgets_change_fields_that_exist(case):
    known = {f.name for f in fields(case.method.Config)}
    assert case.method.VARIANTS["paper"] == {}
    for changes in (case.method.VARIANTS[case.variant], case.method.SMOKE, case.method.LAPTOP):
        assert set(changes) <= known
    assert {"iterations", "crop_size"} <= set(case.method.SMOKE) & set(case.method.LAPTOP)


def test_the_card_and_the_deviations_are_complete(case):
    module = sys.modules[case.method.__module__]
    deviations = getattr(module, "DEVIATIONS", ())
    known = {f.name for f in fields(case.method.Config)} | {""}
    assert module.__doc__ and case.method.__doc__
    assert all(isinstance(d, Deviation) and d.switch in known for d in deviations)
    assert len({d.slug for d in deviations}) == len(deviations)


def test_translations_have_the_shape_and_range_of_images(case, start):
    method, size = start(case.method, case.config, None).method.eval(), case.config.crop_size
    linear = any(isinstance(layer, nn.Linear) for layer in method.modules())
    # a linear layer may tie a network to its size; without one, other multiples of it work too
    for width in [size] if linear else [size, 2 * size]:
        x = inputs(case.method, 2, size, width)
        for direction in method.directions:
            with torch.no_grad():
                image, attention = method.translate(x, direction)
            assert image.shape == (2, 3, size, width) and image.dtype == torch.float32
            assert image.min() >= -1 and image.max() <= 1
            if attention is not None:
                check_attention(attention, image, method.attention_cell)


def check_attention(attention: Tensor, image: Tensor, cell: int) -> None:
    """In [0, 1], and constant on squares of the declared side."""
    assert attention.shape == (len(image), 1, *image.shape[2:])
    assert attention.min() >= 0 and attention.max() <= 1
    corners = attention[..., ::cell, ::cell]
    whole = corners.repeat_interleave(cell, dim=2).repeat_interleave(cell, dim=3)
    assert torch.equal(whole, attention)


def test_a_translation_does_not_depend_on_its_neighbours(case, start, monkeypatch):
    """In float64: of float32's rounding a deep stack of norms can make as much as a neighbour."""
    method, size = start(case.method, case.config, None).method.eval(), case.config.crop_size
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)  # which would round
    torch.set_default_dtype(torch.float64)
    try:
        method, x = method.double(), inputs(case.method, 2, size)
        with torch.no_grad():
            together = method.translate(x, "AB").image
            alone = torch.cat([method.translate(one[None], "AB").image for one in x])
    finally:
        torch.set_default_dtype(torch.float32)
    # kernels may add up in another order at another batch size: about 1e-12 in the deepest network
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)


def test_every_parameter_moves_by_an_update_that_names_it(case, start, tmp_path, monkeypatch, same):
    # A constant before an instance norm changes nothing: the exact gradient of these biases is 0,
    # and what Adam makes of its rounding error is not asked for.
    exempt = biases_under_a_norm(start(case.method, case.config, None))
    training = start(case.method, case.config, tmp_path)
    method, update, seen = training.method, training.method.update, set()
    held, start_of = held_by(method, *method.optimizers), values(method)

    def watched(loss: Tensor, *names: str) -> None:
        named = held_by(method, *names)
        others = [p for p in method.parameters() if id(p) not in named]
        before = [(p.detach().clone(), None if p.grad is None else p.grad.clone()) for p in others]
        update(loss, *names)
        assert all(same((p.detach(), p.grad), b) for p, b in zip(others, before, strict=True))
        seen.update(names)

    monkeypatch.setattr(method, "update", watched)
    training.run()
    assert seen == set(method.optimizers)
    if any(name.startswith("critic") for name in training.columns):
        # what a critic adds to all scores leaves in the difference of real and fake ones: exactly 0
        exempt |= {name for name in start_of if name.endswith("head.bias")}
    still = {n for n, p in method.named_parameters() if torch.equal(p, start_of[n])}
    assert {n for n, p in method.named_parameters() if id(p) not in held} <= still
    assert {n for n, p in method.named_parameters() if id(p) in held} & still <= exempt


def test_weights_that_are_kept_translate_as_the_run_does(case, start):
    if case.method.name not in METHODS:
        pytest.skip("a toy is built by its class, not by its name")
    training = start(case.method, case.config, None)
    training.method.step(training.batches(0))
    method, whole = training.method.eval(), torch.device("cpu")
    card = Card(case.method.name, case.variant, asdict(case.config), "", ("A", "B"), "run")
    x = building.example(method, whole)
    for ways in (method.directions, *[(way,) for way in method.directions]):
        built = building.build(card, building.to_keep(method, ways), whole)
        for way in ways:
            images = []
            for model in (method, built):
                torch.manual_seed(0)  # some draw a style or windows
                with torch.no_grad():
                    images.append(model.translate(x, way).image)
            assert torch.equal(*images)


def test_no_parameter_has_two_optimizers_and_d_has_its_own(case, start):
    method = start(case.method, case.config, None).method
    held = held_by(method, *method.optimizers)
    assert len(held) == len(set(held))
    judges = [n for n in method.optimizers if n.startswith("D")]
    of_d = {id(p) for name, p in method.named_parameters() if name.startswith("D")}
    assert set(held_by(method, *judges)) == of_d


def test_begin_is_a_pure_function(case, start, same):
    def state(method: Method, iteration: int) -> dict:
        method.begin(iteration, 2.5)
        stage = {k: v for k, v in vars(method).items() if k[0] != "_" and k != "optimizers"}
        return stage | {n: o.param_groups[0]["lr"] for n, o in method.optimizers.items()}

    one, other = (start(case.method, case.config, None).method for _ in range(2))
    iterations = list(range(0, int(2.5 * case.config.epochs), 7))
    before, random_state = values(one), torch.get_rng_state()
    in_order = {i: state(one, i) for i in iterations}
    random.Random(0).shuffle(iterations)
    assert all(state(other, i) == in_order[i] for i in iterations)
    assert same(values(one), before) and torch.equal(torch.get_rng_state(), random_state)


def test_method_files_outside_the_package_are_found(tmp_path, monkeypatch):
    toy = Path(__file__).parents[1] / "toys" / "toy_paired.py"
    file, twin = tmp_path / "toy_copied.py", tmp_path / "deeper" / "toy_copied.py"
    twin.parent.mkdir()
    for copy in (file, twin):
        copy.write_text(toy.read_text())
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS._entries))
    monkeypatch.setenv("REPLICATE_METHODS", str(tmp_path))
    sys.modules["replicate.methods"]._load_all()
    assert METHODS["toy_copied"].name == "toy_copied" and METHODS["toy_copied"].paper == "toy"
    load_file(file)  # a second time changes nothing
    with pytest.raises(ReplicateError, match=r"has the name of the loaded .* rename the file"):
        load_file(twin)
    del sys.modules["replicate.methods.toy_copied"]


def test_a_broken_method_file_stays_broken(tmp_path):
    file = tmp_path / "toy_broken.py"
    file.write_text("raise OSError('half a method')\n")
    for _ in range(2):
        with pytest.raises(OSError, match="half a method"):
            load_file(file)


def test_a_frozen_network_is_not_counted(start, toys):
    method = toys["toy_paired"]
    built = start(method, method.Config(), None).method
    assert set(built.counts()) == {"G"} and any(True for _ in built.features.parameters())


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (cyclegan.CycleGAN, {"G": 11_378_179, "D": 2_764_737}),
        (aggan.AGGAN, {"A": 104_001, "G": 2_855_811, "D": 2_766_657}),
    ],
)
def test_parameters_of_the_paper_s_networks(method, parameters):
    with torch.device("meta"):
        assert method(method.Config()).counts() == parameters


@pytest.mark.parametrize(
    ("method", "epoch", "factor"),
    [
        (cyclegan.CycleGAN, 99, 1.0),
        (cyclegan.CycleGAN, 100, 1 - 1 / 101),  # ATT models/networks.py:53-55
        (cyclegan.CycleGAN, 199, 0.0099),
        (aggan.AGGAN, 50, 1.0),  # AGG main.py:395-399
        (aggan.AGGAN, 75, 0.5),
        (aggan.AGGAN, 99, 0.02),
    ],
)
def test_learning_rates_of_the_sheets(method, epoch, factor, start):
    config = replace(method.Config(), **method.SMOKE)
    built = start(method, config, None).method
    built.begin(epoch * 1067 + 1066, 1067.0)  # the last iteration of the epoch on horse2zebra
    rates = {g["lr"] for o in built.optimizers.values() for g in o.param_groups}
    assert len(rates) == 1
    # the sheet gives two digits of CycleGAN's last factor
    assert rates.pop() == pytest.approx(config.lr * factor, rel=1e-3)


def test_linear_decay_ends_where_the_two_forms_say():
    assert linear_decay(200, 100, 200) == 0
    assert [linear_decay(e, 2, 4, tail=1) for e in range(4)] == [1, 1, 1 - 1 / 3, 1 - 2 / 3]


def test_the_pool_fills_first_and_then_swaps_half_of_the_time():
    torch.manual_seed(0)
    pool = ImagePool(size=4, channels=1, side=1)
    given = torch.arange(2000.0).reshape(-1, 1, 1, 1)
    out = pool(given)
    assert torch.equal(out[:4], given[:4])
    kept = (out[4:] == given[4:]).float().mean()
    assert kept == pytest.approx(0.5, abs=0.045)  # 4 standard errors of 1996 coins
    older = out[4:][out[4:] != given[4:]]
    assert len(older.unique()) == len(older)  # a sample that was swapped out is gone
    assert torch.equal(ImagePool(0, 1, 1)(given), given)
