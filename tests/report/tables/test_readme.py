"""What the README says, and the tables of the summary, follow from records alone."""

from pathlib import Path

import pandas as pd
import pytest

from replicate.errors import ReplicateError
from replicate.report import claims, tables
from replicate.report.tables import readme

TITLES = {
    "ma2018dagan": "DA-GAN", "mejjati2018aggan": "AGGAN", "tang2019attentiongan": "AttentionGAN",
    "kim2020ugatit": "U-GAT-IT", "lin2021spatial": "Spatial guidance",
}  # fmt: skip


def made_up(found: dict[str, str]):
    """`claims.verdicts` with a claim of AGGAN for each name; both directions stand there."""

    def verdicts(scores: pd.DataFrame, paper: str) -> pd.DataFrame:
        own = found if paper == "mejjati2018aggan" else {}
        rows = [(paper, name, verdict) for name, verdict in own.items() for _ in range(2)]
        return pd.DataFrame(rows, columns=["paper", "claim", "verdict"])

    return verdicts


def test_the_block_lives_between_its_markers(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("# a\n<!-- results:begin -->\nold\n<!-- results:end -->\nb\n")
    tables.update_readme(file, root)
    text = file.read_text()
    assert text.startswith("# a\n<!-- results:begin -->\n") and "old" not in text
    assert text.endswith("<!-- results:end -->\nb\n")
    assert tables.readme_block(root) in text
    tables.update_readme(file, root)
    assert file.read_text() == text
    file.write_text("no markers")
    with pytest.raises(ReplicateError, match="expected each once"):
        tables.update_readme(file, root)


def test_every_claim_stands_in_the_column_of_its_verdict(root: Path, monkeypatch) -> None:
    verdicts = {f"claim-{i}": verdict for i, verdict in enumerate(claims.VERDICTS)}
    monkeypatch.setattr(claims, "verdicts", made_up(verdicts | {"claim-9": "reproduced"}))
    lines = tables.readme_block(root).splitlines()
    assert lines[0].startswith("6 claims, tried at budget laptop")
    assert "2 reproduced, 1 undecided, 1 not reproduced, 1 not comparable, 1 not run" in (lines[0])
    heads, aggan = ([c.strip() for c in lines[i].split("|")[1:-1]] for i in (2, 5))
    assert heads[1:] == [*readme.DECIDED, readme.UNDECIDED] == [*claims.VERDICTS[:3], heads[-1]]
    assert aggan[0] == "[AGGAN](results/published/notebooks/laptop/02_aggan.ipynb)"
    assert aggan[1:] == ["claim 0, claim 9", "claim 1", "claim 2", "claim 3, claim 4"]
    others = [line for line in lines[4:9] if "AGGAN" not in line]
    assert all(line.count("| -") == 4 for line in others) and len(others) == 4


def test_the_pictures_are_those_that_were_drawn(root: Path) -> None:
    assert "![" not in tables.readme_block(root) and "All methods" not in tables.readme_block(root)
    folder = root / "plots" / "laptop"
    folder.mkdir(parents=True)
    for name in ("methods", "b-gallery", "a-gallery", "a-cost"):
        (folder / f"{name}.png").touch()
    *_, picture, _, galleries = tables.readme_block(root).splitlines()
    assert picture.startswith("![") and picture.endswith("plots/laptop/methods.png)")
    place = "results/published/plots/laptop"
    named = f"[a]({place}/a-gallery.png), [b]({place}/b-gallery.png)."
    assert galleries == f"All methods and variants on the same images: {named}"


def test_papers_are_those_of_the_notebooks_by_their_titles() -> None:
    found = {paper: link[1 : link.index("]")] for paper, link in readme.papers()}
    assert found == TITLES and list(found) == list(TITLES)
    assert set(found) == {claim.paper for claim in claims.every()}


def test_without_records_it_says_so(tmp_path: Path) -> None:
    assert tables.readme_block(tmp_path) == "No run of budget laptop is published yet.\n"


def test_the_headline_leaves_variants_out(root: Path) -> None:
    (table,) = tables.headline(tables.scores(root))
    assert list(table["method"]) == ["real vs real", "do nothing", "cyclegan", "aggan"] * 2
    assert [name.partition(" (")[0] for name in table.columns[3:]] == [
        "KID ↓", "background PSNR, dB ↑", "share of the IoU ceiling ↑",
    ]  # fmt: skip


def test_nothing_printed_compares_at_laptop_and_every_paper_says_why(root: Path) -> None:
    scores = tables.scores(root)
    frame = tables.printed(scores).set_index("paper")
    assert set(frame["comparable"]) == {"0"} and tables.joined(scores).empty
    # Table 3 of U-GAT-IT prints CycleGAN and AGGAN on five sets, both ways; Table 2 CycleGAN on
    # five sets: 25 cells of the two methods that have scores here
    assert frame.loc["kim2020ugatit", "of methods measured here"] == "25"
    assert frame.loc["mejjati2018aggan", "why not"] == "its tables are in no reachable source"
    assert frame.loc["lin2021spatial", "printed cells"] == "10"


def test_what_compares_at_paper_is_told(records) -> None:
    rows = [records.score("kid", "kid/gm-mean098", 0.08)]
    dataset = "horse2zebra"
    for seed in range(2):
        records.add("cyclegan", seed, rows, budget="paper", dataset=dataset)
    scores = tables.scores(records.root)
    found = tables.joined(scores)
    assert set(found["paper"]) == {"kim2020ugatit"} and set(found["compares"]) == {"~"}
    frame = tables.printed(scores).set_index("paper")
    assert frame.loc["kim2020ugatit", "comparable"] == str(len(found)) == "2"
    assert frame.loc["lin2021spatial", "why not"].startswith("no cell with the same data set")
