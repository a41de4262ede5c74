"""The part of the README that is made from the published records."""

from pathlib import Path

import pandas as pd

from replicate import claims, reported
from replicate.errors import ReplicateError
from replicate.tables.catalogue import SHARE
from replicate.tables.frames import scores
from replicate.tables.markdown import to_markdown
from replicate.tables.summary import summary
from replicate.tables.writing import collapsed

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
BUDGET = "laptop"
METRICS = ("kid/standin", "background_psnr", SHARE, "foreground_error")


def readme_block(root: Path) -> str:
    """The results in Markdown: the columns that matter, then a line for each claim's verdict.

    Args:
        root: `paths.published()`; of its records those of budget laptop are shown.
    """
    measured = scores(root, BUDGET)
    if measured.empty:
        return f"No run of budget {BUDGET} is published yet.\n"
    papers = reported.keys()
    found = [row for key in papers for row in _verdicts(measured, key)]
    waiting = [row for row in found if row["reason"].startswith("no scores of")]
    lines = [_line(row) for row in found if row not in waiting]
    lines += [f"- {_claims({row['text'] for row in waiting})} for their runs"] if waiting else []
    head = (
        f"Each method as its paper has it, at budget {BUDGET}: mean ± standard deviation over "
        "seeds (number of seeds), not comparable with the papers' numbers. Ablations, controls "
        f"and more stand in the notebooks and [tables](results/published/tables/{BUDGET}).\n"
    )
    rule = [*lines, "", f"Rule: {claims.RULE}\n"] if lines else []
    return "\n".join([head, *_by_dataset(measured), *rule])


def _by_dataset(measured: pd.DataFrame) -> list[str]:
    """A table for each data set, those whose truth is known first, and what collapsed below it."""
    parts = []
    whole = measured[~measured["name"].str.contains("[:+]")]  # no variants, no settings changed
    groups = [(name, own) for name, own in whole.groupby("dataset")]
    for name, own in sorted(groups, key=lambda g: "background_psnr" not in set(g[1]["metric"])):
        present = set(own["metric"]) | set(own["protocol"])
        chosen = [m for m in METRICS if m in present or (m == SHARE and "attention_iou" in present)]
        table = summary(own, chosen).drop(columns="dataset")
        parts += [f"**{name}**\n", to_markdown(table), *collapsed(own)]
    return parts


def update_readme(readme: Path, root: Path) -> None:
    """Rewrites what stands between the two result markers of a README.

    Raises:
        ReplicateError: the markers do not stand there once each, in order.
    """
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ReplicateError(
            f"{readme.name} has {text.count(BEGIN)} x {BEGIN!r} and {text.count(END)} x {END!r}; "
            "expected each once, in this order: put them where the results belong"
        )
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    block = readme_block(root)
    readme.write_text(f"{before}{BEGIN}\n{block}{END}{after}", encoding="utf-8")


def _verdicts(measured: pd.DataFrame, key: str) -> list[dict]:
    """One row for each claim and data set, but those with few seeds of claims decided elsewhere."""
    found = claims.verdicts(measured, key).drop_duplicates(["claim", "dataset"])
    few = found["reason"].str.startswith("needs ")
    elsewhere = found["claim"].isin(found.loc[found["reason"] == "", "claim"])
    return found[~(few & elsewhere)].to_dict("records")


def _claims(texts: set[str]) -> str:
    return f"{len(texts)} more {'claim waits' if len(texts) == 1 else 'claims wait'}"


def _line(row: dict) -> str:
    place = f" on {row['dataset']}" if row["dataset"] else ""
    reason = f" ({row['reason']})" if row["reason"] else ""
    return f"- {row['text']}{place}: **{row['verdict']}**{reason}"
