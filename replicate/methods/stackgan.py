"""StackGAN: Zhang, Xu, Li, Zhang, Wang, Huang, Metaxas, ICCV 2017 (arXiv 1612.03242).

Official codes: hanzhanggit/StackGAN @5db79d0 (TensorFlow, of the paper's birds and flowers) and
hanzhanggit/StackGAN-Pytorch @e72ef88 (COCO). Layers are those of the second, whose counts the tests
hold; settings and schedule are those of the first for birds. A sentence becomes a small image by a
first GAN and a large one by a second; both condition on a normal draw around the sentence's
embedding. What encodes sentences is ours: stackgan/text-encoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import (
    CROSS_ENTROPY,
    AdversarialScale,
    bce_loss,
    matching_loss,
    normal_kl_loss,
)
from replicate.methods import base
from replicate.methods.base import Batch, Losses, Method, Needs, Translation
from replicate.methods.sentence_pairs import Pairs, check_sentences, of_domain, pairs_of
from replicate.methods.styles import normal, random_styles
from replicate.networks.blocks import init_weights, upsample_nearest
from replicate.networks.stackgan import Discriminator, Drawn, StageOne, StageTwo
from replicate.networks.text import ImageEmbedder, TextEncoder

STAGES = {"both": (1, 2), "one": (1,)}
LOSSES = (
    "text",
    *(f"{name}{i}_{X}" for i in (1, 2) for name in ("dis", "adv") for X in "AB"),
    "alone2", "kl1", "kl2",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """The TensorFlow code's settings for birds: stageI/cfg/birds.yml, stageII/cfg/birds.yml."""

    load_size: settings.Side = 304  # misc/preprocess_birds.py:20
    batch_size: settings.Count = 32  # of each domain; 64 pairs
    epochs: settings.Length = 1200  # of both stages
    stage_one_epochs: settings.Epoch = 600
    stages: Literal[*STAGES] = "both"  # "one": the first alone, for the whole schedule
    upscale: settings.Count = 4  # of the second stage: 64 to 256 px
    text_dim: settings.Count = 1024  # of an embedding
    text_width: settings.Count = 256  # of what makes it: deviation stackgan/text-encoder
    c_dim: settings.Count = 128
    z_dim: settings.Count = 100
    ngf: settings.Count = 128
    ndf: settings.Count = 64
    n_res: settings.Depth = 4
    lambda_kl: settings.Weight = 2.0
    lr: settings.Rate = 2e-4
    lr_text: settings.Rate = 5e-4  # deviation stackgan/text-encoder
    beta1: settings.Beta = 0.5
    halve_one: settings.Epoch = 50  # epochs in which the rate is halved, in either stage
    halve_two: settings.Epoch = 100
    made_up_truth: bool = False  # sentences for sets that lack them: smoke runs only


