"""Images whose pixels have classes: what the classes are, how often, and how well they survive.

`palette` reads classes out of coloured label maps, `truth` those of a data set, `statistics` counts
them and where attention lies on them, `segmenter` trains a network that finds them in photographs,
`scoring` measures translations by them.
"""
