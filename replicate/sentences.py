"""Test sets for methods that draw from sentences: what they are asked for, and what scores them.

A direction A to B asks for the sentences of the images of A: where a drawn set has the sentence of
the ideal translation, for that one, which names B's coat. So translations have the names of A's
images, are compared with the images of B, and should show what A's images show.
"""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from replicate import evaluation
from replicate.datasets import captions
from replicate.datasets.packed import ImageSet
from replicate.methods.base import DIRECTIONS, Method


def prompts(images: ImageSet, X: str) -> np.ndarray:
    """(N, L) uint8, the sentences by which images of the other domain are asked for.

    Of a set without captions, as smoke runs may have, each says the name of the other domain.
    """
    for key in (f"{X}_ideal_caption", f"{X}_caption"):
        if key in images.arrays:
            return np.asarray(images.arrays[key])
    (other,) = {0, 1} - {"AB".index(X)}
    return captions.encode([images.domains[other]] * len(images.arrays[X]))


def sources(method: Method, images: ImageSet) -> ImageSet:
    """The set as a method translates it: with sentences in the place of images where it takes them.

    Whatever else the set has stays away then: nothing but the sentence is known of a translation.
    """
    if method.takes == "images":
        return images
    return replace(images, arrays={X: prompts(images, X) for X in "AB"})


def compared(method: Method, images: ImageSet) -> ImageSet:
    """The set that scores translations: for sentences without masks and ideal translations.

    A picture of a sentence need not have the background or the very place of any image.
    """
    if method.takes == "images":
        return images
    left_out = {f"{X}_{name}" for X in "AB" for name in ("mask", "ideal")}
    return replace(images, arrays={k: v for k, v in images.arrays.items() if k not in left_out})


@torch.no_grad()
def sample_sheet(method: Method, images: ImageSet) -> Image.Image:
    """As `evaluation.sample_sheet`; above what is drawn of sentences stand the images that these
    were written about, in the coat of their own domain."""
    if method.takes == "images":
        return evaluation.sample_sheet(method, images)
    device, rows = next(method.parameters()).device, []
    for direction in DIRECTIONS:
        X = direction[0]
        rows.append(np.asarray(images.arrays[X][: evaluation.TILES]))
        tokens = np.array(prompts(images, X)[: evaluation.TILES])
        drawn = method.translate(torch.from_numpy(tokens).to(device), direction)
        if drawn.attention is not None:
            maps = drawn.attention.expand(-1, 3, -1, -1) * 2 - 1
            rows.append(evaluation.to_uint8(maps))
        rows.append(evaluation.to_uint8(drawn.image))
    return Image.fromarray(np.concatenate([evaluation._strip(row) for row in rows]))
