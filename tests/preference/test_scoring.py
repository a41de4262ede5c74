"""Percentages by hand from twelve answers of each mode, and files that cannot be scored."""

import json
from pathlib import Path

import pytest
from scipy.stats import binomtest

from replicate.errors import ReplicateError
from replicate.preference.scoring import format_result, score

METHODS = ["a", "b", "c"]


def key(tmp_path: Path, mode: str, repeats: int = 0) -> Path:
    """A key of four trials: t0 to t3; image `a2` is method a's in trial t2."""
    options = {
        "fool": [["a0"], ["b1"], ["real2"], ["real3"]],
        "best-of-n": [[f"{name}{i}" for name in METHODS] for i in range(4)],
        "pair": [["a0", "b0"], ["b1", "a1"], ["c2", "a2"], ["b3", "c3"]],
    }[mode]
    images = {
        name: {"role": name[:-1], "method": name[:-1].replace("real", ""), "file": "x"}
        for shown in options
        for name in shown
    }
    trials = {f"t{i}": {"input": None, "options": shown} for i, shown in enumerate(options)}
    content = {
        "format": 1, "study": "5tudy", "mode": mode, "methods": METHODS, "repeats": repeats,
        "trials": trials, "images": images,
    }  # fmt: skip
    file = tmp_path / "page.key.json"
    file.write_text(json.dumps(content))
    return file


def sheet(tmp_path: Path, name: str, choices: list[str], **changes: object) -> Path:
    """A participant's file: `choices` of t0, t1, ...; "t3=x" of a named trial, "+" a repeat."""
    answers = []
    for i, choice in enumerate(choices):
        trial, _, chosen = choice.rpartition("=")
        showing = int(trial.startswith("+"))
        trial = trial.strip("+") or f"t{i}"
        answers.append({"n": i + 1, "trial": trial, "showing": showing, "choice": chosen})
    content = {
        "format": 1, "study": "5tudy", "mode": "pair", "participant": name, "session": "s" + name,
        "trials": 4, "answers": answers,
    }  # fmt: skip
    file = tmp_path / f"answers-{name}-{len(list(tmp_path.iterdir()))}.json"
    file.write_text(json.dumps(content | changes))
    return file


REAL, MADE = "real", "generated"
TWELVE = {
    "fool": [[REAL, MADE, REAL, MADE], [REAL, REAL, REAL, REAL], [MADE, MADE, REAL, MADE]],
    "best-of-n": [
        ["a0", "a1", "b2", "c3"], ["a0", "b1", "b2", "a3"], ["a0", "c1", "b2", "a3"],
    ],
    "pair": [["a0", "a1", "c2", "b3"], ["a0", "b1", "c2", "c3"], ["b0", "a1", "c2", "b3"]],
}  # fmt: skip
BY_HAND = {
    # a was called real by 2 of 3, b by 1 of 3, the real ones 4 times of 6; c was never shown
    "fool": {"a": (2, 3), "b": (1, 3), "c": (0, 0), "real images": (4, 6)},
    "best-of-n": {"a": (6, 12), "b": (4, 12), "c": (2, 12)},
    "pair": {"a over b": (4, 6), "a over c": (0, 3), "b over c": (2, 3)},
}


@pytest.mark.parametrize("mode", TWELVE)
def test_twelve_answers_by_hand(tmp_path, mode):
    files = [sheet(tmp_path, f"p{i}", choices) for i, choices in enumerate(TWELVE[mode])]
    result = score(key(tmp_path, mode), files)
    assert {s.name: (s.count, s.answers) for s in result.shares} == BY_HAND[mode]
    assert (result.participants, result.answers, result.repeated) == (3, 12, 0)
    assert result.protocol == f"pref/{mode}"
    assert result.interval.endswith("from the spread of 3 people")
    for share in result.shares:
        if share.answers:
            assert share.percent == pytest.approx(100 * share.count / share.answers, rel=1e-12)
            assert 0 <= share.low <= share.percent <= share.high <= 100
            assert share.chance == pytest.approx(100 / 3 if mode == "best-of-n" else 50)
        else:
            assert share.percent is share.low is share.high is None
    if mode == "best-of-n":
        assert sum(share.percent for share in result.shares) == pytest.approx(100, rel=1e-12)


