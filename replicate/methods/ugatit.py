"""U-GAT-IT: Kim, Kim, Kang, Lee, ICLR 2020 (arXiv 1907.10830).

Official code, both MIT: znxlwm/UGATIT-pytorch @b8c4251 ("UP"), followed by default, and
taki0112/UGATIT @d508e8f (TensorFlow, "UT"), which made the paper's numbers and is the variant `tf`.
Both weigh the encoder's maps with a domain classifier's weights (CAM), in G and in four
discriminators, and steer the decoder's norms between instance and layer normalisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import LEAST_SQUARES, AdversarialScale, bce_loss, l1_loss, lsgan_loss
from replicate.methods import base
from replicate.methods.base import DIRECTIONS, Batch, Losses, Method, Translation
from replicate.networks.adalin import clip_rho
from replicate.networks.blocks import upsample_nearest
from replicate.networks.ugatit import CELL, NORMS, Discriminator, Generator, Output, min_max

READINGS = ("torch", "tf")
TF = {"reading": "tf", "batch_size": 2}  # one image for D, one for G
ABLATIONS = {  # table 1
    "in": {"norm": "in"},
    "ln": {"norm": "ln"},
    "adain": {"norm": "adain"},
    "gn": {"norm": "gn"},
    "no-cam": {"g_cam": False, "d_cam": False},
    "no-g-cam": {"g_cam": False},
    "no-d-cam": {"d_cam": False},
}


@dataclass(frozen=True, kw_only=True)
class Config(base.Config):
    """Values of both codes (main.py) unless a comment names another source."""

    # torch's default there, UP UGATIT.py:89; bicubic before
    resize: Literal[*base.FILTERS] = base.added("bicubic", now="bilinear")
    epochs: settings.Length = 100  # UT main.py:14
    iterations: settings.Length | None = 1_000_000  # UP main.py; 100 epochs of 10,000 in UT
    reading: Literal[*READINGS] = "torch"  # deviation ugatit/results-from-tf-code
    light: bool = False
    # px; smaller crops get the light head: deviation ugatit/full-tied-to-256
    full_size: settings.Side = 256
    ngf: settings.Count = 64
    n_res: settings.Depth = 4
    ndf: settings.Count = 64
    global_layers: settings.Depth = 7  # UP UGATIT.py:112-115
    local_layers: settings.Depth = 5
    norm: Literal[*NORMS] = "adalin"  # table 1
    g_cam: bool = True  # table 1
    d_cam: bool = True
    lambda_adv: settings.Weight = 1.0  # the losses' section gives all four
    lambda_cyc: settings.Weight = 10.0
    lambda_idt: settings.Weight = 10.0
    lambda_cam: settings.Weight = 1000.0
    lr: settings.Rate = 1e-4
    beta1: settings.Beta = 0.5
    weight_decay: settings.Weight = 1e-4


@base.register(paper="kim2020ugatit")
class UGATIT(Method):
    """One architecture for texture and for shape: attention by CAM, norms that adapt.

    What 256 px takes, batch 1 in float32 with Adam, measured as the peak of a process in its first
    two iterations on a CPU: 16.8 GiB for the full variant (670,761,088 parameters in training),
    6.6 GiB for `light` (134,021,248), which is another model and not a small copy of it.
    """

    Config = Config
    VARIANTS = {
        "paper": {},
        "light": {"light": True},
        "tf": TF,
        **ABLATIONS,
        **{f"tf-{name}": TF | changes for name, changes in ABLATIONS.items()},
    }
    SMOKE = {
        "load_size": 32, "crop_size": 32, "full_size": 32, "ngf": 4, "n_res": 1, "ndf": 4,
        "global_layers": 5, "local_layers": 4, "iterations": 4,
    }  # fmt: skip
    LAPTOP = {
        "load_size": 64, "crop_size": 64, "resize": "bicubic", "ngf": 16, "n_res": 2, "ndf": 8,
        "global_layers": 6, "local_layers": 4, "lambda_cam": 1.0, "lr": 4e-4, "iterations": 3000,
    }  # fmt: skip
    PHOTOGRAPHS = {
        "laptop": {
            **base.CROPS, "ngf": 24, "n_res": 4, "ndf": 16, "lambda_cam": 1000.0, "lr": 1e-4,
            "iterations": 6000,
        },
        "overnight": {
            **base.WHOLE, "ngf": 32, "n_res": 4, "ndf": 16, "lr": 1e-4, "global_layers": 7,
            "local_layers": 5, "lambda_cam": 1000.0, "iterations": 60000,
        },
    }  # fmt: skip
    attention_cell = CELL

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        """Sums of a global and a local discriminator's, and D's without the factor 1/2."""
        return LEAST_SQUARES.times(4 * config["lambda_adv"], 2 * config["lambda_adv"])

    @classmethod
    def one_size(cls, c: Config) -> str:
        if c.light or c.crop_size < c.full_size:
            return ""
        return (
            "the full head is fully connected to every pixel of the crop's features (light=True, "
            "or full_size above crop_size, pools them first)"
        )

    @classmethod
    def check(cls, c: Config) -> None:
        super().check(c)
        if c.reading == "tf" and c.batch_size % 2:
            raise ReplicateError(
                f"batch_size={c.batch_size} with reading=tf: expected an even number, because D "
                "and G get half of the images each; use 2 for the paper's batch of 1"
            )
        base.check_multiple(c, CELL)
        for name in ("global_layers", "local_layers"):
            layers = getattr(c, name)
            if layers < 3 or c.crop_size >> (layers - 2) < 3:
                raise ReplicateError(
                    f"{name}={layers} at crop_size={c.crop_size}: expected 3 or more, and at least "
                    "3 px left after the layers of stride 2 (all but two); change one of them"
                )

    def build(self, c: Config) -> None:
        tf = c.reading == "tf"
        size = None if c.light or c.crop_size < c.full_size else c.crop_size
        self.G = base.per(DIRECTIONS, lambda: Generator(c.ngf, c.n_res, size, c.norm, c.g_cam, tf))
        self.D_global = base.per("AB", lambda: Discriminator(c.ndf, c.global_layers, c.d_cam, tf))
        self.D_local = base.per("AB", lambda: Discriminator(c.ndf, c.local_layers, c.d_cam, tf))
        if tf:
            _init_normal(self)
        self.optimizers = {
            "G": _adam(c, self.G),
            "D": _adam(c, self.D_global, self.D_local),
        }

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        c = self.config
        done, total = iteration + 1, round(iterations_per_epoch * c.epochs)
        if c.reading == "tf":
            done, total = int(iteration / iterations_per_epoch), c.epochs
        self.set_lr(c.lr * base.linear_decay(done, total / 2, total))

    def translate(self, x: Tensor, direction: str) -> Translation:
        """The image, and G's heat map as attention; None where G has no CAM."""
        image, _, heat = self.G[direction](x)
        return Translation(image, None if heat is None else upsample_nearest(min_max(heat), CELL))

    def heat_maps(self, x: Tensor, direction: str) -> dict[str, Tensor]:
        """Where each network looks: "G" at x, "D_local" and "D_global" at its translation.

        Args:
            x: (N, 3, H, W) in [-1, 1].
            direction: "AB" or "BA".

        Returns:
            (N, 1, H, W) in [0, 1] of each network that has a CAM, each stretched by itself and
            enlarged bilinearly, as UP draws them.
        """
        seen = {"G": self.G[direction](x)}
        for name in ("D_local", "D_global"):
            seen[name] = getattr(self, name)[direction[1]](seen["G"].out)
        return {
            name: F.interpolate(min_max(heat), x.shape[2:], mode="bilinear")
            for name, (_, _, heat) in seen.items()
            if heat is not None
        }

    def step(self, batch: Batch) -> Losses:
        losses: Losses = {}
        seen, batch = self._batches_of_d_and_g(batch)
        # G's translations and identities in one pass, because no layer mixes images
        made = {d: self.G[d](torch.cat([batch[d[0]], batch[d[1]]])) for d in DIRECTIONS}
        with torch.no_grad():
            fake = {
                d[1]: made[d].out.chunk(2)[0] if seen is batch else self.G[d](seen[d[0]]).out
                for d in DIRECTIONS
            }
        self._update_discriminators(seen, fake, losses)
        self._update_generators(batch, made, losses)
        clip_rho(self.G)
        return losses

    def _batches_of_d_and_g(self, batch: Batch) -> tuple[Batch, Batch]:
        """The same images for both, or in the TensorFlow reading half of them for each."""
        batch = {X: batch[X] for X in "AB"}
        if self.config.reading == "torch":
            return batch, batch
        halves = {X: batch[X].chunk(2) for X in "AB"}
        return {X: halves[X][0] for X in "AB"}, {X: halves[X][1] for X in "AB"}

    def _judges(self, Y: str) -> tuple[nn.Module, nn.Module]:
        return self.D_global[Y], self.D_local[Y]

    def _update_discriminators(self, batch: Batch, fake: dict[str, Tensor], losses: Losses) -> None:
        c = self.config
        for Y in "AB":
            pairs = [(D(batch[Y]), D(fake[Y].detach())) for D in self._judges(Y)]
            losses[f"dis_{Y}"] = c.lambda_adv * sum(_d_loss(r.out, f.out) for r, f in pairs)
            if c.d_cam:
                losses[f"dis_cam_{Y}"] = c.lambda_adv * sum(_d_loss(r.cam, f.cam) for r, f in pairs)
        self.update(sum(losses.values()), "D")

    def _update_generators(self, batch: Batch, made: dict[str, Output], losses: Losses) -> None:
        c, mine = self.config, {}
        with base.frozen(self.D_global, self.D_local):
            for X, Y in DIRECTIONS:
                images, cam, _ = made[X + Y]
                fake, same = images.chunk(2)
                back = self.G[Y + X](fake).out
                mine[f"idt_{Y}"] = c.lambda_idt * l1_loss(same, batch[Y])
                mine[f"cyc_{X}"] = c.lambda_cyc * l1_loss(back, batch[X])
                judged = [D(fake) for D in self._judges(Y)]
                mine[f"adv_{Y}"] = c.lambda_adv * sum(lsgan_loss(j.out, True) for j in judged)
                if c.d_cam:
                    cams = sum(lsgan_loss(j.cam, True) for j in judged)
                    mine[f"adv_cam_{Y}"] = c.lambda_adv * cams
                if c.g_cam:
                    mine[f"cam_{X}"] = c.lambda_cam * _cam_loss(*cam.chunk(2))
            self.update(sum(mine.values()), "G")
        losses.update(mine)


