"""Which numbers may stand beside which: equal ids, or an entry here that says why not equal ones.

Each entry holds for the same image sets and the same number of images only.
"""

from typing import NamedTuple

from replicate.errors import ReplicateError
from replicate.metrics.protocols import PROTOCOLS, find


class Comparison(NamedTuple):
    """Two protocols whose numbers compare, as far as `what` goes, and why."""

    first: str
    second: str
    what: str
    why: str
    certainty: str


COMPARISONS = (
    Comparison(
        "fid/inception", "fid/clean-legacy", "value",
        "clean-fid's legacy_pytorch mode resizes and normalises as pytorch-fid", "verified",
    ),
    Comparison(
        "kid/gm-target", "kid/torch-fidelity", "value, not its spread",
        "both estimators are unbiased, so on the same features they agree in expectation; they "
        "differ in the resize", "verified for the estimators",
    ),
    Comparison(
        "kid/inception", "kid/subsets", "value, not its spread",
        "the same features; both estimators are unbiased", "verified",
    ),
    Comparison(
        "kid/gm-mean098", "kid/ugatit-printed", "value",
        "a user measured 11.15 on the official checkpoint where the paper prints 11.61 "
        "(taki0112/UGATIT issue 64); the target KID was 2.72", "uncertain",
    ),
    Comparison(
        "kid/gm-mean098", "kid/ag-table4", "value",
        "the baselines of that table are U-GAT-IT's", "uncertain",
    ),
    Comparison(
        "kid/gm-mean098+jpeg", "kid/ugatit-printed", "value",
        "as kid/gm-mean098; the official test wrote translations of JPEG files as JPEG, so the "
        "printed number may rest on them", "uncertain",
    ),
    Comparison(
        "kid/gm-mean098+jpeg", "kid/ag-table4", "value",
        "as kid/gm-mean098+jpeg with kid/ugatit-printed", "uncertain",
    ),
    Comparison(
        "kid/ugatit-printed", "kid/ag-table4", "value", "one table quotes the other", "uncertain",
    ),
    Comparison(
        "kid/aggan-mean", "kid/aggan-printed", "value",
        "an author says so of FID, which KID replaced", "uncertain",
    ),
    Comparison(
        "kid/gm-target", "kid/asgit-target", "value, not its spread",
        "both are target KIDs; estimator and scale of the printed one are not stated", "uncertain",
    ),
    Comparison(
        "kid/gm-target", "kid/ag-h2z", "value, not its spread",
        "the size of the printed numbers is that of target KIDs; the baselines beside them in "
        "print are means of both sides", "uncertain",
    ),
    Comparison(
        "pref/fool", "amt/attentiongan", "order of methods",
        "the same question, other people and conditions", "uncertain",
    ),
    Comparison(
        "pref/best-of-n", "pref/attentiongan", "order of methods",
        "the same question, other people and conditions", "uncertain",
    ),
    Comparison(
        "pref/best-of-n", "pref/ugatit", "order of methods",
        "the same question, other people and conditions", "uncertain",
    ),
)  # fmt: skip


def comparison(first: str, second: str) -> Comparison | None:
    """Why numbers under two ids may be compared; None where nothing says so.

    Args:
        first, second: protocol ids, in any order; of lossy files only equal ones compare.
    """
    one, other = find(first), find(second)
    if one.id == other.id:
        return Comparison(first, second, "value and spread", "the same protocol", "verified")
    if one.files == other.files and one.definition == other.definition and one.metric == "kid":
        return Comparison(
            first, second, "value, not its spread",
            "both are unbiased; the size of the subsets changes the spread only", "verified",
        )  # fmt: skip
    wanted = {id.partition("@")[0] for id in (one.id, other.id)}
    return next((entry for entry in COMPARISONS if wanted == {entry.first, entry.second}), None)


def check_comparable(first: str, second: str) -> Comparison:
    """The entry for two protocols, or the error that says what compares with the first.

    Raises:
        ReplicateError: no entry; both ids, both definitions and what would compare are named.
    """
    found = comparison(first, second)
    if found:
        return found
    definitions = " and ".join(f"{id} ({find(id).definition})" for id in (first, second))
    ways = [
        f"{id} compares with {', '.join(partners(id)) or 'itself only'}" for id in (first, second)
    ]
    raise ReplicateError(f"{definitions} do not compare: {'; '.join(ways)}")


def partners(id: str) -> list[str]:
    """The other protocols that compare with one, in the order of the list."""
    return [other for other in PROTOCOLS if other != id and comparison(id, other)]
