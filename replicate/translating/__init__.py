"""Anybody's pictures through trained weights: one image, or folders of them.

`fitting` brings a picture to the size of a network and back, `model` is a method with its weights,
`pictures` finds, translates and writes files.
"""
