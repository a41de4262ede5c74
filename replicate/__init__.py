"""Five papers on attention-guided image-to-image translation, replicated.

A method is one file. A run has one folder and one state. The lab trains what is missing, here or on
a cluster, by the same command. The report reads records and printed tables, never a network. A
study is what one notebook asks beyond that.

Reading order: `methods/cyclegan.py` (what a method is), `methods/aggan.py` (the first paper),
`losses.py`, `training.py` (the loop), `lab/` (what a run is), `metrics/` (what a number is),
`report/`, `studies/`. Each module imports only from the layers before it; `tests/test_layers.py`
holds the list.
"""
