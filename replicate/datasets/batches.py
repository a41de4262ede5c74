"""Training batches as a pure function of (seed, iteration), so that a resume replays nothing."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError, unknown

# the purposes of a random stream; their numbers are part of what a seed means
_ORDER, _CROP = 0, 1


class Batches:
    """Random crops of an image set, iteration by iteration.

    Unpaired domains walk their own permutations: the p-th image of a domain, p = iteration *
    batch_size + i, is the (p mod n)-th of the permutation of epoch p div n. Paired ones share
    permutation, crop and flip.

    Random words come from Philox (a counter-based generator whose stream numpy keeps for good),
    keyed by the seed and counted by (purpose, domain, epoch or p); nothing is drawn by a
    distribution, whose algorithm could change.

    Args:
        images: a packed split.
        batch_size: images of each domain in a batch, >= 1.
        crop_size: side of the square crops in px, at most `images.size`.
        flip: whether an image is mirrored left to right with probability 1/2.
        seed: 0 <= seed < 2**64.
        device: where the tensors go.

    Raises:
        ReplicateError: an argument outside its range.
    """

    def __init__(
        self,
        images: ImageSet,
        batch_size: int,
        crop_size: int,
        flip: bool,
        seed: int,
        device: str | torch.device = "cpu",
    ) -> None:
        _check_batch_size(batch_size)
        if not 1 <= crop_size <= images.size:
            raise ReplicateError(
                f"crop_size {crop_size}: expected 1 to {images.size} px, the size at which "
                f"{images.name!r} is packed; take a smaller crop or load the set larger"
            )
        if not 0 <= seed < 2**64:
            raise ReplicateError(f"seed {seed}: expected 0 to 2**64 - 1")
        self.batch_size, self.crop_size, self.flip, self.seed = batch_size, crop_size, flip, seed
        self._size, self._paired, self._device = images.size, images.paired, device
        self._arrays = {domain: _aligned(images, domain) for domain in "AB"}
        self._orders: dict[tuple[int, int], np.ndarray] = {}

    @property
    def iterations_per_epoch(self) -> int:
        """Batches in which every image of the larger domain is seen once (the last may wrap)."""
        longest = max(len(arrays[domain]) for domain, arrays in self._arrays.items())
        return -(-longest // self.batch_size)

    def __call__(self, iteration: int) -> dict[str, Tensor]:
        """The batch of one iteration, counted from 0.

        Returns:
            "A", "B": float32 (N, 3, crop, crop) in [-1, 1].
            "A_index", "B_index": int64 (N,), places in the arrays of the image set.
            "A_crop", "B_crop": int64 (N, 3): top, left, and 1 if mirrored (after cropping).
            Every further array of the set under its own key, cut like its image: images in
            [-1, 1], masks float32 (N, 1, crop, crop) in {0, 1}, labels as they are.
        """
        if iteration < 0:
            raise ReplicateError(f"iteration {iteration}: expected 0 or more")
        batch = {}
        for stream, (domain, arrays) in enumerate(self._arrays.items()):
            stream = 0 if self._paired else stream
            index = self._index(stream, len(arrays[domain]), iteration)
            crops = self._crops(stream, iteration)
            for key, array in arrays.items():
                batch[key] = _cut(array, index, crops, self.crop_size).to(self._device)
            batch[f"{domain}_index"] = torch.from_numpy(index).to(self._device)
            batch[f"{domain}_crop"] = torch.from_numpy(crops).to(self._device)
        return batch

    def _index(self, stream: int, count: int, iteration: int) -> np.ndarray:
        first = iteration * self.batch_size
        places = [divmod(p, count) for p in range(first, first + self.batch_size)]
        return np.array([self._order(stream, epoch, count)[place] for epoch, place in places])

    def _order(self, stream: int, epoch: int, count: int) -> np.ndarray:
        """The permutation of an epoch; a batch at the turn of one needs two, so two are kept."""
        if (stream, epoch) not in self._orders:
            kept = {k: v for k, v in self._orders.items() if k[0] != stream or k[1] == epoch - 1}
            words = self._words(_ORDER, stream, high=epoch, low=0, count=count)
            self._orders = kept | {(stream, epoch): words.argsort(kind="stable")}
        return self._orders[stream, epoch]

    def _crops(self, stream: int, iteration: int) -> np.ndarray:
        # one count of Philox gives four words, so that an image's crop depends on p alone
        low, count = iteration * self.batch_size, 4 * self.batch_size
        words = self._words(_CROP, stream, high=0, low=low, count=count).reshape(-1, 4)
        choices = np.uint64(self._size - self.crop_size + 1)
        corners = (words[:, :2] >> np.uint64(32)) * choices >> np.uint64(32)
        flips = words[:, 2:3] >> np.uint64(63) if self.flip else np.zeros_like(words[:, :1])
        return np.concatenate([corners, flips], axis=1).astype(np.int64)

    def _words(self, purpose: int, stream: int, high: int, low: int, count: int) -> np.ndarray:
        counter = np.array([low, high, stream, purpose], np.uint64)
        key = np.array([self.seed, 0], np.uint64)
        return np.random.Philox(key=key, counter=counter).random_raw(count)


def in_order(
    images: ImageSet, domain: str, batch_size: int, device: str | torch.device = "cpu"
) -> Iterator[dict[str, Tensor]]:
    """Batches of one domain, each image once and whole, in the order of the set; the last is short.

    Args:
        images: a packed split.
        domain: "A" or "B"; in a paired set, the two iterate in step.
        batch_size: images in a batch, >= 1.
        device: where the tensors go.

    Yields:
        The keys and ranges of `Batches` for this domain, without "..._crop".
    """
    if domain not in ("A", "B"):
        raise unknown("domain letter", domain, ("A", "B"))
    _check_batch_size(batch_size)
    arrays = _aligned(images, domain)
    for start in range(0, len(arrays[domain]), batch_size):
        chosen = slice(start, start + batch_size)
        batch = {key: _tensor(np.array(array[chosen])).to(device) for key, array in arrays.items()}
        index = torch.arange(start, start + len(batch[domain]))
        yield batch | {f"{domain}_index": index.to(device)}


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ReplicateError(f"batch_size {batch_size}: expected 1 or more")


def _aligned(images: ImageSet, domain: str) -> dict[str, np.ndarray]:
    """The domain's image array and those that go with it, as plain views of the memory maps."""
    keys = [key for key in images.arrays if key == domain or key.startswith(f"{domain}_")]
    return {key: np.asarray(images.arrays[key]) for key in keys}


def _cut(array: np.ndarray, index: np.ndarray, crops: np.ndarray, size: int) -> Tensor:
    """The chosen images, masks or labels, cropped and mirrored, as `_tensor` gives them."""
    if array.ndim < 3:
        return _tensor(array[index])
    cut = np.empty((len(index), size, size, *array.shape[3:]), array.dtype)
    for row, i, (top, left, mirrored) in zip(cut, index, crops.tolist(), strict=True):
        window = array[i, top : top + size, left : left + size]
        row[...] = window[:, ::-1] if mirrored else window
    return _tensor(cut)


def _tensor(array: np.ndarray) -> Tensor:
    """Images in [-1, 1], masks with a channel, labels as they are; the kind follows from ndim."""
    tensor = torch.from_numpy(array)
    if array.ndim == 4:  # contiguous: another memory format would give other bytes in training
        return tensor.permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1.0)
    return tensor[:, None].float() if array.ndim == 3 else tensor
