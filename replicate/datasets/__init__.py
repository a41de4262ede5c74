"""Data sets, from the archive to the batch.

`spec` says what a set is; `layouts` and `folders` where its images lie; `fetch`, with `download`
and `archives`, how they arrive; `audit` what is wrong with them; `packed`, with `hashes`,
`decoding`, `filling` and `packing`, holds the arrays that training reads, and `batches` cuts from
those. `drawn` and `drawn_shapes` draw the sets that need no download; `digits` has torchvision
fetch and read the labelled digits.
"""
