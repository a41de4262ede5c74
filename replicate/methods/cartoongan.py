"""CartoonGAN: Chen, Lai, Liu, CVPR 2018, pp. 9465-9474.

The authors released trained generators only. "TAKI" is taki0112/CartoonGAN-Tensorflow @890decc, by
an author of U-GAT-IT whose table has CartoonGAN's one KID, and is followed here; "ZNX" is
znxlwm/pytorch-CartoonGAN @67a872d, by another of its authors. One generator makes cartoons (B) of
photographs (A); nothing leads back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import CROSS_ENTROPY, AdversarialScale, bce_loss, l1_loss
from replicate.methods import base
from replicate.methods.base import Batch, Losses, Method, Needs, Translation
from replicate.networks.cartoongan import CartoonDiscriminator, CartoonGenerator

LOSSES = ("content_A", "adv_B", "dis_B")
# what judges the content: published networks, or for rehearsals the image itself
PUBLISHED = ("vgg19-caffe", "vgg19-torchvision", "efficientnet-lite0")
BLURRED = 4  # px, of the squares that "blur" compares by their means


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of TAKI."""

    load_size: settings.Side = 256
    flip: bool = False
    epochs: settings.Length = 100
    iterations: settings.Length | None = 1_000_000  # 10,000 in an epoch, whatever the set has
    port: Literal["taki0112", "znxlwm"] = "taki0112"  # deviation cartoongan/implementation
    ngf: settings.Count = 64
    n_blocks: settings.Depth = 8
    ndf: settings.Count = 32
    init_epochs: settings.Epoch = 1  # of content loss alone: deviation cartoongan/init-phase
    content: Literal[*PUBLISHED, "blur"] = "vgg19-caffe"  # deviation cartoongan/content-network
    lambda_content: settings.Weight = 10.0
    lr: settings.Rate = 1e-4
    beta1: settings.Beta = 0.5


@base.register(paper="chen2018cartoongan")
class CartoonGAN(Method):
    """First G learns to keep the content, then also to deceive a D that rejects soft edges."""

    Config = Config
    directions = ("AB",)
    VARIANTS = {
        "paper": {},
        "znxlwm": {
            "port": "znxlwm", "epochs": 110, "iterations": None, "init_epochs": 10, "lr": 2e-4,
            "batch_size": 8, "content": "vgg19-torchvision",
        },
    }  # fmt: skip
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 1, "ngf": 4, "n_blocks": 1, "ndf": 4,
        "epochs": 4, "init_epochs": 1, "content": "blur", "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "batch_size": 1, "ngf": 16, "n_blocks": 4, "ndf": 16,
        "epochs": 100, "init_epochs": 10, "content": "efficientnet-lite0", "lambda_content": 1.0,
        "lr": 4e-4, "iterations": 3000,
    }  # fmt: skip

    @classmethod
    def needs(cls, c: Config) -> Needs:
        return Needs(smooth=True, frozen=None if c.content == "blur" else c.content)

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        return CROSS_ENTROPY.times(3, 1)  # D's loss has three terms

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        base.check_multiple(c, 4)
        if c.init_epochs >= c.epochs:
            raise ReplicateError(
                f"init_epochs={c.init_epochs} with epochs={c.epochs}: no epoch is left for the "
                "adversarial game; take fewer of them, or more epochs"
            )

    def build(self, c: Config) -> None:
        port = c.port == "znxlwm"
        self.G = CartoonGenerator(c.ngf, c.n_blocks, port)
        self.D = CartoonDiscriminator(c.ndf, port)
        self.optimizers = {kind: base.adam(c.lr, c.beta1, getattr(self, kind)) for kind in "GD"}
        self._judge: tuple[nn.Module, ...] = ()  # in a tuple it is no part of the state
        self.begin(0, 1.0)

    def receive(self, network: nn.Module) -> None:
        self._judge = (network.eval().requires_grad_(False),)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        epoch, last = iteration / iterations_per_epoch, (iteration - 1) / iterations_per_epoch
        self.alone = epoch < c.init_epochs  # G with the content loss
        taki = c.port == "taki0112"
        # a second Adam: deviation cartoongan/init-phase
        self.fresh = taki and 0 <= last < c.init_epochs <= epoch
        share = (int(epoch) - c.init_epochs) / (c.epochs - c.init_epochs)
        self.set_lr(c.lr * (1.0 if taki or share < 0.5 else 0.1 if share < 0.75 else 0.01))

    def translate(self, x: Tensor, direction: str) -> Translation:
        if direction not in self.directions:
            raise ReplicateError(
                f"cartoongan translates A to B alone, asked for {direction}; swap the domains of "
                "the data set, or take a method of both directions"
            )
        return Translation(self.G(x))

    def step(self, batch: Batch) -> Losses:
        losses: Losses = dict.fromkeys(LOSSES)
        if self.fresh:
            self.optimizers["G"].state.clear()
        if not self.alone:
            losses |= self._update_discriminator(batch)
        return losses | self._update_generator(batch)

    def _update_discriminator(self, batch: Batch) -> Losses:
        """Cartoons are real; translations and cartoons without their edges are not."""
        with torch.no_grad():
            fake = self.G(batch["A"])
        loss = bce_loss(self.D(batch["B"]), True)
        loss = loss + bce_loss(self.D(fake), False) + bce_loss(self.D(batch["B_smooth"]), False)
        self.update(loss, "D")
        return {"dis_B": loss}

    def _update_generator(self, batch: Batch) -> Losses:
        c, fake = self.config, self.G(batch["A"])
        gap = l1_loss(self._content(fake), self._content(batch["A"]))
        mine: Losses = {"content_A": c.lambda_content * gap}
        with base.frozen(self.D):
            if not self.alone:
                mine["adv_B"] = bce_loss(self.D(fake), True)
            self.update(sum(mine.values()), "G")
        return mine

    def _content(self, x: Tensor) -> Tensor:
        """The features by which a photograph and its translation are compared."""
        if self.config.content == "blur":
            return F.avg_pool2d(x, BLURRED)
        if not self._judge:
            raise ReplicateError(
                f"cartoongan got no {self.config.content} network before its first step; train it "
                "by `replicate train`, or give it one by `receive`"
            )
        return self._judge[0](x)
