"""DA-GAN from sentences, the text-to-image of its figure 1a: Ma, Fu, Chen, Mei, CVPR 2018.

Within reach are the figure's caption and sections 3.1 to 3.3, which speak of any S and T: S are
sentences here and T images. How a sentence is encoded is not within reach, so all of it is a choice
in the register: its embedding places windows and gives each a code, as DAE does for an image, and
one G decodes both, F(s) = G(DAE(s)) and F(t) = G(DAE(t)). The losses are those of `dagan`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_loss, l1_loss
from replicate.methods import base
from replicate.methods.base import Batch, Losses, Method, Needs, Translation
from replicate.methods.dagan_truth import labels_of
from replicate.methods.sentence_pairs import check_sentences, in_turn, of_domain, pairs_of
from replicate.networks.blocks import init_weights
from replicate.networks.dagan import CELL, AttentionEncoder, Classifier, Code, Decoder, union
from replicate.networks.dagan_text import SentenceEncoder
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.text import TextEncoder

LOSSES = (
    *(f"{name}{i}_{X}" for i in (1, 2) for name in ("dis", "adv") for X in "AB"),
    "cst", "sym", "match", "cls", "variance", "hit",  # the last two are measured, not trained
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Those of `dagan` where it has them; the rest is assumed."""

    batch_size: settings.Count = 8  # of each domain: deviation dagan_text/schedule
    text_dim: settings.Count = 1024  # of an embedding
    text_width: settings.Count = 256  # of what makes it: deviation dagan_text/sentence-encoder
    ngf: settings.Count = 64
    e_blocks: settings.Depth = 4
    g_blocks: settings.Depth = 5
    ndf: settings.Count = 64
    n_layers: settings.Depth = 3
    windows: Literal["learned", "none"] = "learned"  # eq. 1; none is the control
    n_regions: settings.Count = 1
    half_size: settings.HalfSide = 15 / 64
    k_first: settings.Rate = 0.5
    k_last: settings.Rate = 5.0
    k_share: settings.PositiveShare = 1 / 3
    alpha: settings.Weight = 1.0  # of L_cst, eq. 5
    beta: settings.Weight = 1.0  # of L_sym, eq. 6
    lambda_match: settings.Weight = 10.0  # deviation dagan_text/pairs
    labels: Literal["both", "none"] = "both"  # section 3.1: of sentences and images
    n_classes: settings.Count = 5
    lambda_cls: settings.Weight = 1.0
    made_up_truth: bool = False  # sentences and classes for sets without: smoke runs only
    lr: settings.Rate = 2e-4
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="ma2018dagan")
class DAGANText(Method):
    """What a sentence names is encoded where it says that it stands, and decoded as an image.

    One model draws images of both domains, because a sentence names what makes the domain.
    """

    Config = Config
    takes = "sentences"
    VARIANTS = {
        "paper": {},
        "no-attention": {"windows": "none"},
        "no-match": {"lambda_match": 0.0},
        "no-labels": {"labels": "none"},
        "birds": {"n_classes": 200, "n_regions": 4, "half_size": 1 / 8},  # of CUB-200-2011
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 2, "text_dim": 8, "text_width": 4,
        "ngf": 4, "e_blocks": 1, "g_blocks": 1, "ndf": 4, "n_layers": 1, "made_up_truth": True,
        "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "flip": False, "batch_size": 4, "text_dim": 128,
        "text_width": 64, "ngf": 16, "e_blocks": 1, "g_blocks": 3, "ndf": 32, "n_layers": 2,
        "lambda_cls": 10.0, "lr": 4e-4, "iterations": 1000,
    }  # fmt: skip

    @classmethod
    def needs(cls, c: Config) -> Needs:
        if c.made_up_truth:
            return Needs()
        return Needs(captions=True, labels=c.labels != "none")

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY.times(2, 1)

    @classmethod
    def one_size(cls, c: Config) -> str:
        return "its windows are laid out for the crop"

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_room(c, 3 * 2**c.n_layers)
        base.check_decay(c, tail=1)
        if c.crop_size < CELL or c.crop_size & (c.crop_size - 1):
            raise ReplicateError(f"crop_size={c.crop_size}: expected {CELL} px times a power of 2")

    def build(self, c: Config) -> None:
        half, windows = c.half_size * c.crop_size, c.n_regions if c.windows == "learned" else 0
        self.T = TextEncoder(c.text_width, c.text_dim)
        self.S = SentenceEncoder(c.text_dim, 4 * c.ngf, c.crop_size, windows, half)
        # E(t) joins the sum: a sentence names the ground, which no window shows
        self.E = AttentionEncoder(
            c.ngf, c.e_blocks, c.crop_size, c.n_regions, half, c.windows, with_global=True
        )
        self.G = Decoder(c.ngf, c.g_blocks)
        mine = [self.T, self.S, self.E, self.G]
        if c.labels != "none":
            self.C = Classifier(4 * c.ngf, c.n_classes)
            mine.append(self.C)
        self.D1 = PatchDiscriminator(3, c.ndf, c.n_layers)
        self.D2 = PatchDiscriminator(3, c.ndf, c.n_layers)
        for network in (self.E, self.G, self.D1, self.D2):
            init_weights(network, truncated=False)
        self.optimizers = {
            "G": base.adam(c.lr, c.beta1, *mine),
            "D": base.adam(c.lr, c.beta1, self.D1, self.D2),
        }
        self.register_buffer("k", torch.zeros(()))  # what is translated depends on it: state
        self.begin(0, 1)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        share = min(1.0, iteration / (iterations_per_epoch * c.epochs * c.k_share))
        self.k.fill_(c.k_first * (c.k_last / c.k_first) ** share)
        epoch = int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        """Images (N, 3, S, S) of sentences (N, L), the characters that `captions.encode` gives,
        and where any window stands; no attention where there are no windows."""
        check_sentences(x, self.name)
        code = self.S(self.T(x), self.k)
        seen = None if self.config.windows == "none" else union(code.windows.masks)
        return Translation(self.G(code.latent), seen)

    def step(self, batch: Batch) -> Losses:
        images, sentences = pairs_of(batch, self.config.made_up_truth)
        source, target = self.S(self.T(sentences), self.k), self.E(images, self.k)
        drawn, same = self.G(torch.cat([source.latent, target.latent])).chunk(2)  # F(s), F(t)
        fakes = ((self.D1, drawn), (self.D2, same))
        judged: Losses = {}
        for i, (D, fake) in enumerate(fakes, 1):  # eqs. 7 and 8
            real, made = D(images), D(fake.detach())
            for X in "AB":
                judged[f"dis{i}_{X}"] = bce_loss(of_domain(real, X), True) + bce_loss(
                    of_domain(made, X), False
                )
        self.update(sum(judged.values()) / 2, "D")
        with base.frozen(self.D1, self.D2):
            adv: Losses = {}
            for i, (D, fake) in enumerate(fakes, 1):
                scores = D(fake)
                adv |= {f"adv{i}_{X}": bce_loss(of_domain(scores, X), True) for X in "AB"}
            mine = self._codes(source, target, torch.cat([drawn, same]))
            mine |= self._classes(batch, source, target)
            self.update(sum(adv.values()) / 2 + sum(mine.values()), "G")
        return dict.fromkeys(LOSSES) | judged | adv | mine | self._measure(batch, source)

    def _codes(self, source: Code, target: Code, made: Tensor) -> Losses:
        """Eqs. 5 and 6, without gradients into DAE(s) and DAE(t) as in `dagan`; and that a sentence
        has the code and the windows of the image that it was written about."""
        c = self.config
        again = self.E(made, self.k).latent.chunk(2)
        losses: Losses = {
            "cst": c.alpha * l1_loss(source.latent.detach(), again[0]),
            "sym": c.beta * l1_loss(target.latent.detach(), again[1]),
        }
        gap = l1_loss(source.latent, target.latent.detach())
        if c.windows == "learned":
            apart = l1_loss(source.windows.centres, target.windows.centres.detach())
            gap = gap + apart / made.shape[-1]
        return losses | {"match": c.lambda_match * gap}

    def _classes(self, batch: Batch, source: Code, target: Code) -> Losses:
        """The geometric regularisation: the class of what windows hold, of sentences and images."""
        c = self.config
        if c.labels == "none":
            return {}
        labels = in_turn(*(labels_of(batch, X, c.n_classes, c.made_up_truth) for X in "AB"))
        logits = self.C(torch.cat([source.instances, target.instances]))
        return {"cls": c.lambda_cls * F.cross_entropy(logits, labels.repeat(2))}

    @torch.no_grad()
    def _measure(self, batch: Batch, source: Code) -> Losses:
        """Whether codes collapse, and whether a sentence's first window lies on the object."""
        measured: Losses = {"variance": source.latent.var(dim=0, unbiased=False).mean()}
        if self.config.windows == "none" or "A_mask" not in batch or "B_mask" not in batch:
            return measured
        mask = in_turn(batch["A_mask"], batch["B_mask"])
        x, y = source.windows.centres[:, 0].long().unbind(dim=1)
        return measured | {"hit": mask[torch.arange(len(mask), device=mask.device), 0, y, x].mean()}