@base.register(paper="zhang2017stackgan")
class StackGAN(Method):
    """A sentence to a small image, and this and the sentence to a larger one.

    One model draws images of both domains, because a sentence names what makes the domain. A
    direction says only which sentences are asked for.
    """

    Config = Config
    takes = "sentences"
    VARIANTS = {"paper": {}, "stage-one": {"stages": "one"}}
    SMOKE = {
        "load_size": 32, "crop_size": 32, "batch_size": 2, "upscale": 2, "text_dim": 8,
        "text_width": 4, "c_dim": 4, "z_dim": 4, "ngf": 4, "ndf": 4, "n_res": 1,
        "made_up_truth": True, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "flip": False, "batch_size": 4, "upscale": 2,
        "text_dim": 128, "text_width": 64, "c_dim": 32, "z_dim": 32, "ngf": 64, "ndf": 48,
        "n_res": 2, "halve_one": 200, "halve_two": 200, "iterations": 2200,
    }  # fmt: skip

    @classmethod
    def needs(cls, c: Config) -> Needs:
        return Needs(captions=not c.made_up_truth)

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        """D's loss is a mean of real and a mean of all other scores; `adv` are those with
        sentences."""
        return CROSS_ENTROPY.times(2, 1)

    @classmethod
    def one_size(cls, c: Config) -> str:
        return "its images grow from 4 px by doubling"

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        small, left = divmod(c.crop_size, c.upscale)
        powers = all(n > 0 and n & (n - 1) == 0 for n in (c.crop_size, c.upscale))
        if left or not powers or small < 8:
            raise ReplicateError(
                f"crop_size={c.crop_size} with upscale={c.upscale}: expected powers of 2, with 8 "
                "px or more for the first stage's images"
            )
        if c.stage_one_epochs > c.epochs:
            raise ReplicateError(
                f"stage_one_epochs={c.stage_one_epochs} with epochs={c.epochs}: expected at most "
                "the epochs of both stages"
            )

    def build(self, c: Config) -> None:
        small = c.crop_size // c.upscale
        self.T = TextEncoder(c.text_width, c.text_dim)
        self.V = ImageEmbedder(c.text_width, c.text_dim, c.crop_size)
        self.G1 = StageOne(c.text_dim, c.c_dim, c.z_dim, c.ngf, small)
        self.D1 = Discriminator(c.c_dim, c.ndf, small, unconditional=False)
        if c.stages == "both":
            self.G2 = StageTwo(c.text_dim, c.c_dim, c.ngf, c.n_res, c.upscale)
            self.D2 = Discriminator(c.c_dim, c.ndf, c.crop_size, unconditional=True)
        self.optimizers = {"T": base.adam(c.lr_text, c.beta1, self.T, self.V)}
        for i in STAGES[c.stages]:
            for kind in "GD":
                network = getattr(self, f"{kind}{i}")
                init_weights(network, truncated=False)
                self.optimizers[f"{kind}{i}"] = base.adam(c.lr, c.beta1, network)
        # what is translated depends on it: state
        self.register_buffer("stage", torch.ones((), dtype=torch.int64))
        self.begin(0, 1)

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        first = c.stage_one_epochs * iterations_per_epoch
        second = c.stages == "both" and iteration >= first
        self.stage.fill_(2 if second else 1)
        since, period = (iteration - first, c.halve_two) if second else (iteration, c.halve_one)
        factor = base.halving(int(since), iterations_per_epoch, period)
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = c.lr_text if name == "T" else c.lr * factor

    def translate(self, x: Tensor, direction: str, seed: int = 0) -> Translation:
        """Images (N, 3, S, S) of sentences (N, L), the characters that `captions.encode` gives.

        `seed` chooses the noise, which follows from it and from a sentence. Until the second stage
        is trained the first one's images are enlarged.
        """
        check_sentences(x, self.name)
        c, text = self.config, self.T(x)
        noise = random_styles(x.float(), c.z_dim + 2 * c.c_dim, seed)
        z, one, two = noise.split([c.z_dim, c.c_dim, c.c_dim], dim=1)
        small = self.G1(text, z, one).image
        large = upsample_nearest(small, c.upscale)
        if c.stages == "both":
            large = torch.where(self.stage > 1, self.G2(small, text, two).image, large)
        return Translation(large)

    def step(self, batch: Batch) -> Losses:
        losses: Losses = dict.fromkeys(LOSSES)
        pairs = pairs_of(batch, self.config.made_up_truth)
        losses["text"] = matching_loss(self.T(pairs.sentences), self.V(pairs.images))
        self.update(losses["text"], "T")
        with torch.no_grad():
            text = self.T(pairs.sentences)
        return losses | (
            self._stage_two(pairs, text) if self.stage > 1 else self._stage_one(pairs, text)
        )

    def _noise(self, text: Tensor, numbers: int) -> Tensor:
        return normal(len(text), numbers, device=text.device)

    def _small(self, text: Tensor) -> Drawn:
        c = self.config
        return self.G1(text, self._noise(text, c.z_dim), self._noise(text, c.c_dim))

    def _stage_one(self, pairs: Pairs, text: Tensor) -> Losses:
        real = F.avg_pool2d(pairs.images, self.config.upscale)
        return self._game(1, self.D1, real, self._small(text))

    def _stage_two(self, pairs: Pairs, text: Tensor) -> Losses:
        """On images of the first stage, which is trained no more."""
        with torch.no_grad():
            small = self._small(text).image
        drawn = self.G2(small, text, self._noise(text, self.config.c_dim))
        return self._game(2, self.D2, pairs.images, drawn)

    def _game(self, i: int, D: Discriminator, real: Tensor, drawn: Drawn) -> Losses:
        """The update of D, then that of G, of one stage; losses of A and B apart."""
        condition = drawn.mean.detach()
        # another image's sentence: of the same domain as often as not
        shift = int(torch.randint(1, len(real), ()))
        features, fake = D(real), D(drawn.image.detach())
        scores = {
            "right": D.with_sentence(features, condition),
            "wrong": D.with_sentence(features, condition.roll(shift, 0)),
            "fake": D.with_sentence(fake, condition),
        }
        if i == 2:
            scores |= {"real": D.without_sentence(features), "made": D.without_sentence(fake)}
        judged = {
            f"dis{i}_{X}": _d_loss({k: of_domain(s, X) for k, s in scores.items()}) for X in "AB"
        }
        self.update(sum(judged.values()) / 2, f"D{i}")
        mine: Losses = {}
        with base.frozen(D):
            fake = D(drawn.image)
            matched = D.with_sentence(fake, condition)
            adv = {f"adv{i}_{X}": bce_loss(of_domain(matched, X), True) for X in "AB"}
            kl = normal_kl_loss(drawn.mean, drawn.log_sigma)
            mine[f"kl{i}"] = self.config.lambda_kl * kl
            if i == 2:
                mine["alone2"] = bce_loss(D.without_sentence(fake), True)
            self.update(sum(adv.values()) / 2 + sum(mine.values()), f"G{i}")
        return judged | adv | mine


def _d_loss(scores: Mapping[str, Tensor]) -> Tensor:
    """The matching-aware loss of D: real images with their own sentence against real ones with
    another's and drawn ones; with both heads also real against drawn without any.

    Source: code/miscc/utils.py:24-63.
    """
    real = [bce_loss(scores[key], True) for key in ("right", "real") if key in scores]
    rest = [bce_loss(scores[key], False) for key in ("wrong", "fake", "made") if key in scores]
    return sum(real) / len(real) + sum(rest) / len(rest)
