"""The attention map of every training image, kept from one visit to the next."""

import torch
from torch import Tensor, nn

from replicate.errors import ReplicateError
from replicate.networks.guidance import enlarge


class MapMemory(nn.Module):
    """One map for each image of a domain, in the coordinates of the whole, unmirrored image.

    A map is stored on the discriminator's small grid, with the crop that it was made of; it is
    enlarged and put in its place when it is read. Pixels that the stored crop did not hold, and
    images never visited, have the value `start`. Everything is a buffer, so a resume is exact.

    Args:
        images: the most that the domain may have.
        side: of the small grid.
        crop_size: px; side of the crops.
        start: in [0, 1].

    Source: ASGIT's data/aux_dataset.py:5-16 keeps maps without their crops.
    """

    read_in_translation = ("seen", "levels")  # by `level`; weights keep them, a few bytes an image

    def __init__(self, images: int, side: int, crop_size: int, start: float) -> None:
        super().__init__()
        self.images, self.crop_size, self.start = images, crop_size, start
        self.register_buffer("maps", torch.zeros(images, 1, side, side))
        self.register_buffer("crops", torch.zeros(images, 3, dtype=torch.int64))
        self.register_buffer("seen", torch.zeros(images, dtype=torch.bool))
        self.register_buffer("levels", torch.zeros(images))

    def write(self, index: Tensor, crop: Tensor, maps: Tensor, guide: Tensor) -> None:
        """Keeps the maps of some images.

        Args:
            index: int64 (N,), places of the images in their set.
            crop: int64 (N, 3): top, left, and 1 if mirrored after cropping.
            maps: (N, 1, side, side) in [0, 1], of the cropped, mirrored images.
            guide: (N, 1, h, w), what guided the generator at this visit; its mean is kept.
        """
        self._check(index)
        self.maps[index] = maps.detach().float()
        self.crops[index] = crop
        self.levels[index] = guide.detach().float().mean((1, 2, 3))
        self.seen[index] = True

    def read(self, index: Tensor, crop: Tensor, realign: bool = True) -> Tensor:
        """The maps (N, 1, crop_size, crop_size) of some images, seen through new crops.

        Args:
            index: as in `write`.
            crop: the crops and mirrorings of this visit.
            realign: False gives the maps as they were stored, wherever the crop lies now.
        """
        self._check(index)
        size = self.crop_size
        maps = enlarge(self.maps[index], torch.Size((size, size)))
        stored = self.crops[index] if realign else crop
        # for each pixel of this visit, its row and column in the stored crop
        pixels = torch.arange(size, device=crop.device)
        rows = pixels + (crop[:, :1] - stored[:, :1])
        columns = _mirrored(pixels, crop) + (crop[:, 1:2] - stored[:, 1:2])
        columns = _mirrored(columns, stored)
        inside = ((rows >= 0) & (rows < size))[:, :, None]
        inside = inside & ((columns >= 0) & (columns < size))[:, None, :]
        image = torch.arange(len(index), device=crop.device)[:, None, None]
        rows, columns = (x.clamp(0, size - 1) for x in (rows, columns))
        found = maps[image, 0, rows[:, :, None], columns[:, None, :]]
        known = inside & self.seen[index][:, None, None]
        return torch.where(known, found, self.start)[:, None]

    def another(self, index: Tensor) -> Tensor:
        """For each image the place of another one, drawn among those visited; else of none yet."""
        draws = torch.rand(len(index), self.images).to(index.device)  # on the CPU: same everywhere
        draws = draws.masked_fill(~self.seen, -1).scatter(1, index[:, None], -1)
        best, place = draws.max(dim=1)
        return torch.where(best < 0, (index + 1) % self.images, place)

    def level(self) -> Tensor:
        """The mean of what guided the generator at each image's last visit; `start` before any."""
        mean = (self.levels * self.seen).sum() / self.seen.sum().clamp_min(1)
        return torch.where(self.seen.any(), mean, self.start)

    def _check(self, index: Tensor) -> None:
        if int(index.max()) >= self.images:
            raise ReplicateError(
                f"training image {int(index.max())} in a memory of {self.images} maps: expected "
                "at least one for each image of a domain; set `memory` to the larger domain's count"
            )


def _mirrored(columns: Tensor, crop: Tensor) -> Tensor:
    """Columns (..., size) counted from the other side in the rows whose crop is mirrored."""
    size = columns.shape[-1]
    return torch.where(crop[:, 2:] == 1, size - 1 - columns, columns)
