"""Every printed cell is filled by a run of the paper budget, or says why none can fill it."""

import json
from itertools import product

import pandas as pd
import pytest
from typer.testing import CliRunner

from replicate import cli, reported
from replicate.datasets.spec import spec
from replicate.evaluation import PIXELS
from replicate.lab import classes, shown
from replicate.lab.budget_grid import grid
from replicate.lab.execute import IMAGE_SETS
from replicate.lab.notebook_parameters import FIVE
from replicate.lab.run import COLUMNS, method_name
from replicate.methods import METHODS
from replicate.metrics.compare import default_protocols
from replicate.report import claims, tables
from replicate.report.claims import rule
from replicate.report.claims.entries import every
from replicate.report.tables.catalogue import column
from replicate.report.tables.cells import CAPACITY, WHY, cells
from replicate.report.tables.frames import STATE

PEOPLE = "people answer"


@pytest.fixture(scope="module")
def runs() -> list:
    return [job.run for job in grid("paper")]


@pytest.fixture(scope="module")
def page(runs) -> pd.DataFrame:
    return cells(runs)


@pytest.fixture(scope="module")
def made_up(runs, page) -> pd.DataFrame:
    """Scores of the whole grid as `tables.scores` would read them, were every run done.

    Of the protocols that a run has anyway those that cells or claims ask for. Seeds differ, and
    what a claim says is better by far more than they do is so here, too.
    """
    winners = {(claim.method, claim.metric) for claim in every()}
    wanted = {*page["filled by"], *(claim.protocol for claim in every())}
    features = [(p.metric, p.id) for p in default_protocols(IMAGE_SETS) if p.id in wanted]
    pixels = [(id.replace("/", "_"), id) for id in PIXELS] + [(classes.METRIC, classes.PROTOCOL)]
    names = {"background/psnr": "background_psnr", "foreground/l1": "foreground_error"}
    rows = []
    for run in runs:
        name, entry = method_name(run.method, run.label), spec(run.dataset)
        both = ["->".join(entry.domains), "->".join(entry.domains[::-1])]
        drawn = entry.layout == "drawn"
        for direction, (metric, id) in product(both, features + pixels * drawn):
            metric = names.get(id, metric)
            better = (name, metric) in winners
            value = 1 + 0.01 * run.seed + better * (-0.5 if metric in ("kid", "fid") else 0.5)
            rows.append(
                dict.fromkeys([*COLUMNS, *STATE], "")
                | {"name": name, "method": run.method, "variant": run.label, "metric": metric}
                | {"dataset": run.dataset, "direction": direction, "protocol": id, "value": value}
                | {"seed": run.seed, "budget": "paper", "stale": False, "precision": "fp32"}
                | {"floor": 0.1, "do_nothing": 0.2, "hash": run.hash}
            )
    return pd.DataFrame(rows)


def test_all_printed_cells_are_there(page):
    papers = reported.keys()
    printed = sum(len(reported.load(key).table) for key in papers)
    assert len(page) == printed and (page != "").all(axis=None)
    nothing = page[page["filled by"] == "-"]
    assert (nothing[WHY] != "-").all()


def test_every_cell_of_a_built_method_is_filled_or_nobody_could_fill_it(page):
    open_ = page[(page["filled by"] == "-") & (page["printed"] != "-")]
    built = open_[[name.partition(":")[0] in METHODS for name in open_["method"]]]
    lacking = built[~built[WHY].str.startswith(PEOPLE) & (built["dataset"] != "ar_face")]
    assert lacking.empty, (
        f"{lacking[['method', 'dataset', WHY]].drop_duplicates()}: add the runs to "
        "notebooks/params/paper"
    )
    others = open_[[name.partition(":")[0] not in METHODS for name in open_["method"]]]
    assert others[WHY].str.startswith("not implemented").all()


