"""The ablation table is the summary of a paper's own methods, each with what it changes."""

import pytest

from replicate.errors import ReplicateError
from replicate.report import tables
from replicate.report.tables.summary import CHANGES, _about

AGGAN = "mejjati2018aggan"


def test_it_holds_the_methods_of_the_paper_alone(root) -> None:
    scores = tables.scores(root)
    frame = tables.ablation(scores, AGGAN)
    assert list(frame.columns[:4]) == ["dataset", "direction", "method", CHANGES]
    rows = dict(zip(frame["method"], frame[CHANGES], strict=True))
    assert rows == {
        "real vs real": "",
        "do nothing": "",
        "aggan": "AGGAN",
        "aggan:whole-image-d": "switch_epoch=None",
    }
    own = scores[scores["method"] == "aggan"]
    numbers = frame.drop(columns=CHANGES)
    assert numbers.equals(tables.summary(own))
    assert numbers.iloc[:, 3:].ne("-").any(axis=None)


def test_some_metrics_only(root) -> None:
    frame = tables.ablation(tables.scores(root), AGGAN, ["attention_iou"])
    assert list(frame.columns[4:]) == ["attention IoU ↑ (attention/iou-0.5)"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ugatit:in", "norm=in"),
        ("ugatit:no-cam", "g_cam=False, d_cam=False"),
        ("ugatit", "U-GAT-IT"),
        ("ugatit:in+lr=0.1", "norm=in, lr=0.1"),
        ("ugatit+lr=0.1", "lr=0.1"),
        ("attentiongan_v1", "AttentionGAN, scheme I"),
        ("attentiongan", "AttentionGAN, scheme II"),
        ("real vs real", ""),
    ],
)
def test_what_a_row_is(name: str, text: str) -> None:
    assert _about(name) == text


def test_a_paper_without_scores_says_what_to_add(root) -> None:
    with pytest.raises(ReplicateError, match=r"no scores of a method of kim2020ugatit; .* ugatit"):
        tables.ablation(tables.scores(root), "kim2020ugatit")
