"""Preparation recipes: from the official files of a set that nobody may pass on to its folders.

`preparing` runs one of `cityscapes`, `celeba`, `rafd`, `cub`, `camvid`, `animals`; `planning` is
what they share.
"""
