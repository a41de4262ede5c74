"""DA-GAN: Ma, Fu, Chen, Mei, CVPR 2018, pp. 5657-5666 (arXiv 1802.06454).

No official code is public. "DA-U" is Rongpeng-Lin/A-DA-GAN-architecture @e8669a6, an unofficial
TensorFlow skeleton. Sections 3.1 to 3.3 are within reach and followed; layers, weights and schedule
are not, so each is a deviation with its choice. Look through windows, encode what they show, decode
it as an image of the other set: F(x) = G(sum over i of E(x * M_i)). Text-to-image, the paper's
other task, is `dagan_text`.
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
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Needs, Translation
from replicate.methods.dagan_truth import labels_of, true_centres
from replicate.networks.blocks import init_weights
from replicate.networks.dagan import (
    CELL,
    PLACES,
    AttentionEncoder,
    Classifier,
    Code,
    Decoder,
    Windows,
    overlap,
    union,
)
from replicate.networks.discriminators import PatchDiscriminator

LABELS = ("both", "source", "none")
OF_X, OF_Y = ("cst",), ("sym", "adv1", "adv2", "dis1", "dis2")
OF_BOTH = ("cls", "loc", "variance", "overlap", "hit")  # the last three are measured, not trained
LOSSES = tuple(
    f"{name}_{end}"
    for X, Y in DIRECTIONS
    for names, end in ((OF_X, X), (OF_Y, Y), (OF_BOTH, X + Y))
    for name in names
)


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Nothing but the losses' form stands in the text within reach; the rest is assumed."""

    batch_size: settings.Count = 8  # deviation dagan/optimiser-and-backbone
    ngf: settings.Count = 64  # CycleGAN's generator, cut in two: the same deviation
    e_blocks: settings.Depth = 4
    g_blocks: settings.Depth = 5
    ndf: settings.Count = 64  # and its discriminator, twice
    n_layers: settings.Depth = 3  # 70 px patches
    # f_loc, eq. 1; the others are controls
    windows: Literal[*PLACES] = "learned"
    n_regions: settings.Count = 1  # N' of eq. 1: deviation dagan/number-of-regions
    # w and h of eq. 2, of the side: deviation dagan/window-size
    half_size: settings.HalfSide = 15 / 64
    with_global: bool = False  # E(X) joins the sum: deviation dagan/latent-composition
    k_first: settings.Rate = 0.5  # 1/px, k of eq. 4: deviation dagan/mask-sharpness
    k_last: settings.Rate = 5.0
    k_share: settings.PositiveShare = 1 / 3  # of the schedule, over which k grows
    alpha: settings.Weight = 1.0  # of L_cst: deviation dagan/objective-weights
    beta: settings.Weight = 1.0  # of L_sym
    stop_gradient: bool = True  # at DAE(s) and DAE(t) of eqs. 5, 6: deviation dagan/constant-code
    d2: bool = True  # eq. 8
    labels: Literal[*LABELS] = "both"  # whose labels are used: section 3.1
    n_classes: settings.Count = 5  # of the set; shapes_drawn has five
    lambda_cls: settings.Weight = 1.0  # deviation dagan/geometric-regularisation
    lambda_loc: settings.Weight = 1.0  # with oracle windows, f_loc's error in image sides
    made_up_truth: bool = False  # class 0 and full masks for sets that lack them: smoke runs only
    lr: settings.Rate = 2e-4  # deviation dagan/optimiser-and-backbone
    beta1: settings.Beta = 0.5
    constant_epochs: settings.Epoch = 100  # then linear decay over the rest


