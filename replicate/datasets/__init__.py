"""Data sets, from the archive to the batch.

`spec` says what a set is; `layouts`, `folders` and `labels` where its images and labels lie;
`fetch`, with `download` and `archives`, how they arrive; `own` and `recipes` how sets are made of a
user's folders or of official files, `masks` where their objects are; `audit`, with `palettes`, what
is wrong with them, and `passport` what they were when a result was made; `packed`, with `hashes`,
`packing` and `smoothing`, holds the arrays that training reads, and `batches` cuts from those.
`placing` moves a folder into its place whole. `drawn`, `drawn_shapes` and `drawn_herd`
draw the sets that need no download; `digits` has torchvision fetch and read the labelled digits.
"""
