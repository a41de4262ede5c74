"""Tiny archives in the formats of MNIST, SVHN and USPS."""

import bz2
import gzip
import io
import struct

import numpy as np
from scipy.io import savemat

LABELS = {"train": (5, 0, 9), "test": (3, 0)}  # of every set


def pixels(domain: str, split: str) -> np.ndarray:
    """uint8 (N, H, W), of svhn (N, H, W, 3); of usps 0 or 255, which its numbers hold exactly."""
    shape = {"mnist": (28, 28), "svhn": (32, 32, 3), "usps": (16, 16)}[domain]
    rng = np.random.default_rng(len(split))
    if domain == "usps":
        return rng.integers(0, 2, (len(LABELS[split]), *shape), np.uint8) * np.uint8(255)
    return rng.integers(0, 256, (len(LABELS[split]), *shape), np.uint8)


def archives() -> dict[str, bytes]:
    """The eight archives by their file names."""
    files = {}
    for split, mnist, usps in (("train", "train", "usps.bz2"), ("test", "t10k", "usps.t.bz2")):
        labels = np.array(LABELS[split], np.uint8)
        files[f"{mnist}-images-idx3-ubyte.gz"] = _idx(pixels("mnist", split))
        files[f"{mnist}-labels-idx1-ubyte.gz"] = _idx(labels)
        files[f"{split}_32x32.mat"] = _mat(pixels("svhn", split), labels)
        files[usps] = _lines(pixels("usps", split), labels)
    return files


def _idx(array: np.ndarray) -> bytes:
    """Type 8 is uint8; sizes are big-endian."""
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())


def _mat(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Images last, and the digit 0 is the label 10."""
    file = io.BytesIO()
    label = np.where(labels == 0, 10, labels)[:, None].astype(np.uint8)
    savemat(file, {"X": images.transpose(1, 2, 3, 0), "y": label})
    return file.getvalue()


def _lines(images: np.ndarray, labels: np.ndarray) -> bytes:
    """`label index:value ...`, the label and the index from 1, the value from -1 to 1."""
    lines = [
        f"{label + 1} " + " ".join(f"{i}:{v / 127.5 - 1:.4f}" for i, v in enumerate(image, 1))
        for label, image in zip(labels, images.reshape(len(images), -1), strict=True)
    ]
    return bz2.compress("\n".join(lines).encode() + b"\n")
