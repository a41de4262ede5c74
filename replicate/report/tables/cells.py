"""Every printed cell of every paper: which runs and protocol will fill it, or why none can."""

from collections.abc import Iterable

import pandas as pd

from replicate import reported
from replicate.datasets.spec import spec
from replicate.lab.run import Run, method_name
from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.metrics.comparisons import comparison
from replicate.metrics.protocols import PROTOCOLS
from replicate.relabelling import FURTHER
from replicate.report.tables.catalogue import ABSENT

MAKE = "`replicate preference make`"  # a page that asks people
COLUMNS = ["paper", "where", "metric", "method", "dataset", "direction", "printed", "protocol"]
COLUMNS += ["filled by", "runs", "why not, or with which caveat"]
WHY = COLUMNS[-1]
CAPACITY = "table V"
COUNTED = "parameters"  # the metric of pages that count networks, which needs no run
PAGES = "`replicate preference attributes`"  # of the changes that Table III of AttentionGAN shows
# of translations and true images that lie in two folders under the same names
OF_PAIRS = "of pairs at hand: `replicate score TRANSLATIONS TRUE_IMAGES --protocol psnr/skimage`"


def cells(runs: Iterable[Run]) -> pd.DataFrame:
    """The printed cells in the order of the papers and pages.

    Args:
        runs: what will be trained, such as the whole grid of budget paper.

    Returns:
        One row a cell, as text: `paper, where, metric, method` (METHOD[:VARIANT] of the row),
        `dataset, direction, printed, protocol` (of the page), `filled by`, the protocol whose
        number `tables.compare` sets beside it ("-" where none can), `runs`, how often this arm is
        trained on the set ("-" for never), and why nothing fills the cell, or with which caveat
        the two numbers compare.
    """
    seeds: dict[tuple[str, str], set[int]] = {}
    for run in runs:
        seeds.setdefault((method_name(run.method, run.label), run.dataset), set()).add(run.seed)
    rows, papers = [], reported.keys()
    for key in papers:
        for _, cell in reported.load(key).table.iterrows():
            name = method_name(cell["method"], cell["variant"])
            trained = seeds.get((name, cell["dataset"]), set())
            protocol, why = _filling(cell, trained)
            place = {column: cell[column] or ABSENT for column in COLUMNS[:8] if column != "method"}
            shown = f"seeds {', '.join(map(str, sorted(trained)))}" if trained else ABSENT
            if METHODS.get(cell["method"], Method).respecified:
                why = f"{why}; re-specified: no measure of the method in print".removeprefix("; ")
            more = {"filled by": protocol or ABSENT, "runs": shown, WHY: why or ABSENT}
            rows.append(place | {"method": name} | more)
    return pd.DataFrame(rows, columns=COLUMNS)


def _filling(cell: pd.Series, trained: set[int]) -> tuple[str, str]:
    """The protocol that fills a cell and its caveat; or none, and the reason."""
    method, variant = cell["method"], cell["variant"]
    if cell["value"] != cell["value"]:
        empty = "a dash in print" if cell["printed"] == "-" else cell["note"]
        return "", empty + _no_run(cell, trained)
    if method not in METHODS:
        return "", f"not implemented: no method {method}"
    if variant not in METHODS[method].VARIANTS:
        return "", f"not implemented: {method} has no variant {variant}"
    if cell["metric"] == COUNTED:
        return CAPACITY, "counted from the networks, without a run"
    if cell["metric"] == "preference":
        how = PAGES if cell["direction"] in FURTHER else MAKE
        return "", f"people answer: {how}" + _no_run(cell, trained)
    joined = (cell["protocol"], cell["inferred"])  # as `reported.join` has it
    protocols = [p for p in PROTOCOLS.values() if p.default and p.id in joined]
    if not protocols:
        lack = PROTOCOLS[cell["protocol"]].reason or "no run computes it"
        lack += f"; {OF_PAIRS}" if cell["metric"] == "psnr" else ""
        return "", lack + _no_run(cell, trained)
    if not trained:
        return "", _no_run(cell, trained).removeprefix("; ")
    caveat = comparison(protocols[0].id, cell["protocol"])
    return protocols[0].id, f"{caveat.what}: {caveat.why} ({caveat.certainty})" if caveat else ""


def _no_run(cell: pd.Series, trained: set[int]) -> str:
    """What to say where no run of the arm is asked for; the way to a set that has no download."""
    if trained:
        return ""
    entry = spec(cell["dataset"])
    how = "" if entry.urls or entry.originals else entry.how()
    return f"; no run on {entry.name}" + (f": {how}" if how else "")