def test_one_participants_interval_is_wilsons_in_percent(tmp_path):
    file = sheet(tmp_path, "p", ["a0", "a1", "b2", "c3"])
    share = score(key(tmp_path, "best-of-n"), [file]).shares[0]
    theirs = binomtest(2, 4).proportion_ci(method="wilson")
    assert (share.low, share.high) == pytest.approx((100 * theirs.low, 100 * theirs.high))


def test_a_correction_counts_and_a_repeat_only_shows_consistency(tmp_path):
    choices = ["b0", "t0=a0", "t1=a1", "t2=a2", "t3=b3", "+t0=b0", "+t1=b1", "+t1=a1"]
    result = score(key(tmp_path, "pair", repeats=2), [sheet(tmp_path, "p", choices)])
    assert [(s.count, s.answers) for s in result.shares] == [(2, 2), (1, 1), (1, 1)]
    assert (result.repeated, result.alike) == (2, 1)
    assert "1 of 2 repeated trials answered alike (50.0 %)" in format_result(result)


def test_an_unfinished_file_counts_and_is_named(tmp_path):
    files = [sheet(tmp_path, "p", ["a0"]), sheet(tmp_path, "q", [])]
    result = score(key(tmp_path, "pair"), files)
    assert result.notes[:2] == ("p answered 1 of 4 trials", "q answered 0 of 4 trials")
    assert (result.participants, result.answers) == (1, 1)


@pytest.mark.parametrize("order", [1, -1])
def test_of_one_sitting_the_longer_file_counts(tmp_path, order):
    files = [sheet(tmp_path, "p", ["b0"]), sheet(tmp_path, "p", ["a0", "a1", "c2", "b3"])]
    result = score(key(tmp_path, "pair"), files[::order])
    assert (result.participants, result.answers, result.shares[0].count) == (1, 4, 2)
    assert f"are one sitting; {files[1]} counts" in result.notes[0]