def test_made_up_scores_of_the_whole_grid_fill_every_one(page, made_up):
    filled = page[~page["filled by"].isin(["-", CAPACITY])]
    asked = made_up["protocol"].isin([*page["filled by"]]) & (made_up["seed"] == 0)
    asked &= made_up["name"].isin(filled["method"]) & made_up["dataset"].isin(filled["dataset"])
    joined = tables.joined(made_up[asked])
    found = joined[["paper", "method", "dataset", "direction", "metric"]]
    found = set(found.itertuples(index=False, name=None))
    assert len(filled) >= 59  # more with every method that is built
    for cell in filled.itertuples():
        metric = column("kid", page.loc[cell.Index, "filled by"])
        key = (cell.paper, cell.method, cell.dataset, cell.direction, metric)
        assert key in found, f"{key} is said to be filled and is not"
    counted = page[page["filled by"] == CAPACITY]  # `studies.capacity` counts the built ones
    assert set(counted["where"]) == {"Table V"} and set(counted["metric"]) == {"parameters"}


def test_every_claim_that_can_be_judged_is_judged(made_up):
    for claim in every():
        found = claims.judged(made_up, [claim])
        needs, _ = PIXELS.get(claim.protocol, ((), None))
        if claim.dataset in shown.SETS:  # what a sentence names is known of drawn pictures alone
            (row,) = found.to_dict("records")
            assert row["verdict"] == "not run" and f"on {claim.dataset}" in row["reason"]
            continue
        photographs = claim.dataset != "shapes_drawn"
        if photographs and "mask" in needs:
            (row,) = found.to_dict("records")
            assert row["verdict"] == "not run" and "photographs have no masks" in row["reason"]
            assert "pseudo masks" in row["reason"]
            continue
        decided = found[found["dataset"] == ("horse2zebra" if photographs else claim.dataset)]
        assert len(decided) and set(decided["verdict"]) <= set(rule.VERDICTS[:3]), claim.id
        assert (decided["n"] == rule.PAIRS).all()


def test_five_seeds_are_as_many_as_a_verdict_wants():
    assert len(FIVE) == rule.PAIRS


def test_one_run_at_least_for_every_printed_set_but_two_that_say_so(page):
    trained = page.groupby("dataset")["runs"].agg(lambda runs: (runs != "-").any())
    counted = set(page.loc[page["metric"] == "parameters", "dataset"])
    assert set(trained.index[~trained]) - counted == {"lion2tiger", "ar_face"}
    said = page[
        page["dataset"].isin(["lion2tiger", "ar_face"]) & ~page[WHY].str.startswith("not i")
    ]
    assert said[WHY].str.contains("no run on .*: (?:never released|apply by e-mail)").all()


def test_the_tables_of_faces_name_their_commands_and_their_stand_in(page):
    mine = page[page["paper"] == "tang2019attentiongan"]
    three = mine[(mine["where"] == "Table III") & ~mine[WHY].str.startswith("not i")]
    assert set(three["method"]) >= {"diat", "cyclegan", "icgan:celeba", "attentiongan_multi:celeba"}
    assert three[WHY].str.startswith("people answer: `replicate preference attributes`").all()
    standing = page[page[WHY].str.endswith("re-specified: no measure of the method in print")]
    assert "diat" in set(standing["method"]) and "cyclegan" not in set(standing["method"])
    pairs = mine[(mine["metric"] == "psnr") & ~mine[WHY].str.startswith("not i")]
    assert pairs[WHY].str.contains("`replicate score TRANSLATIONS TRUE_IMAGES").all()
    # its two labels in print are one arm here
    arm = mine[mine["method"] == "pix2pix:encoder-decoder"]
    assert set(arm["where"]) == {"Table II", "Table V"} and len(arm) == 4


def test_the_command_gives_the_same_rows(page):
    told = json.loads(CliRunner().invoke(cli.app, ["plan", "paper", "--cells", "--json"]).stdout)
    assert told == page.to_dict("records")
