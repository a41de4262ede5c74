# Runs as one graph: a job trains one run; a job draws each whole notebook, by papermill; then the
# tables and the summary. `replicate runs` and `replicate all` write the graph that is read here,
# and call it; see replicate/lab/engine.py.
#
# An output is an empty marker and nothing else, because Snakemake deletes the outputs of what
# fails: checkpoints, scores and notebooks must survive. What is stale is told by fingerprints.
import json
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")  # whose priorities may be functions

FILE = config["graph"]
GRAPH = json.loads(Path(FILE).read_text())
RUNS, NOTEBOOKS = GRAPH["runs"], GRAPH["notebooks"]
# Below the results folder, where this works: a path from the root may hold braces, which would
# count as wildcards.
DONE, LOGS = ".done", "logs"
TABLES = f"{DONE}/tables/{GRAPH['budget']}"


wildcard_constraints:
    run=r"[^/]+/[^/]+/[^/]+",
    notebook=r"[^/]+/[^/]+",


def drawn_from(wildcards):
    """What must be there before a notebook is drawn whole, or older than its drawing."""
    entry = NOTEBOOKS[wildcards.notebook]
    found = [f"{DONE}/runs/{key}" for key in entry["needs"]]
    found += [f"{DONE}/notebooks/{key}" for key in entry["after"]]
    return found + ([TABLES] if entry["after"] and GRAPH["tables"] else [])


rule all:
    input:
        [f"{DONE}/runs/{key}" for key in RUNS],
        [f"{DONE}/notebooks/{key}" for key in NOTEBOOKS],
        [TABLES] if GRAPH["tables"] else [],


# A try that ran out of memory or time is followed by one with half as much again, and goes on from
# its checkpoint.
rule run:
    output: touch(f"{DONE}/runs/{{run}}")
    log: f"{LOGS}/runs/{{run}}/latest.log"
    priority: lambda wildcards: RUNS[wildcards.run]["priority"]
    threads: lambda wildcards: RUNS[wildcards.run]["threads"]
    resources:
        gpu=lambda wildcards: RUNS[wildcards.run]["gpu"],
        mem_mb=lambda wildcards, attempt: int(RUNS[wildcards.run]["mem_mb"] * 1.5 ** (attempt - 1)),
        runtime=lambda wildcards, attempt: int(RUNS[wildcards.run]["minutes"] * 1.5 ** (attempt - 1)),
    shell: "{sys.executable:q} -m replicate.lab.job {FILE:q} runs {wildcards.run:q}"


rule notebook:
    input: drawn_from
    output: touch(f"{DONE}/notebooks/{{notebook}}")
    log: f"{LOGS}/notebooks/{{notebook}}/latest.log", f"{LOGS}/notebooks/{{notebook}}/latest.ipynb"
    priority: lambda wildcards: NOTEBOOKS[wildcards.notebook]["priority"]
    resources:
        gpu=lambda wildcards: NOTEBOOKS[wildcards.notebook]["gpu"],
        mem_mb=lambda wildcards, attempt: int(NOTEBOOKS[wildcards.notebook]["mem_mb"] * 1.5 ** (attempt - 1)),
        runtime=lambda wildcards: NOTEBOOKS[wildcards.notebook]["minutes"],
    shell: "{sys.executable:q} -m replicate.lab.job {FILE:q} notebooks {wildcards.notebook:q}"


rule tables:
    input: [f"{DONE}/notebooks/{key}" for key, entry in NOTEBOOKS.items() if not entry["after"]]
    output: touch(TABLES)
    log: f"{LOGS}/tables/{GRAPH['budget']}.log"
    resources: mem_mb=4000, runtime=30
    shell: "{sys.executable:q} -m replicate.report.drawing {GRAPH[budget]} > {log:q} 2>&1"
