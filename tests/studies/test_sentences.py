"""The table of what sentences name and pictures show, and its score beside those of a run."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.made_up_runs import record_of

from replicate import sentences
from replicate.datasets import captions, drawn_captions, packed
from replicate.datasets.packed import ImageSet
from replicate.errors import ReplicateError
from replicate.lab import classes, make_run, shown
from replicate.lab.run import Run
from replicate.report.plots.images import _prompts
from replicate.report.plots.picture import written
from replicate.report.tables.summary import SMOKE
from replicate.studies.sentences import ALL, INPUT, REAL, named_and_shown

SIDE = 64


@pytest.fixture
def test_split(workspace, monkeypatch) -> ImageSet:
    """The set's test split at 64 px, judged by its own labels instead of by a trained network."""
    arrays = drawn_captions.draw("test", SIDE)
    names = {X: [f"{X}{i}.png" for i in range(len(arrays[X]))] for X in "AB"}
    made = ImageSet(
        drawn_captions.NAME, "test", SIDE, drawn_captions.DOMAINS, False, arrays, names, {}
    )
    monkeypatch.setattr(packed, "load", lambda name, split, size, **how: made)
    known = {a.tobytes(): k for X in "AB" for end in ("", "_ideal")
             for a, k in zip(arrays[X + end], arrays[f"{X}_label"], strict=True)}  # fmt: skip
    monkeypatch.setattr(classes, "classifier", lambda dataset, domain, size: None)
    seen = lambda network, images: np.array([known.get(a.tobytes(), 0) for a in images])  # noqa: E731
    monkeypatch.setattr(classes, "classes_of", seen)
    return made


def finished(name: str, seed: int, test: ImageSet, part: str) -> Run:
    """A run whose translations are the set's ideal ones, or its inputs."""
    run = make_run(name, test.name, seed, "smoke")
    for words, X in (("flat2striped", "A"), ("striped2flat", "B")):
        folder = run.folder / "outputs" / words
        folder.mkdir(parents=True)
        for file, image in zip(test.names[X], test.arrays[X + part], strict=True):
            Image.fromarray(image).save(folder / file)
    record = record_of(run, config={"crop_size": SIDE})
    (run.folder / "run.json").write_text(json.dumps(record))
    return run


def test_the_table_and_the_score(test_split, monkeypatch):
    runs = [
        finished("dagan_text", 0, test_split, "_ideal"),
        finished("stackgan", 0, test_split, ""),
        finished("stackgan", 1, test_split, "_ideal"),
    ]
    monkeypatch.setattr(Run, "record", lambda run: {"status": "finished"})
    table = named_and_shown(runs).set_index([SMOKE, "direction"])
    for words in ("flat->striped", "striped->flat"):
        real, idle, best, half = (
            table.loc[(name, words)] for name in (REAL, INPUT, "dagan_text", "stackgan")
        )
        assert real["shape"] == real["coat"] == "1.00" and float(real[ALL]) >= 0.9
        assert idle[ALL] == idle["coat"] == "0.00" and idle["shape"] == "1.00"
        assert best["shape"] == best["coat"] == "1.00 (1 seed)"
        assert half["coat"] == "0.50 ± 0.71 (2)"
    scored = pd.read_csv(io.StringIO(classes.content(runs[0].folder)))
    rows = scored[scored["protocol"] == shown.PROTOCOL].set_index("direction")
    assert set(scored["metric"]) == set(classes.METRICS.values()) and len(rows) == 2
    for words, row in rows.iterrows():
        assert f"{row['value']:.2f} (1 seed)" == table.loc[("dagan_text", words), ALL]
        assert row["do_nothing"] == 0 and row["floor"] >= 0.9 and row["n_fake"] == 132
    (runs[0].folder / "classes.csv").write_text(scored.to_csv(index=False))
    assert classes.protocols(runs[0].folder) == [classes.PROTOCOL, shown.PROTOCOL]
    assert classes.protocols(runs[1].folder) == []


def test_other_sets_are_refused(workspace):
    with pytest.raises(ReplicateError, match="add shapes_captioned to `datasets`"):
        named_and_shown([make_run("dagan", "shapes_drawn", 0, "smoke")])


def test_the_sentence_that_is_asked_for_stands_below_its_image(test_split):
    ((label, tiles),) = _prompts(test_split, "A", 3)
    (text,) = captions.decode(sentences.prompts(test_split, "A")[2:3])
    assert label == "sentence" and "striped red" in text
    assert len(tiles) == 3 and np.array_equal(tiles[2], written(text))
    assert tiles[0].shape == (128, 128, 3) and tiles[0].min() == 0
    bare = ImageSet("bare", "test", SIDE, ("a", "b"), False, {"A": test_split.arrays["A"]}, {}, {})
    assert _prompts(bare, "A", 3) == []
    # more than fits is cut, not drawn over the edge
    full = written("many words " * 40)
    assert (full[-3:] == 255).all() and (full[:, -2:] == 255).all()
