"""The list of protocols: complete records, ids, and which numbers may be compared."""

import pytest

from replicate import reported
from replicate.errors import ReplicateError, UnknownName
from replicate.metrics.comparisons import COMPARISONS, check_comparable, comparison, partners
from replicate.metrics.protocols import PROTOCOLS, SETS, find


def test_every_record_is_complete():
    for id, protocol in PROTOCOLS.items():
        assert protocol.id == id and protocol.definition and protocol.used_by and protocol.certainty
        assert bool(protocol.estimator) != bool(protocol.reason), id
        assert set(protocol.needs) <= set(SETS), id
        named = {part for side, _ in protocol.sides for part in side.split("+")}
        assert not protocol.estimator or named <= set(protocol.needs), id
        assert protocol.record()["version"] >= 1


def test_a_subset_size_and_lossy_files_are_part_of_the_id():
    sized = find("kid/torch-fidelity@60")
    assert sized.id == "kid/torch-fidelity@60" and sized.settings["subset_size"] == 60
    assert find("kid/torch-fidelity@1000") == find("kid/torch-fidelity")
    assert find("fid/clean+jpeg").id == "fid/clean+jpeg" != find("fid/clean").id
    assert find("kid/torch-fidelity@60+jpeg").settings == sized.settings
    with pytest.raises(ReplicateError, match="fid/clean@60: fid/clean has neither a subset size"):
        find("fid/clean@60")
    with pytest.raises(UnknownName, match=r"unknown protocol 'fid/claen' \(did you mean"):
        find("fid/claen")


def test_comparing_needs_equal_ids_or_a_reason():
    assert comparison("fid/clean", "fid/clean").why == "the same protocol"
    entry = check_comparable("kid/ugatit-printed", "kid/gm-mean098")
    assert "11.15" in entry.why and entry.certainty == "uncertain"
    assert check_comparable("kid/gm-mean098", "kid/ugatit-printed") is entry
    with pytest.raises(ReplicateError) as caught:
        check_comparable("kid/gm-target", "kid/ugatit-printed")
    assert "do not compare" in str(caught.value)
    assert "kid/ugatit-printed compares with kid/gm-mean098, kid/ag-table4" in str(caught.value)
    assert comparison("cls/photos2labels@128", "cls/photos2labels") is None
    assert comparison("fid/clean", "fid/clean+jpeg") is None  # other files, other number
    assert "spread" in comparison("kid/torch-fidelity@60", "kid/torch-fidelity").what
    assert comparison("kid/torch-fidelity@60", "kid/gm-target").certainty.startswith("verified")
    assert partners("fid/clean") == []


def test_every_comparison_names_two_protocols_of_one_metric_once():
    pairs = [frozenset((entry.first, entry.second)) for entry in COMPARISONS]
    assert len(set(pairs)) == len(pairs) and all(len(pair) == 2 for pair in pairs)
    for entry in COMPARISONS:
        assert find(entry.first).metric == find(entry.second).metric and entry.why


@pytest.mark.parametrize("key", reported.keys())
def test_what_a_paper_prints_is_listed_and_what_is_inferred_compares(key):
    table = reported.load(key).table
    for printed, inferred in table[["protocol", "inferred"]].drop_duplicates().itertuples(False):
        assert find(printed)
        assert not inferred or comparison(printed, inferred)
