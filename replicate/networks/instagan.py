"""InstaGAN's networks: an image and the set of its instances' masks, in any order and number."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.networks.blocks import InstanceNorm, Pad, ResBlock
from replicate.networks.spectral import SpectralConv2d, SpectralNorm, in_float32


class Scene(NamedTuple):
    """An image with the masks of its instances.

    Attributes:
        image: (N, 3, H, W) in [-1, 1].
        masks: (N, K, H, W) in [-1, 1], 1 on an instance; all -1 is an empty mask, which stands
            for no instance.
    """

    image: Tensor
    masks: Tensor


def present(masks: Tensor) -> Tensor:
    """(N, K) bool: which masks of (N, K, H, W) are not empty."""
    return (masks > -1).flatten(2).any(dim=2)


class SetGenerator(nn.Module):
    """Translates an image and each mask, all in view of the image and of the sum of all masks.

    Masks go through one encoder and one decoder, and are seen together only as a sum: another
    order of them gives the same image, and the same masks in that order. Empty masks are left out
    and come back as they are; of an image that has no other, one is encoded.

    Args:
        ngf: channels of both encoders after the first convolution; they end with 4 ngf.
        n_blocks: residual blocks of each encoder.

    Source: sangwoomo/instagan @f9c1d9c models/networks.py, 26,815,108 parameters at the defaults.
    """

    def __init__(self, ngf: int = 64, n_blocks: int = 9) -> None:
        super().__init__()
        self.encode_image = _encoder(3, ngf, n_blocks)
        self.encode_mask = _encoder(1, ngf, n_blocks)
        self.decode_image = _decoder(2 * ngf, 3)
        self.decode_mask = _decoder(3 * ngf, 1)

    def forward(self, scene: Scene) -> Scene:
        """A scene of the same shape, H and W multiples of 4."""
        image, masks = scene
        owner, place = _used(masks).nonzero(as_tuple=True)  # of each mask: its image, where it is
        of_image = self.encode_image(image)
        of_mask = self.encode_mask(masks[owner, place][:, None])
        total = torch.zeros_like(of_image).index_add(0, owner, of_mask)
        both = torch.cat([of_image, total], dim=1)
        decoded = self.decode_mask(torch.cat([of_mask, both[owner]], dim=1)).float()
        made = masks.float().index_put((owner, place), decoded[:, 0])
        return Scene(self.decode_image(both).float(), made)


class LatestSpectralNorm(SpectralNorm):
    """Spectral normalisation whose gradient has the vectors of the latest pass.

    Between a forward and its backward pass there are others, of more masks and of other images, and
    each moves the vectors on. The official code overwrites them in place, so that the gradients of
    all passes have the last ones: see deviation instagan/spectral-gradient.
    """

    def largest(self, weight: Tensor) -> Tensor:
        with in_float32(weight):
            return _Largest.apply(weight.flatten(1), self)

    @torch.no_grad()
    def moved(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """u and v after one power iteration on (rows, columns); in training they are kept."""
        v = F.normalize(flat.T.mv(self.u), dim=0, eps=self.EPS)
        u = F.normalize(flat.mv(v), dim=0, eps=self.EPS)
        if self.training:
            self.u.copy_(u)
            self.v.copy_(v)
        self.latest = u, v
        return u, v


class _Largest(torch.autograd.Function):
    """The estimate of a largest singular value."""

    @staticmethod
    def forward(ctx, flat: Tensor, norm: LatestSpectralNorm) -> Tensor:
        ctx.norm = norm
        u, v = norm.moved(flat)
        return u.dot(flat.mv(v))

    @staticmethod
    def backward(ctx, slope: Tensor) -> tuple[Tensor, None]:
        return slope * torch.outer(*ctx.norm.latest), None


class LatestSpectralConv2d(SpectralConv2d):
    """`SpectralConv2d` with `LatestSpectralNorm`."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, **options) -> None:
        super().__init__(in_channels, out_channels, kernel, **options)
        self.norm = LatestSpectralNorm(out_channels, in_channels * kernel**2)


class SetDiscriminator(nn.Module):
    """Scores of patches of an image beside the sum of what its masks give.

    Args:
        ndf: channels of both feature networks after the first convolution.

    Source: as `SetGenerator`; 9,721,729 parameters at the defaults. All convolutions are spectrally
        normalised; the official count of 9,754,434 holds the untrained vectors of that, too.
    """

    def __init__(self, ndf: int = 64) -> None:
        super().__init__()
        self.see_image, self.see_mask = _features(3, ndf), _features(1, ndf)
        self.judge = nn.Sequential(
            LatestSpectralConv2d(8 * ndf, 16 * ndf, 4, padding=1),
            InstanceNorm(16 * ndf),
            nn.LeakyReLU(0.2),
            LatestSpectralConv2d(16 * ndf, 1, 4, padding=1),
        )

    def forward(self, scene: Scene) -> Tensor:
        """(N, 1, H / 8 - 2, W / 8 - 2) raw scores; masks are left out as in `SetGenerator`.

        Masks are seen one after the other: each training pass moves spectral norm on.
        """
        image, masks = scene
        of_image = self.see_image(image)
        total = torch.zeros_like(of_image)
        for place, rows in enumerate(_used(masks).T):
            if rows.any():
                of_mask = self.see_mask(masks[rows, place][:, None])
                total = total.index_add(0, rows.nonzero()[:, 0], of_mask)
        return self.judge(torch.cat([of_image, total], dim=1)).float()


def _used(masks: Tensor) -> Tensor:
    """`present`, and the first mask of an image that has none."""
    used = present(masks)
    return used | (~used.any(dim=1, keepdim=True) & (torch.arange(used.shape[1]) == 0).to(used))


def _encoder(in_channels: int, ngf: int, n_blocks: int) -> nn.Sequential:
    layers: list[nn.Module] = [
        Pad(3, "reflect"), nn.Conv2d(in_channels, ngf, 7), InstanceNorm(ngf), nn.ReLU()
    ]  # fmt: skip
    for c in (ngf, 2 * ngf):
        layers += [nn.Conv2d(c, 2 * c, 3, 2, 1), InstanceNorm(2 * c), nn.ReLU()]
    blocks = (ResBlock(4 * ngf, "reflect", False, False) for _ in range(n_blocks))
    return nn.Sequential(*layers, *blocks)


def _decoder(width: int, out_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for c in (4 * width, 2 * width):
        up = nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1)
        layers += [up, InstanceNorm(c // 2), nn.ReLU()]
    return nn.Sequential(*layers, Pad(3, "reflect"), nn.Conv2d(width, out_channels, 7), nn.Tanh())


def _features(in_channels: int, ndf: int) -> nn.Sequential:
    layers: list[nn.Module] = [
        LatestSpectralConv2d(in_channels, ndf, 4, stride=2, padding=1), nn.LeakyReLU(0.2)
    ]  # fmt: skip
    for c in (ndf, 2 * ndf):
        conv = LatestSpectralConv2d(c, 2 * c, 4, stride=2, padding=1)
        layers += [conv, InstanceNorm(2 * c), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)
