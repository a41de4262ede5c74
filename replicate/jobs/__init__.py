"""Runs fanned out over the cores and GPUs of a machine or a cluster, by Snakemake and papermill.

`starting` checks, locks and calls Snakemake; `work` is one job of its graph. What a job imports
before its kernel starts is light: several hundred of them pay for it.
"""