def _d_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Least squares without the factor 1/2 of `lsgan_d_loss`: UP UGATIT.py:182-202."""
    return lsgan_loss(real, is_real=True) + lsgan_loss(fake, is_real=False)


def _cam_loss(source: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of G's logits (N, 2): images of its source are 1, of its target 0."""
    return bce_loss(source, is_real=True) + bce_loss(target, is_real=False)


def _kernels(*networks: nn.Module) -> list[nn.Parameter]:
    layers = [layer for network in networks for layer in network.modules()]
    return [layer.weight for layer in layers if isinstance(layer, nn.Conv2d | nn.Linear)]


def _adam(c: Config, *networks: nn.Module) -> torch.optim.Adam:
    """Adam whose weight decay is part of the gradient, on everything or on kernels only (UT)."""
    parameters = [p for network in networks for p in network.parameters()]
    decays = {id(p) for p in (parameters if c.reading == "torch" else _kernels(*networks))}
    groups = [
        {"params": [p for p in parameters if id(p) in decays], "weight_decay": c.weight_decay},
        {"params": [p for p in parameters if id(p) not in decays], "weight_decay": 0.0},
    ]
    return torch.optim.Adam(
        [group for group in groups if group["params"]], lr=c.lr, betas=(c.beta1, 0.999)
    )


@torch.no_grad()
def _init_normal(network: nn.Module) -> None:
    """All kernels from N(0, 0.02), biases 0; norms keep their own start: UT ops.py:9."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
