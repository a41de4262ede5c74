"""DA-GAN from sentences: codes put into windows, its losses by hand, what each of them moves."""

from dataclasses import replace

import pytest
import torch
from support.inputs import inputs
from support.reach import losses_with_graphs
from torch import Tensor
from torch.nn.functional import softplus

from replicate.errors import ReplicateError
from replicate.lab import make_run
from replicate.methods.dagan_text import DAGANText
from replicate.methods.sentence_pairs import pairs_of
from replicate.networks.dagan_text import SentenceEncoder, put


def tiny(start, variant: str = "paper", **changes: object):
    """The method at smoke size, and a batch with labels 1, 4 of A and 0, 2 of B."""
    changes = {**DAGANText.VARIANTS[variant], **DAGANText.SMOKE, **changes}
    training = start(DAGANText, replace(DAGANText.Config(), **changes), None)
    labels = {"A_label": torch.tensor([1, 4]), "B_label": torch.tensor([0, 2])}
    return training.method, training.batches(0) | labels


def test_a_code_stands_in_its_window():
    codes = torch.arange(1.0, 17.0).reshape(1, 1, 1, 4, 4)
    # the window from 8 to 24 px is four places of a 32 px image's code, one for each cell
    whole = put(codes, torch.tensor([[[16.0, 16.0]]]), half=8, side=32)
    assert whole.shape == (1, 1, 1, 8, 8)
    assert torch.equal(whole[..., 2:6, 2:6], codes) and whole.sum() == codes.sum()
    aside = put(codes, torch.tensor([[[24.0, 8.0]]]), half=8, side=32)  # x, y: to the right, up
    assert torch.equal(aside[..., 0:4, 4:8], codes) and aside.sum() == codes.sum()
    between = put(codes, torch.tensor([[[18.0, 16.0]]]), half=8, side=32)  # half a place further
    assert between[0, 0, 0, 2, 2:7].tolist() == [0.5, 1.5, 2.5, 3.5, 2.0]


def test_the_places_of_windows_have_gradients():
    centres = torch.tensor([[[13.3, 17.6]]], requires_grad=True)  # off the kinks of the weights
    codes = torch.randn(1, 1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    put(codes, centres, half=8, side=32).square().sum().backward()
    assert (centres.grad != 0).all()


def test_a_sentence_s_code_is_that_of_the_rest_and_of_its_windows():
    torch.manual_seed(0)
    encoder, text = SentenceEncoder(6, 4, 32, n_regions=2, half=8.0), torch.randn(3, 6)
    with torch.no_grad():
        code = encoder(text, k=5.0)
        assert torch.equal(code.latent, encoder.rest(text) + code.instances.sum(dim=1))
        assert code.instances.shape == (3, 2, 4, 8, 8) and code.windows.masks.shape[1] == 2
        alone = SentenceEncoder(6, 4, 32, n_regions=0, half=8.0)(text, k=5.0)
    centres = code.windows.centres
    assert (centres >= 8).all() and (centres <= 24).all()
    assert torch.equal(alone.latent, alone.instances[:, 0]) and alone.windows.masks.min() == 1


def test_losses_by_hand(start):
    method, batch = tiny(start)
    images, sentences = pairs_of(batch, made_up=True)
    with torch.no_grad():
        source, target = method.S(method.T(sentences), method.k), method.E(images, method.k)
        drawn, same = method.G(source.latent), method.G(target.latent)
        logits = method.C(torch.cat([source.instances, target.instances]))
        labels = torch.tensor([1, 0, 4, 2] * 2)
        apart = (source.windows.centres - target.windows.centres).abs().mean() / 32
        wanted = {
            "cst": (method.E(drawn, method.k).latent - source.latent).abs().mean(),
            "sym": (method.E(same, method.k).latent - target.latent).abs().mean(),
            "match": 10 * ((source.latent - target.latent).abs().mean() + apart),
            "cls": (logits.logsumexp(1) - logits[torch.arange(8), labels]).mean(),
        }
        for i, (D, fake) in enumerate(((method.D1, drawn), (method.D2, same)), 1):
            for at, X in enumerate("AB"):
                real, made = D(images)[at::2], D(fake)[at::2]
                wanted[f"dis{i}_{X}"] = softplus(-real).mean() + softplus(made).mean()
    losses = method.step(batch)
    for name, value in wanted.items():
        # D moves before G's terms, which are therefore not among these
        assert losses[name].item() == pytest.approx(value.item(), rel=1e-4), name
    assert losses["hit"] is not None and losses["variance"] > 0


def steered(method: DAGANText, loss: Tensor) -> set[str]:
    """The networks whose gradients are not 0; F(s) and F(t) share a pass, which mixes nothing."""
    names, parameters = zip(*method.named_parameters(), strict=True)
    if not loss.requires_grad:
        return set()
    slopes = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    moved = zip(names, slopes, strict=True)
    return {name.split(".")[0] for name, slope in moved if slope is not None and slope.any()}


def test_what_each_loss_moves(start, monkeypatch):
    method, batch = tiny(start)
    losses = losses_with_graphs(method, batch, monkeypatch)
    moved = {name: steered(method, loss) for name, loss in losses.items() if loss is not None}
    sentence, image = {"T", "S"}, {"E"}
    assert moved["match"] == sentence and moved["cls"] == sentence | image | {"C"}
    assert moved["cst"] == sentence | {"G", "E"} and moved["sym"] == {"G", "E"}
    assert moved["adv1_A"] == sentence | {"G"} and moved["adv2_A"] == {"G", "E"}
    assert moved["dis1_A"] == {"D1"} and moved["dis2_B"] == {"D2"}


def test_without_windows_there_is_neither_a_map_nor_a_place(start):
    method, batch = tiny(start, "no-attention")
    losses = method.step(batch)
    with torch.no_grad():
        assert method.translate(inputs(DAGANText, 2, 32), "AB").attention is None
    assert losses["hit"] is None and not hasattr(method.S, "f_loc")


def test_labels_and_sentences_are_needed(start):
    method, batch = tiny(start, made_up_truth=False)
    with pytest.raises(ReplicateError, match="A_caption: the set has no captions"):
        method.step(batch)
    captions = {f"{X}_caption": inputs(DAGANText, 2, 32) for X in "AB"}
    del batch["A_label"]
    with pytest.raises(ReplicateError, match="A_label: the set has no labels"):
        method.step(batch | captions)
    blind, batch = tiny(start, "no-labels", made_up_truth=False)
    assert blind.step(batch | captions)["cls"] is None
    assert not DAGANText.needs(blind.config).labels and DAGANText.needs(blind.config).captions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop_size": 48, "load_size": 48}, "crop_size=48: expected 16 px times a power of 2"),
        ({"windows": "oracle"}, "windows 'oracle'.*known: learned, none"),
        ({"test_size": 512}, "its windows are laid out for the crop"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ReplicateError, match=message):
        make_run("dagan_text", "any", 0, "paper", changes)


def test_parameters_of_the_networks_shared_with_images():
    with torch.device("meta"):
        counts = DAGANText(DAGANText.Config()).counts()
    # as of dagan: E with f_loc, G, C, and two discriminators
    known = {"E": 5_099_136 + 99_394, "G": 6_279_043, "C": 1_285, "D1": 2_764_737}
    assert (known | {"D2": 2_764_737}).items() <= counts.items() and counts["S"] > 0
