# One preflight for every kind of run, one at a time: each wants the machine's memory for itself.
# `replicate preflight --budget BUDGET` writes the list that is read here, and calls it; an estimate
# that is there is not made again. Paths are those below the results folder, where this works.
import json
import shlex
import sys
from pathlib import Path

KINDS = json.loads(Path(config["kinds"]).read_text()) if "kinds" in config else {}


rule preflight:
    input: list(KINDS)


rule preflight_of_a_kind:
    output: "preflight/{budget}/{device}/{kind}.json"
    log: "logs/preflight/{budget}/{device}/{kind}.log"
    params: asked=lambda wildcards, output: shlex.join(KINDS[str(output)])
    threads: lambda wildcards: workflow.cores or 1
    resources:
        gpu=lambda wildcards: int(wildcards.device.startswith("cuda")),
        mem_mb=24000,
    shell:
        "{sys.executable:q} -m replicate.cli preflight {params.asked}"
        " --budget {wildcards.budget} --device {wildcards.device} > {log:q} 2>&1"
