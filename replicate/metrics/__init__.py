"""Scores of image sets: every number is a `score.Score` that carries its protocol.

`compare` holds the FID and KID rows of an extractor, `folders` the whole of `replicate score`,
`image` PSNR and SSIM, `attention` the scores against a true mask, `fid` and `kid` the estimators
on features; `standin`, `inception` and `features` say where features come from.
"""

import importlib

MODULES = ("attention", "fid", "image", "kid", "protocols", "segmentation", "standin")
OF_IMAGES = ("psnr", "ssim")  # of `image`


def __getattr__(name: str):
    """Modules and the scores of images, imported where they are used."""
    if name in OF_IMAGES:
        return getattr(importlib.import_module("replicate.metrics.pixels"), name)
    if name in MODULES:
        return importlib.import_module(f"replicate.metrics.{name}")
    raise AttributeError(f"module 'replicate.metrics' has no attribute {name!r}")
