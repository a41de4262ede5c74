# Tables, plots and records as one HTML file. `replicate report` makes the pages that are taken here,
# calls this and then `--report`; Snakemake embeds whatever has the flag `report`.
import json
from pathlib import Path

MADE = Path("pages")  # below the folder where this works
ABOUT = json.loads((MADE / "about.json").read_text())  # of each plot: data set, kind, a sentence
TABLES = sorted(file.stem for file in MADE.glob("tables/*.html"))

report: "captions/report.rst"


rule pages:
    input:
        expand("report/tables/{name}.html", name=TABLES),
        expand("report/plots/{name}.jpg", name=ABOUT),
        "report/runs.html",
    default_target: True


rule table:
    input: f"{MADE}/tables/{{name}}.html"
    output: report("report/tables/{name}.html", caption="captions/table.rst", category="Tables", labels={"data set": "{name}"})
    shell: "cp {input:q} {output:q}"


rule plot:
    input: f"{MADE}/plots/{{name}}.jpg"
    output: report("report/plots/{name}.jpg", caption="captions/plot.rst", category="Plots", subcategory=lambda wildcards: ABOUT[wildcards.name]["dataset"], labels=lambda wildcards: {"plot": ABOUT[wildcards.name]["kind"]})
    params: about=lambda wildcards: ABOUT[wildcards.name]["about"]
    shell: "cp {input:q} {output:q}"


rule records:
    input: f"{MADE}/runs.html"
    output: report("report/runs.html", caption="captions/runs.rst", category="Records", labels={"records": "all runs"})
    shell: "cp {input:q} {output:q}"
