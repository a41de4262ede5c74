"""The pages of claims: every verdict with its numbers, and what one more seed should give."""

import pandas as pd

from replicate.report import claims
from replicate.report.claims import Claim
from replicate.report.tables.catalogue import ABSENT, metric, number
from replicate.report.tables.pages import Page, Table
from replicate.report.tables.show import Sentence

VERDICTS, PREDICTIONS = "claims", "predictions"  # stems of the files
SOURCE = (
    "Claims, margins with their reasons, and the design of the runs stand in `data/claims.toml`. "
    "They were fixed after seeds 0 to 2 of budget laptop had been seen under an earlier rule, and "
    "before seeds 3 and 4 had; no verdict is typed by hand."
)
GAIN = (
    "The gain is the first arm's score minus the second's, the other way round where a lower score "
    "is claimed, or the share of the ceiling; [its 95% interval]; the effect is the gain in "
    "standard deviations of the pairs. The arms' own numbers are means over the pairs."
)
FORETOLD = (
    "Where one more seed falls in 95 of 100 cases if it is like the published ones: mean ± t sd "
    "sqrt(1 + 1/n), of each arm's value and of the gain. `make replicate` trains a seed that is "
    "not among them and says of each number whether it lies inside."
)
PLACE = ["paper", "claim", "dataset", "budget"]


def verdict_pages(scores: pd.DataFrame, budget: str) -> dict[str, Page]:
    """The pages by the stems of their files.

    Args:
        scores: all of the budget.
    """
    return {VERDICTS: _verdicts(scores, budget), PREDICTIONS: _predictions(scores, budget)}


def verdict_table(scores: pd.DataFrame, paper: str = "") -> pd.DataFrame:
    """One row a claim and data set, as text: its verdict and what decided it.

    Args:
        scores: of `tables.scores` or `tables.of_runs`.
        paper: a key of `reported.keys()`, whose claims are shown; "" for those of all.

    Returns:
        `paper, claim` (in words), `data set, verdict, direction` (the one that decided: the worst),
        `gain` with its interval, `margin, effect, pairs, note`.
    """
    rows = [
        {
            "paper": row["paper"],
            "claim": row["text"],
            "data set": row["dataset"],
            "verdict": row["verdict"],
            **_numbers(row),
        }
        for row in _decided(scores, paper).to_dict("records")
    ]
    return pd.DataFrame(rows)


def _decided(scores: pd.DataFrame, paper: str) -> pd.DataFrame:
    """Of `claims.judged` one row a claim and data set: the direction that decided."""
    stated = claims.of_paper(paper) if paper else claims.every()
    judged = claims.judged(scores, stated)
    decided = judged[judged["here"] == judged["verdict"]].sort_values("low", kind="stable")
    return decided.drop_duplicates(PLACE).sort_index()


def conclusion(scores: pd.DataFrame, paper: str = "") -> Sentence:
    """One paragraph written from the verdicts: what held, by how much, and what is open, and why.

    Args:
        scores, paper: as of `verdict_table`.
    """
    decided = _decided(scores, paper)
    counts = decided["verdict"].value_counts()
    budget = ", ".join(sorted(set(scores["budget"])))
    said = ", ".join(f"{counts[name]} {name}" for name in claims.VERDICTS if name in counts)
    lines = [f"{len(decided)} claims at budget {budget}: {said}."]
    for verdict in claims.VERDICTS:
        rows = decided[decided["verdict"] == verdict].to_dict("records")
        lines += [f"{verdict.capitalize()}: {'; '.join(map(_in_words, rows))}."] if rows else []
    return Sentence(" ".join(lines))


def _in_words(row: dict) -> str:
    """A claim in words, with its gain beside the margin, or with the reason why it has none."""
    text = row["text"].rstrip(".")
    if row["gain"] != row["gain"] or row["n"] < claims.PAIRS:
        return f"{text} ({row['reason']})" if row["reason"] else text
    numbers = _numbers(row)
    return f"{text} (gain {numbers['gain']} with a margin of {numbers['margin']})"


