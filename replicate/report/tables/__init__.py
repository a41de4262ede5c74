"""Measured scores as tables: beside their floors, beside a paper's numbers, beside published ones.

`frames` reads run folders and records, `summary` makes the table of a budget, `compare` sets it
beside others, `pages`, `writing` and `readme` put tables into files, `registers` are the pages
of deviations and of what the sources show, `cells` says which run fills which printed number,
`checking` refuses what is incomplete.
"""

from replicate.report.tables.about import data, deviations, networks, runs_table
from replicate.report.tables.cells import cells
from replicate.report.tables.checking import check
from replicate.report.tables.compare import beside, compare, joined, printed
from replicate.report.tables.cost import cost, cost_page, costs, quality_and_cost
from replicate.report.tables.frames import of_runs, scores
from replicate.report.tables.health import faults, health
from replicate.report.tables.markdown import to_markdown
from replicate.report.tables.readme import readme_blocks, update_readme
from replicate.report.tables.registers import exhibit_counts, unmeasured
from replicate.report.tables.show import Sentence, show
from replicate.report.tables.summary import ablation, headline, main, summary
from replicate.report.tables.verdicts import conclusion, verdict_pages, verdict_table
from replicate.report.tables.writing import write, write_registers

__all__ = [
    "Sentence",
    "ablation",
    "beside",
    "cells",
    "check",
    "compare",
    "conclusion",
    "cost",
    "cost_page",
    "costs",
    "data",
    "deviations",
    "exhibit_counts",
    "faults",
    "headline",
    "health",
    "joined",
    "main",
    "networks",
    "of_runs",
    "printed",
    "quality_and_cost",
    "readme_blocks",
    "runs_table",
    "scores",
    "show",
    "summary",
    "to_markdown",
    "unmeasured",
    "update_readme",
    "verdict_pages",
    "verdict_table",
    "write",
    "write_registers",
]
