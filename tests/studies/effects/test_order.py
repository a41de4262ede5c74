"""Tables and order of made-up scores, and what the last cell refuses."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from replicate.errors import ReplicateError
from replicate.metrics.protocols import find
from replicate.studies.effects import figures, libraries, scoring
from replicate.studies.effects.ladder import RUNGS
from replicate.studies.effects.scoring import misled, ranked

VALUES = {  # perfect, half, do nothing, blurred, few
    "fid/clean": (10, 30, 50, 20, 12),
    "kid/gm-mean098": (5.0, 2.0, 0.0, 4.0, 5.0),
    "precision/clean": (1.0, 0.5, 0.0, 0.25, 1.0),
    "kid/aggan-mean": (2.0, 1.0, 3.0, 6.0, 2.0),
}


def made(values: dict = VALUES) -> pd.DataFrame:
    rows = []
    for protocol, numbers in values.items():
        for rung, value in zip(RUNGS, numbers, strict=True):
            about = {"protocol": protocol, "metric": find(protocol).metric, "rung": rung}
            about |= {"value": value, "spread": 0.5 if "kid" in protocol else np.nan}
            about |= {"spread_kind": find(protocol).spread_kind, "network": "n", "note": ""}
            rows.append(about | {"n_fake": 6, "n_real": 7.0, "floor": 1.0, "do_nothing": np.nan})
    return pd.DataFrame(rows)


def test_places_run_from_the_best_to_the_worst_whichever_way_is_better():
    places = ranked(made())
    assert places.loc["fid/clean"].to_list() == [0, 0.5, 1, 0.25, 0.05]
    assert places.loc["precision/clean"].to_list() == [0, 0.5, 1, 0.75, 0]
    assert places.loc["kid/gm-mean098", "do nothing"] == 0
    assert misled(places) == ["kid/gm-mean098", "kid/aggan-mean"]


def test_a_protocol_without_a_number_is_left_out_and_its_reason_is_said():
    table = made()
    table.loc[0, ["value", "note"]] = [np.nan, "not computed: too few"]
    assert "fid/clean" not in ranked(table).index
    assert scoring.reasons(table) == "fid/clean: not computed: too few"


def test_the_table_prints_number_spread_and_arrow():
    table = scoring.table(made()).set_index("protocol")
    assert list(table.index) == [
        "fid/clean ↓", "kid/gm-mean098 ?", "precision/clean ↑", "kid/aggan-mean ?",
    ]  # fmt: skip
    row = table.loc["kid/gm-mean098 ?"]
    assert row["half"] == "2 ± 0.5" and row["n"] == "6 vs 7" and row["real vs real"] == "1"
    assert row["±"] == "standard error over blocks" and table.loc["fid/clean ↓", "±"] == "-"


def test_the_title_of_the_plot_counts_what_the_scores_show():
    def title(values):
        return figures.order(made(values), "").texts[0].get_text()

    assert title(VALUES).startswith("2 of 4 protocols") and "kid/aggan-mean" in title(VALUES)
    assert title({"fid/clean": VALUES["fid/clean"]}).startswith("All 1 protocols put `perfect`")


def test_the_titles_of_the_other_plots_follow_the_numbers():
    rows = [("a", "PNG", 10.0, 0.1), ("a", 50, 11.0, 0.5)]
    table = pd.DataFrame(rows, columns=["network", "files", "FID", "KID"]).assign(error=0.1)
    assert _title(figures.jpeg(table, "")).endswith("FID moves by up to 10.0%")
    assert _panels(table) == [
        "a: FID +10.0 % at quality 50", "a: KID moves more than its standard error",
    ]  # fmt: skip
    table["KID"] = 0.1
    assert _panels(table)[1] == "a: KID moves less than its standard error"
    rows = [("a", w, n, 100 / n, 0.1) for w in ("do nothing", "real vs real") for n in (10, 20)]
    table = pd.DataFrame(rows, columns=["network", "what", "n", "FID", "KID"]).assign(error=0.1)
    shown = figures.counts(table, "made up")
    assert "a: FID 10 at n = 10, 5 at 20; KID stays within its error" in _title(shown)
    assert shown.texts[1].get_text().endswith("made up")


def _panels(table: pd.DataFrame) -> list[str]:
    return [axes.get_title() for axes in figures.jpeg(table, "").axes]


def _title(picture) -> str:
    return picture.texts[0].get_text()


def test_printed_numbers_know_what_may_stand_beside_them():
    table = libraries.printed("kim2020ugatit", "horse2zebra").set_index(["method", "direction"])
    row = table.loc[("U-GAT-IT", "horse->zebra")]
    assert row["printed"] == "7.06 ± 0.8" and row["beside it"] == "kid/gm-mean098"
    assert set(table["beside it"]) == {"kid/gm-mean098"}
    pairs = libraries.comparisons().set_index(["protocol", "compares with"])
    assert pairs.loc[("kid/gm-mean098", "kid/ugatit-printed"), "computed here"] == "kid/gm-mean098"
    assert pairs.loc[("fid/inception", "fid/clean-legacy"), "computed here"] == "both"
    assert libraries.beside("fid/ttur") == "nothing that is computed here"


# The last cell


def check(monkeypatch, table: pd.DataFrame, budget: str = "laptop", ideal: bool = True) -> str:
    monkeypatch.setattr(scoring, "chosen", lambda study: [find(id) for id in VALUES])
    study = SimpleNamespace(all=SimpleNamespace(ideal=ideal))
    distances = pd.DataFrame({"FID": [1.0], "KID": [0.1]})
    parity = pd.DataFrame({"difference": [1e-4, np.nan]})
    params = SimpleNamespace(budget=budget)
    return scoring.check(params, study, table, [distances], parity)


def test_what_holds_is_counted(monkeypatch):
    said = check(monkeypatch, made())
    assert said.startswith("20 of 20 scores at budget laptop, 1 numbers of other libraries")
    assert said.endswith("in order under 1 protocols")  # fid/clean is the only target distance


@pytest.mark.parametrize("budget, fails", [("laptop", True), ("smoke", False)])
def test_a_missing_number_needs_a_reason_and_the_smoke_run(monkeypatch, budget, fails):
    table = made()
    table.loc[5, ["value", "note"]] = [np.nan, "not computed: too few"]
    if fails:
        with pytest.raises(ReplicateError, match=r"kid/gm-mean098 / perfect is nan.*too few"):
            check(monkeypatch, table, budget)
    else:
        assert "19 of 20" in check(monkeypatch, table, budget)
    table.loc[5, "note"] = ""
    with pytest.raises(ReplicateError, match="perfect is nan, expected a number"):
        check(monkeypatch, table, budget)


def test_rungs_out_of_order_and_missing_rows_are_errors(monkeypatch):
    wrong = made(VALUES | {"fid/clean": (10, 60, 50, 20, 12)})
    with pytest.raises(ReplicateError, match="fid/clean: perfect 10, half 60, do nothing 50"):
        check(monkeypatch, wrong)
    assert "under 0 protocols" in check(monkeypatch, wrong, ideal=False)
    with pytest.raises(ReplicateError, match="fid/clean / few has no row"):
        check(monkeypatch, made().drop(index=4))