@pytest.mark.parametrize(
    "choices, changes, text",
    [
        (["a0"], {"study": "0ther"}, "answers study 0ther, the key is of 5tudy"),
        (["a0"], {"format": 2}, "has format 2, expected 1"),
        (["t9=a0"], {}, "answer 1 is about trial 't9'.* does not have"),
        (["a0", "a0"], {}, "answer 2 chose 'a0', expected one of b1, a1"),
        ([], {}, "0 answers in the files given"),
        (["a0"], {"answers": [{"trial": "t0"}]}, "answer 1 lacks 'showing'"),
        (
            ["a0"],
            {"answers": [{"trial": "t0", "showing": "0", "choice": "a0"}]},
            "1, showing: .*'0'",
        ),
        (["a0"], {"answers": [{"trial": ["t0"], "showing": 0, "choice": "a0"}]}, "answer 1, trial"),
        (["a0"], {"answers": [7]}, "answer 1: .*found 7"),
        (["a0"], {"answers": {"trial": "t0"}}, "answers: .*list"),
        (["a0"], {"answers": None}, "answers: .*found None"),
        (["a0"], {"participant": "a\x1b[2Jb"}, r"participant: .*found 'a\\x1b\[2Jb'"),
        (["a0"], {"participant": "x" * 900}, "participant: .*at most 64"),
        (["a0"], {"participant": ""}, "participant: "),
        (["a0"], {"participant": 7}, "participant: .*string, found 7"),
        (["a0"], {"session": "../x"}, "session: "),
        (["a0"], {"trials": True}, "trials: .*integer, found True"),
        (["a0"], {"format": "1"}, "format: .*integer, found '1'"),
        (["a0"], {"paid": "1000"}, "paid: Extra inputs are not permitted"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, choices, changes, text):
    file = sheet(tmp_path, "p", choices, **changes)
    with pytest.raises(ReplicateError, match=text) as caught:
        score(key(tmp_path, "pair"), [file])
    told = str(caught.value)
    assert told.isprintable() and len(told) < 500
    assert str(file) in told or told.startswith("0 answers")


@pytest.mark.parametrize("order", [1, -1])
def test_one_session_under_two_participants_is_one(tmp_path, order):
    files = [
        sheet(tmp_path, "p", ["b0"], session="s"),
        sheet(tmp_path, "q", ["a0", "a1", "c2", "b3"], session="s"),
    ]
    result = score(key(tmp_path, "pair"), files[::order])
    assert (result.participants, result.answers, result.shares[0].count) == (1, 4, 2)
    names = " and ".join(["p", "q"][::order])
    assert result.notes[0].startswith(f"{names}: ") and f"{files[1]} counts" in result.notes[0]


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"\xff\xfe", b"", b"[]", b"null", b'"x"', b"{}", b"1" * 5000]
)
def test_what_is_no_object_of_json_is_refused_by_name(tmp_path, content):
    file = tmp_path / "answers.json"
    file.write_bytes(content)
    with pytest.raises(
        ReplicateError, match=r"answers.json (cannot be read as JSON|is not an ans)"
    ):
        score(key(tmp_path, "pair"), [file])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"mode": "vote"}, "mode: .*'vote'"),
        ({"trials": {"t0": {"options": ["nowhere"]}}}, "'t0' shows 'nowhere', which is no image"),
        ({"trials": {"t0": {"options": []}}}, "trials.t0.options"),
        ({"methods": ["a"]}, "is of '[bc]', which is no method"),
        ({"repeats": -1}, "repeats: "),
    ],
)
def test_a_key_that_was_changed_is_refused(tmp_path, change, text):
    file = key(tmp_path, "pair")
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ReplicateError, match=f"page.key.json is not a key: .*{text}"):
        score(file, [sheet(tmp_path, "p", ["a0"])])


def test_a_file_name_of_control_characters_does_not_reach_the_terminal(tmp_path):
    files = [sheet(tmp_path, "p", ["b0"]), sheet(tmp_path, "p", ["a0", "a1"])]
    odd = files[0].rename(tmp_path / "answers\x1b[2J\r.json")
    text = format_result(score(key(tmp_path, "pair"), [odd, files[1]]))
    assert all(c.isprintable() or c == "\n" for c in text) and r"answers\x1b[2J\r.json" in text


def test_two_sittings_under_one_name_are_refused(tmp_path):
    files = [sheet(tmp_path, "p", ["a0"]), sheet(tmp_path, "p", ["b0"], session="other")]
    with pytest.raises(ReplicateError, match="two sittings of participant 'p', expected one"):
        score(key(tmp_path, "pair"), files)


def test_what_is_no_key_or_no_answers_is_refused(tmp_path):
    answers, the_key = sheet(tmp_path, "p", ["a0"]), key(tmp_path, "pair")
    with pytest.raises(ReplicateError, match="is not a key: it lacks images, methods"):
        score(answers, [answers])
    with pytest.raises(ReplicateError, match="is not an answers file: it lacks answers"):
        score(the_key, [the_key])
    with pytest.raises(ReplicateError, match=r"none.json cannot be read as JSON .*give what"):
        score(the_key, [tmp_path / "none.json"])


def test_the_text_has_the_numbers_and_their_limits(tmp_path):
    files = [sheet(tmp_path, f"p{i}", choices) for i, choices in enumerate(TWELVE["fool"])]
    lines = format_result(score(key(tmp_path, "fool"), files)).splitlines()
    assert lines[0] == "pref/fool, study 5tudy: 12 answers of 3 participants"
    assert lines[2].split()[:2] == ["a", "66.7"] and lines[2].split()[-1] == "3"
    assert lines[4].split() == ["c", "no", "answer"]
    assert "chance: 50.0 %" in lines
    assert "amt/attentiongan" in lines[-1]
