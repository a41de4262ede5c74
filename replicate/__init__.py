"""Five papers on attention-guided image-to-image translation, replicated.

Reading order: `methods/cyclegan.py` (what a method is), `methods/aggan.py` (the first paper),
`losses.py`, `training.py` (the loop), `experiment/` (what a run is), `metrics/` (what a number
is), `tables.py`. Each module imports only from the layers before it; `tests/test_layers.py` holds
the list.
"""
