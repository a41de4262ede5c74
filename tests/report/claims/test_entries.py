"""The claims file: what it must hold, and that every claim has its designed runs."""

from collections import Counter

import pytest
from support.claims import CLAIM, claims_of

from replicate import paths, reported
from replicate.errors import ReplicateError, UnknownName
from replicate.lab.run import make_run
from replicate.lab.workflow import read_params
from replicate.methods import METHODS
from replicate.report import claims
from replicate.report.claims import PAIRS, Claim
from replicate.report.tables.catalogue import METRICS

CLAIMS = claims.every()
every_claim = pytest.mark.parametrize(
    "claim", CLAIMS, ids=[f"{claim.paper}:{claim.id}" for claim in CLAIMS]
)


def test_every_paper_has_two_to_five_claims() -> None:
    counts = Counter(claim.paper for claim in CLAIMS)
    assert set(counts) == set(reported.keys())
    assert all(2 <= n <= 5 for n in counts.values())
    assert {claim.paper for claim in claims.of_paper("kim2020ugatit")} == {"kim2020ugatit"}


@every_claim
def test_a_claim_is_the_paper_s_own_and_its_runs_are_designed(claim: Claim) -> None:
    assert METHODS[claim.method.partition(":")[0]].paper == claim.paper
    assert claim.method != claim.against
    (design,) = [d for d in claims.designs() if d.dataset == claim.dataset and d.decides]
    assert set(claim.arms) <= set(design.methods) and len(design.seeds) >= PAIRS


@every_claim
def test_a_claim_is_tried_by_its_paper_s_notebook_with_every_seed(claim: Claim) -> None:
    files = (paths.notebooks() / "params" / "laptop").rglob("0*.yaml")
    every = [read_params(file.stem, "", file.parent) for file in files]
    asked = [
        set(given["methods"] if claim.dataset in given["datasets"] else [])
        | set(given.get("also", {}).get(claim.dataset, []))
        for given in every
        if given.get("paper") == claim.paper
    ]
    assert sum(set(claim.arms) <= methods for methods in asked) == 1


@every_claim
def test_a_claim_predicts_the_better_side_of_its_metric(claim: Claim) -> None:
    better = {"↑": "higher", "↓": "lower"}[METRICS[claim.metric].better]
    assert claim.prediction in (better, "equivalent")


def test_the_design_is_what_was_promised() -> None:
    runs = {d.dataset: len(d.methods) * len(d.seeds) for d in claims.designs()}
    assert runs["horse2zebra_drawn"] == 60 and runs["horse2zebra_herd_drawn"] == 15
    assert runs["cats_dogs"] + runs["facades"] <= 12
    seeds = {d.dataset: len(d.seeds) for d in claims.designs() if d.decides}
    drawn = ("horse2zebra_drawn", "shapes_drawn", "shapes_captioned")
    assert seeds == dict.fromkeys(drawn, PAIRS)


def test_the_arms_of_a_data_set_train_for_equally_many_images() -> None:
    for design in claims.designs():
        seen = {name: images_seen(name, design.dataset) for name in design.methods}
        staged = seen.pop("stackgan", None)  # as long a run as DA-GAN's, in seconds
        (images,) = set(seen.values())
        assert staged is None or images <= staged <= 1.1 * images, design.dataset


@every_claim
def test_no_method_sees_more_images_than_what_a_claim_sets_it_against(claim: Claim) -> None:
    method, *against = (images_seen(name, claim.dataset) for name in claim.arms)
    assert all(method <= seen for seen in against)  # a ceiling or an input sees none


def images_seen(name: str, dataset: str) -> float:
    """By each network of a method: of StackGAN's two stages one trains after the other."""
    c = make_run(name, dataset, 0, "laptop").config
    return c.iterations * c.batch_size / (2 if name.startswith("stackgan") else 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"margins": 3.0}, r"claim 'background': unknown key 'margins' \(did you mean 'margin'"),
        ({"paper": "mejati2018aggan"}, "did you mean 'mejjati2018aggan'"),
        ({"method": "aggann"}, "did you mean 'aggan'"),
        ({"against": "aggan:whole-image"}, "did you mean 'whole-image-d'"),
        ({"dataset": "horse2zebra_draw"}, "did you mean 'horse2zebra_drawn'"),
        ({"protocol": "background/psn"}, "did you mean 'background/psnr'"),
        ({"metric": "background_psn"}, "did you mean 'background_psnr'"),
        ({"prediction": "hihger"}, "did you mean 'higher'"),
        ({"direction": "horse->zebr"}, "did you mean 'horse->zebra'"),
    ],
)
def test_unknown_names_get_the_closest_match(changes: dict, said: str) -> None:
    with pytest.raises(UnknownName, match=said):
        claims_of(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"margin": "3"}, "claim 'background': margin='3': expected float"),
        ({"margin": -1.0}, "claim 'background': margin=-1.0: expected float"),
        ({"why": ""}, "claim 'background': why="),
        ({"prediction": "equivalent", "margin": 0.0}, "margin 0 of an equivalence"),
    ],
)
def test_wrong_values_are_refused(changes: dict, said: str) -> None:
    with pytest.raises(ReplicateError, match=said):
        claims_of(**changes)


def test_a_claim_stands_once_and_whole() -> None:
    with pytest.raises(ReplicateError, match="stands twice"):
        claims.parse([CLAIM, CLAIM])
    with pytest.raises(ReplicateError, match="claim 'background': key 'unit' is missing"):
        claims.parse([{key: value for key, value in CLAIM.items() if key != "unit"}])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[claims]]\nid = 1", r"claims.toml: unknown table 'claims' \(did you mean 'claim'"),
        ("[[claim]\n", r"claims.toml, line 1: .*; expected TOML"),
        ("", "claims.toml is empty; expected TOML"),
        ("claim = 3", r"claims.toml: no \[\[claim\]\]; expected at least one"),
        ("claim = []\n[[design]]\ndataset = 'd'", r"no \[\[claim\]\]; expected at least one"),
        ('[[claim]]\n[[design]]\ndataset = "d"\nseed = [0]', "did you mean 'seeds'"),
    ],
)
def test_a_broken_file_is_told(text: str, said: str, tmp_path, monkeypatch) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(text)
    monkeypatch.setattr(paths, "claims", lambda: file)
    with pytest.raises(ReplicateError, match=said):
        claims.designs()


def test_arms_are_runs_alone() -> None:
    assert claims_of(against="do nothing")[0].arms == ("aggan",)
    assert claims_of()[0].arms == ("aggan", "cyclegan")
