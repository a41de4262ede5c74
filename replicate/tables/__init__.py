"""Measured scores as tables: beside their floors, beside a paper's numbers, beside published ones.

`frames` reads run folders and records, `summary` makes the table of a budget, `compare` sets it
beside others, `pages`, `writing` and `readme` put tables into files, `register` and `exhibits` are
the pages of deviations and of what the sources show, `checking` refuses what is incomplete.
"""

from replicate.tables.ablation import ablation
from replicate.tables.about import data, deviations, networks, runs_table
from replicate.tables.adapting import adaptation
from replicate.tables.capacity import capacity
from replicate.tables.checking import check
from replicate.tables.compare import beside, compare
from replicate.tables.cost import cost, cost_page, costs, quality_and_cost
from replicate.tables.coverage import coverage
from replicate.tables.exhibits import exhibit_counts, unmeasured
from replicate.tables.frames import of_runs, scores
from replicate.tables.headline import headline
from replicate.tables.health import faults, health
from replicate.tables.markdown import to_markdown
from replicate.tables.printed import joined, printed
from replicate.tables.probe import probe
from replicate.tables.readme import readme_block, update_readme
from replicate.tables.segmentation import segmentation
from replicate.tables.show import show
from replicate.tables.summary import summary
from replicate.tables.verdicts import verdict_pages, verdict_table
from replicate.tables.window_hits import windows
from replicate.tables.writing import write, write_registers

__all__ = [
    "ablation",
    "adaptation",
    "beside",
    "capacity",
    "check",
    "compare",
    "cost",
    "cost_page",
    "costs",
    "coverage",
    "data",
    "deviations",
    "exhibit_counts",
    "faults",
    "headline",
    "health",
    "joined",
    "networks",
    "of_runs",
    "printed",
    "probe",
    "quality_and_cost",
    "readme_block",
    "runs_table",
    "scores",
    "segmentation",
    "show",
    "summary",
    "to_markdown",
    "unmeasured",
    "update_readme",
    "verdict_pages",
    "verdict_table",
    "windows",
    "write",
    "write_registers",
]
