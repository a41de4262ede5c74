"""Test images of methods that translate instances: each comes with the map of its own."""

import numpy as np
import torch
from torch import Tensor

from replicate.datasets.instances import with_instances
from replicate.datasets.packed import ImageSet
from replicate.methods.base import Method, Translation


def over(method: Method, test: ImageSet) -> Method:
    """`method`, its translations told of the instances of `test` where it takes them.

    Args:
        test: whose images are translated in their order, each direction from its first image on.
            A domain without masks stays without; what the method does then is its own.
    """
    if not method.by_instances:
        return method
    images = with_instances(test, needed=False)
    maps = {X: images.arrays[f"{X}_instances"] for X in "AB" if f"{X}_instances" in images.arrays}
    return _Told(method, maps)


class _Told:
    """A method that counts its translations and hands each the map of the image at that place."""

    def __init__(self, method: Method, maps: dict[str, np.ndarray]) -> None:
        self._method, self._maps, self._done = method, maps, {"A": 0, "B": 0}

    def __getattr__(self, name: str) -> object:
        return getattr(self._method, name)

    def translate(self, x: Tensor, direction: str) -> Translation:
        X = direction[0]
        if X not in self._maps:
            return self._method.translate(x, direction)
        first = self._done[X]
        self._done[X] += len(x)
        maps = torch.from_numpy(np.array(self._maps[X][first : self._done[X]]))
        return self._method.translate(x, direction, instances=maps[:, None].to(x))
