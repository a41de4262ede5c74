"""A history of generated images for the discriminator."""

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """The last `size` generated samples; D sees an old one half of the time.

    The samples are buffers, so they travel with `state_dict` and a resume is exact. Draws come from
    torch's CPU generator, whose state is in the checkpoint.

    Args:
        size: samples kept; 0 gives every sample back unchanged.
        channels: of a sample; 4 for an image with its mask.
        side: px.

    Source: Shrivastava et al. 2017; CUT util/image_pool.py (fills first, then swaps per image with
        probability 0.5); AGGAN main.py:328-350 keeps (image, mask) pairs.
    """

    def __init__(self, size: int, channels: int, side: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("samples", torch.zeros(size, channels, side, side))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in, the same shape out: each sample itself or an older one."""
        if self.size == 0:
            return x.detach()
        return torch.stack([self._exchange(sample) for sample in x.detach().float()])

    def _exchange(self, sample: Tensor) -> Tensor:
        n = int(self.filled)
        if n < self.size:
            self.samples[n] = sample
            self.filled += 1
            return sample
        if torch.rand(()) < 0.5:
            return sample
        slot = int(torch.randint(self.size, ()))
        old = self.samples[slot].clone()
        self.samples[slot] = sample
        return old