@base.register(paper="ma2018dagan")
class DAGAN(Method):
    """What windows show is encoded, and the sum of these codes is decoded in the target's style.

    The paper maps S to T and never back. Here `G["AB"]` and `G["BA"]` are two such models that
    share nothing: one run trains both, so that both directions have scores.
    """

    Config = Config
    VARIANTS = {
        "paper": {},
        "no-attention": {"windows": "none"},
        "random-windows": {"windows": "random"},
        "oracle-windows": {"windows": "oracle"},
        "two-regions": {"n_regions": 2},
        "four-regions": {"n_regions": 4, "half_size": 1 / 8},
        "with-global": {"with_global": True},
        "no-cst": {"alpha": 0.0},
        "no-sym": {"beta": 0.0},
        "no-d2": {"d2": False},
        "no-d2-sym": {"d2": False, "beta": 0.0},
        "two-sided": {"stop_gradient": False},
        "no-labels": {"labels": "none"},
        "source-labels": {"labels": "source"},
        "birds": {"n_classes": 200, "n_regions": 4, "half_size": 1 / 8},  # of CUB-200-2011
        "digits": {  # of MNIST, USPS and SVHN: they fill their small images, and have a hand
            "n_classes": 10, "load_size": 32, "crop_size": 32, "flip": False, "n_layers": 2,
            "half_size": 3 / 8,
        },
    }  # fmt: skip
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 2, "ngf": 4, "e_blocks": 1, "g_blocks": 1,
        "ndf": 4, "n_layers": 1, "made_up_truth": True, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "batch_size": 1, "ngf": 16, "e_blocks": 1, "g_blocks": 3,
        "ndf": 32, "n_layers": 2, "lambda_cls": 10.0, "lr": 4e-4, "iterations": 2000,
    }  # fmt: skip

    @classmethod
    def needs(cls, c: Config) -> Needs:
        if c.made_up_truth:
            return Needs()
        return Needs(labels=c.labels != "none", masks=c.windows == "oracle")

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
        if c.crop_size % CELL:
            raise ReplicateError(f"crop_size={c.crop_size}: expected a multiple of {CELL} px")

    def build(self, c: Config) -> None:
        self.half = c.half_size * c.crop_size
        self.E = base.per(DIRECTIONS, lambda: self._encoder(c))
        self.G = base.per(DIRECTIONS, lambda: Decoder(c.ngf, c.g_blocks))
        mine = [self.E, self.G]
        if c.labels != "none":
            self.C = base.per(DIRECTIONS, lambda: Classifier(4 * c.ngf, c.n_classes))
            mine.append(self.C)
        self.D1 = base.per("AB", lambda: PatchDiscriminator(3, c.ndf, c.n_layers))
        if c.d2:
            self.D2 = base.per("AB", lambda: PatchDiscriminator(3, c.ndf, c.n_layers))
        init_weights(self, truncated=False)
        self.optimizers = {
            "G": base.adam(c.lr, c.beta1, *mine),
            "D": base.adam(c.lr, c.beta1, *self._judges()),
        }
        self.register_buffer("k", torch.zeros(()))  # what is translated depends on it: state
        self.begin(0, 1)

    def _encoder(self, c: Config) -> AttentionEncoder:
        return AttentionEncoder(
            c.ngf, c.e_blocks, c.crop_size, c.n_regions, self.half, c.windows, c.with_global
        )

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        share = min(1.0, iteration / (iterations_per_epoch * c.epochs * c.k_share))
        self.k.fill_(c.k_first * (c.k_last / c.k_first) ** share)
        epoch = int(iteration / iterations_per_epoch)
        self.set_lr(c.lr * base.linear_decay(epoch, c.constant_epochs, c.epochs, tail=1))

    def translate(self, x: Tensor, direction: str) -> Translation:
        """F(x), and where any window looks; no attention where there are no windows."""
        code = self.encode(x, direction)
        seen = None if self.config.windows == "none" else union(code.windows.masks)
        return Translation(self.G[direction](code.latent), seen)

    def windows(self, x: Tensor, direction: str) -> Windows:
        """Centres, boxes and masks of the windows on (N, 3, H, W) in [-1, 1], for notebooks."""
        return self.encode(x, direction).windows

    def encode(self, x: Tensor, direction: str, centres: Tensor | None = None) -> Code:
        """DAE(x) by the model of `direction`; `centres` (N, n, 2) in px replace f_loc's."""
        return self.E[direction](x, self.k, centres)

    def step(self, batch: Batch) -> Losses:
        losses: Losses = dict.fromkeys(LOSSES)
        first, made, truth = {}, {}, {}
        for d in DIRECTIONS:  # s and t in one pass, because no layer mixes images
            both = torch.cat([batch[X] for X in d])
            truth[d] = self._true_centres(batch, d)
            first[d] = self.encode(both, d, truth[d])
            made[d] = self.G[d](first[d].latent)
            losses |= self._measure(batch, d, first[d])
        judged = self._judge(batch, made)  # DA-U's order: D1 and D2, then all others
        self.update(sum(judged.values()), "D")
        with base.frozen(*self._judges()):
            mine = {}
            for d in DIRECTIONS:
                mine |= self._translation_losses(d, first[d], made[d], truth[d])
                mine |= self._attention_losses(batch, d, first[d], truth[d])
            self.update(sum(mine.values()), "G")
        return losses | judged | mine

    def _judges(self) -> list[torch.nn.Module]:
        return [self.D1, self.D2] if self.config.d2 else [self.D1]

    def _judge(self, batch: Batch, made: dict[str, Tensor]) -> Losses:
        """Eqs. 7 and 8: D1 tells t from F(s), D2 tells t from F(t); each sees real t by itself."""
        losses: Losses = {}
        for d in DIRECTIONS:
            Y = d[1]
            for i, (D, fake) in enumerate(zip(self._judges(), made[d].chunk(2), strict=False), 1):
                real, fake = D[Y](batch[Y]), D[Y](fake.detach())
                losses[f"dis{i}_{Y}"] = bce_loss(real, True) + bce_loss(fake, False)
        return losses

    def _translation_losses(
        self, d: str, first: Code, made: Tensor, centres: Tensor | None
    ) -> Losses:
        """Eqs. 5 to 8 for F(s) and F(t)."""
        c, (X, Y) = self.config, d
        # F(s) and F(t) keep the place of s and t, so oracle windows stay where they were
        again = self.encode(made, d, centres).latent.chunk(2)
        s, t = (first.latent.detach() if c.stop_gradient else first.latent).chunk(2)
        losses: Losses = {
            f"cst_{X}": c.alpha * l1_loss(s, again[0]),
            f"sym_{Y}": c.beta * l1_loss(t, again[1]),
        }
        for i, (D, fake) in enumerate(zip(self._judges(), made.chunk(2), strict=False), 1):
            losses[f"adv{i}_{Y}"] = bce_loss(D[Y](fake), True)
        return losses

    def _attention_losses(
        self, batch: Batch, d: str, first: Code, centres: Tensor | None
    ) -> Losses:
        """What teaches the windows: the class of what they show, or the mask of the object."""
        c, losses = self.config, {}
        if c.labels != "none":
            letters = d if c.labels == "both" else d[0]
            labels = torch.cat([labels_of(batch, X, c.n_classes, c.made_up_truth) for X in letters])
            logits = self.C[d](first.instances[: len(labels)])
            losses[f"cls_{d}"] = c.lambda_cls * F.cross_entropy(logits, labels)
        if centres is not None:
            both = torch.cat([batch[X] for X in d])
            found = self.E[d].f_loc(self.E[d].E(both))
            losses[f"loc_{d}"] = c.lambda_loc * l1_loss(found, centres) / both.shape[-1]
        return losses

    def _true_centres(self, batch: Batch, d: str) -> Tensor | None:
        """(2 N, n, 2) in px, all windows on the object; None where f_loc or chance places them."""
        c = self.config
        if c.windows != "oracle":
            return None
        return true_centres(batch, d, self.half, c.made_up_truth).expand(-1, c.n_regions, 2)

    @torch.no_grad()
    def _measure(self, batch: Batch, d: str, code: Code) -> Losses:
        """Whether codes collapse, windows agree, and centres of windows on s lie on its object."""
        found: Losses = {f"variance_{d}": code.latent.var(dim=0, unbiased=False).mean()}
        if self.config.windows == "none":
            return found
        if self.config.n_regions > 1:
            found[f"overlap_{d}"] = overlap(code.windows.masks)
        mask = batch.get(f"{d[0]}_mask")
        if mask is not None:
            x, y = code.windows.centres[: len(mask)].long().unbind(dim=2)
            rows = torch.arange(len(mask), device=mask.device)[:, None]
            found[f"hit_{d}"] = mask[rows, 0, y, x].mean()
        return found
