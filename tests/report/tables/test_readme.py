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
        rows = [(paper, k, f"Says {k}", own[k]) for k in own for _ in range(2)]
        return pd.DataFrame(rows, columns=["paper", "claim", "text", "verdict"])

    return verdicts


def test_the_blocks_live_between_their_markers(root: Path, tmp_path: Path) -> None:
    file, blocks = tmp_path / "README.md", tables.readme_blocks(root)
    old = [f"{begin}\nold\n{end}\n" for begin, end in map(readme.markers, readme.BLOCKS)]
    file.write_text(f"# a\n{old[0]}b\n{old[1]}c\n")
    tables.update_readme(file, root)
    text = file.read_text()
    assert text.startswith("# a\n<!-- picture:begin -->\n") and "old" not in text
    assert text.endswith("<!-- results:end -->\nc\n") and tuple(blocks) == readme.BLOCKS
    for (begin, end), block in zip(map(readme.markers, blocks), blocks.values(), strict=True):
        assert f"{begin}\n{block}{end}\n" in text
    tables.update_readme(file, root)
    assert file.read_text() == text
    file.write_text(old[0])
    with pytest.raises(ReplicateError, match=r"expected each once, .* where the results belong"):
        tables.update_readme(file, root)
    assert file.read_text() == old[0]


def test_every_claim_stands_there_in_words_with_its_verdict(root: Path, monkeypatch) -> None:
    verdicts = {f"claim-{i}": verdict for i, verdict in enumerate(claims.VERDICTS)}
    monkeypatch.setattr(claims, "verdicts", made_up(verdicts | {"claim-9": "reproduced"}))
    lines = tables.readme_blocks(root)["results"].splitlines()
    counts = "2 reproduced, 1 undecided, 1 not reproduced, 1 not comparable, 1 not run"
    assert lines[0].startswith(f"**6 claims: {counts}.** ")
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:])
    link = "[AGGAN](results/published/notebooks/laptop/02_aggan.ipynb)"
    assert head == ["paper", "claim", "here"]
    assert rows[0] == [link, "Says claim-0", "**reproduced**"]
    names = list(verdicts)[1:]
    assert [row[:2] for row in rows[1:-1]] == [["", f"Says {name}"] for name in names]
    said = ["undecided", "**not reproduced**", "not comparable", "not run", "**reproduced**"]
    assert [row[2] for row in rows[1:]] == said and rows[-1][1] == "Says claim-9"


def test_photographs_come_first_and_synthetic_images_below(root: Path) -> None:
    assert "![" not in "".join(tables.readme_blocks(root).values())
    folder, place = root / "plots" / "laptop", "results/published/plots/laptop"
    folder.mkdir(parents=True)
    for name in ("horse2zebra_drawn-first", "b-gallery", "a-gallery", "a-cost"):
        (folder / f"{name}.png").touch()
    alone = tables.readme_blocks(root)
    assert f"]({place}/horse2zebra_drawn-first.png)\n\n**Synthetic**" in alone["picture"]
    named = f"[a]({place}/a-gallery.png), [b]({place}/b-gallery.png)."
    assert alone["results"].endswith(f"\n\nAll methods and variants: {named}\n")
    assert "-first.png" not in alone["results"]
    (folder / "horse2zebra-first.png").touch()
    both = tables.readme_blocks(root)
    assert (
        f"]({place}/horse2zebra-first.png)\n\nReal photographs: the first two test"
        in (both["picture"])
    )
    assert "drawn" not in both["picture"] and alone["picture"] in both["results"]


def test_papers_are_those_of_the_notebooks_by_their_titles() -> None:
    found = {paper: link[1 : link.index("]")] for paper, link in readme.papers()}
    assert found == TITLES and list(found) == list(TITLES)
    assert set(found) == {claim.paper for claim in claims.every()}


def test_without_records_it_says_so(tmp_path: Path) -> None:
    none = {"picture": "", "results": "No run of budget laptop is published yet.\n"}
    assert tables.readme_blocks(tmp_path) == none


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
    assert frame.loc["mejjati2018aggan", "why not"] == "we could not access its tables"
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
