"""Numbers drawn at random: styles for test images, and what training draws."""

from zlib import crc32

import torch
from torch import Tensor


def random_styles(x: Tensor, style_dim: int, seed: int) -> Tensor:
    """One style for each image, of standard normal numbers, for use outside training.

    A style follows from the seed and the image alone: neither the other images of a batch nor
    their order, nor torch's generators change it. So an image is scored, drawn and resumed with one
    style, different images have different ones, and several seeds make several translations.

    Args:
        x: (N, 3, H, W), the images to translate.
        style_dim: numbers in a style.
        seed: 0 or more.

    Returns:
        (N, style_dim) on the device of `x`.
    """
    sources = [torch.Generator().manual_seed(_number(image, seed)) for image in x]
    return torch.stack([torch.randn(style_dim, generator=source) for source in sources]).to(x)


def _number(image: Tensor, seed: int) -> int:
    pixels = image.detach().float().cpu().numpy().tobytes()
    return crc32(seed.to_bytes(8, "little"), crc32(pixels))


def normal(*shape: int, device: torch.device) -> Tensor:
    """Standard normal numbers of this shape for a step of training, by the device's generator.

    Not by the CPU's, which needs 10 ms for the noise of one of UNIT's codes at 256 px, six times a
    step. The state of both generators is in the checkpoint.
    """
    return torch.randn(*shape, device=device)