def _verdicts(scores: pd.DataFrame, budget: str) -> Page:
    entries = claims.every()
    rows, elsewhere = claims.judged(scores, entries), claims.elsewhere(scores, entries)
    counts = rows.drop_duplicates(PLACE)["verdict"].value_counts()
    said = ", ".join(f"{counts[name]} {name}" for name in claims.VERDICTS if name in counts)
    parts = [f"{SOURCE} Rule: {claims.RULE}", f"Of {counts.sum()} claims: {said}."]
    parts += [GAIN, Table("", verdict_table(scores))]
    parts += ["## Each direction", Table("", _each_direction(rows))]
    if len(elsewhere):
        parts += [
            "## Other data sets: shown, decide nothing",
            Table("", _each_direction(elsewhere)),
        ]
    parts += ["## The designed runs", Table("", _design(scores))]
    return Page(f"Claims, budget {budget}", parts, rows)


def _each_direction(frame: pd.DataFrame) -> pd.DataFrame:
    """Both arms and the gain in every direction, as text."""
    rows = []
    for row in frame.to_dict("records"):
        digits = metric(row["metric"]).digits
        arms = {
            f"{side} arm": f"{row[name]} {number(row[mean], digits)}"
            for side, name, mean in (("first", "method", "left"), ("second", "against", "right"))
        }
        place = {"paper": row["paper"], "claim": row["claim"]}
        if "here" not in row:
            place |= {"data set": row["dataset"]}
        here = {"here": row["here"]} if "here" in row else {}
        rows.append(place | arms | _numbers(row) | here)
    return pd.DataFrame(rows)


def _numbers(row: dict) -> dict[str, str]:
    """Direction, gain, margin, effect, pairs and note of a row of `claims.judged`."""
    digits = metric(row["metric"]).digits
    gain, low, high = (number(row[name], digits) for name in ("gain", "low", "high"))
    interval = f" [{low}, {high}]" if low != ABSENT else ""
    return {
        "direction": row["direction"] or ABSENT,
        "gain": f"{gain}{interval}",
        "margin": f"{row['margin']:g} {row['unit']}",
        "effect": number(row["effect"], 1),
        "pairs": str(row["n"]),
        "note": row["reason"] or ABSENT,
    }


def _predictions(scores: pd.DataFrame, budget: str) -> Page:
    rows = [
        _about(claim) | row
        for claim in claims.every()
        for row in claims.published_intervals(claim, scores)
    ]
    names = ["paper", "claim", "metric", "unit", "dataset", "budget", "direction", "what"]
    frame = pd.DataFrame(rows, columns=[*names, "low", "high", "n", "note"])
    texts = {
        side: [
            number(value, metric(name).digits)
            for value, name in zip(frame[side], frame["metric"], strict=True)
        ]
        for side in ("low", "high")
    }
    columns = ["paper", "claim", "direction", "what", "low", "high", "seeds", "note", "unit"]
    shown = frame.assign(**texts).rename(columns={"n": "seeds"})[columns]
    parts = [FORETOLD, Table("", shown)]
    return Page(f"What one more seed should give, budget {budget}", parts, frame)


def _about(claim: Claim) -> dict[str, str]:
    return {"paper": claim.paper, "claim": claim.id, "metric": claim.metric, "unit": claim.unit}


def _design(scores: pd.DataFrame) -> pd.DataFrame:
    """One row a data set: the runs that were planned and those that are not there."""
    known = set(zip(scores["dataset"], scores["name"], scores["seed"], strict=True))
    rows = []
    for design in claims.designs():
        lacking = {
            name: [s for s in design.seeds if (design.dataset, name, s) not in known]
            for name in design.methods
        }
        planned, missing = len(design.methods) * len(design.seeds), sum(map(len, lacking.values()))
        named = (f"{n} ({', '.join(map(str, s))})" for n, s in lacking.items() if s)
        rows.append(
            {
                "data set": design.dataset,
                "decides": "yes" if design.decides else "no",
                "arms": str(len(design.methods)),
                "seeds": ", ".join(map(str, design.seeds)),
                "runs": f"{planned - missing} of {planned}",
                "missing, with their seeds": "; ".join(named) or ABSENT,
            }
        )
    return pd.DataFrame(rows)
