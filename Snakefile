# The runs of a notebook, one job a run, then the notebook that draws them. `make replicate` and
# `replicate all` call it; by hand:
#   snakemake --profile profiles/local --config notebook=02_aggan budget=laptop seeds=0,1,2
# Staleness is the business of `replicate train` (fingerprints, not file times), so the profile
# triggers on missing files only; a run that another process holds is waited for.
import json
import sys

from snakemake.utils import min_version

from replicate import paths
from replicate.experiment.workflow import asked, cores

min_version("9.0")

NOTEBOOK, BUDGET = config.get("notebook", "02_aggan"), config.get("budget", "laptop")
ASKED = asked(NOTEBOOK, BUDGET, str(config.get("seeds", "")), str(config.get("datasets", "")))
RESULTS = paths.results()
REPLICATE = f"{sys.executable} -m replicate.cli"
RUNS = {f"{run.folder}/scores.csv": run for run in ASKED.runs()}
GPUS = int(ASKED.device == "cuda")

rule all:
    input: f"{RESULTS}/notebooks/{BUDGET}/{NOTEBOOK}.ipynb"

def arguments(wildcards, output):
    run = RUNS[str(output[0])]
    return f"{run.method}:{run.variant} --data {run.dataset} --seed {run.seed} --budget {run.budget} --device {ASKED.device}"

rule run:
    output: f"{RESULTS}/runs/{{dataset}}/{{method}}/{{leaf}}/scores.csv"
    log: f"{RESULTS}/logs/{{dataset}}-{{method}}-{{leaf}}.log"
    params: arguments=arguments
    threads: 1 if BUDGET != "paper" or GPUS else cores()
    resources: gpu=GPUS
    shell: "{REPLICATE} train {params.arguments} --wait 2>&1 | tee {log:q}"

rule notebook:
    input:
        scores=list(RUNS),
        notebook=str(paths.notebooks() / f"{NOTEBOOK}.ipynb"),
        code=sorted(str(p) for p in (paths.ROOT / "replicate").rglob("*.py")),
    output: f"{RESULTS}/notebooks/{BUDGET}/{NOTEBOOK}.ipynb"
    log: f"{RESULTS}/logs/{BUDGET}-{NOTEBOOK}.log"
    params: values=json.dumps(ASKED.model_dump(exclude_unset=True)), partial=lambda wc, output: f"{output[0]}.partial.ipynb"
    shell:
        "{sys.executable} -m papermill {input.notebook:q} {params.partial:q} --no-progress-bar"
        " -y {params.values:q} > {log:q} 2>&1 && mv {params.partial:q} {output:q}"
