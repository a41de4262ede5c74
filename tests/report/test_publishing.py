"""Publishing keeps every other record, and is whole or not begun whenever it is killed."""

import io
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from support.made_up_runs import make_up

from replicate import files, paths, records, repro
from replicate.datasets import packed
from replicate.errors import ReplicateError
from replicate.lab import make_run
from replicate.lab.budget_grid import grid
from replicate.lab.published import find_runs
from replicate.lab.run import COLUMNS, Run, read_record
from replicate.methods import METHODS
from replicate.report import publishing, tables
from replicate.report.tables import readme

BEGIN, END = readme.markers("results")
SCORE = "{r.method},{r.label},{r.dataset},{d},fid,1,0,,fid/standin,8,8,{r.seed},{r.budget},"
SCORE += "test,,0,0,4\n"
HEALTH = "iteration,direction,fault,value,images\n4,a->b,copy,50,8\n"


def trained(run: Run, **record: object) -> Path:
    """The folder of a finished run with all that a record keeps."""
    folder = make_up(run, **record)
    rows = "".join(SCORE.format(r=run, d=direction) for direction in ("a->b", "b->a"))
    scores = f"{','.join(COLUMNS)}\n{rows}"
    contents = {"scores.csv": scores, "health.csv": HEALTH, "translations.png": "picture"}
    for name, content in contents.items():
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def paper() -> set[Run]:
    """Every run of the paper's grid with the first seed."""
    return {job.run for job in grid("paper") if job.run.seed == 0}


@pytest.fixture
def place(workspace, monkeypatch) -> Path:
    """A checkout with a README; its pages are a table of scores, its block of the README a word."""
    (workspace / "README.md").write_text(f"top {BEGIN}{END} end")
    (workspace / "data").mkdir()
    shutil.copy(paths.ROOT / "data" / "datasets.yaml", workspace / "data")
    monkeypatch.setattr(paths, "ROOT", workspace)
    monkeypatch.setattr(paths, "published", lambda: workspace / "published")
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # it moves nothing, and takes long
    monkeypatch.setattr(tables, "write", written)
    monkeypatch.setattr(tables, "write_registers", lambda root: [])
    monkeypatch.setattr(publishing.plots, "write", lambda root, budget: [])
    monkeypatch.setattr(readme, "readme_blocks", number_of_scores)
    return workspace


def written(root: Path, budget: str) -> list[Path]:
    page = root / "tables" / budget / "scores.csv"
    return [files.write(page, tables.scores(root, budget).to_csv())]


def number_of_scores(root: Path) -> dict[str, str]:
    return {"results": f"{len(tables.scores(root))}\n"}


def whole(root: Path) -> dict[str, bytes]:
    """What git would see: the content of the README and of all that is published."""
    every = [root / "README.md", *paths.published().rglob("*")]
    hidden = [path for path in every if any(part.startswith(".") for part in path.parts)]
    shown = [path for path in every if path.is_file() and path not in hidden]
    return {str(path.relative_to(root)): path.read_bytes() for path in shown}


def test_the_paper_grid_removes_no_laptop_record(paper, place, monkeypatch):
    laptop = paths.published() / "runs"
    source = Path(__file__).parents[2] / "results" / "published" / "runs"
    shutil.copytree(source, laptop, ignore=shutil.ignore_patterns("*.png", "*-[1-9]-*"))
    before = {path: path.read_bytes() for path in laptop.rglob("*.*")}
    for run in paper:
        trained(run)
    with redirect_stdout(io.StringIO()) as said:
        publishing.publish_all("paper")
    assert len(before) > 150 and {path: path.read_bytes() for path in before} == before
    assert len(find_runs(paths.published(), "paper")) == len(paper) > 20
    assert "replaced" not in said.getvalue()


def test_two_configurations_of_a_name_are_refused_before_anything_is_written(place, monkeypatch):
    trained(make_run("cyclegan", "d", 0, "laptop"))
    publishing.publish_all("laptop")
    before = whole(place)
    monkeypatch.setattr(METHODS["cyclegan"], "LAPTOP", METHODS["cyclegan"].LAPTOP | {"lr": 0.5})
    other = trained(make_run("cyclegan", "d", 1, "laptop"))
    text = r"cyclegan on d \(laptop\) stands there with two configurations: lr=.* and lr=.* \("
    with pytest.raises(ReplicateError, match=text):
        publishing.publish_all("laptop")
    shutil.rmtree(next(other.parent.glob("paper-0-*")))  # against what is published as well
    with pytest.raises(ReplicateError, match=text):
        publishing.publish_all("laptop")
    assert whole(place) == before


def test_seeds_of_two_machines_are_peers_in_two_precisions(place, monkeypatch):
    for seed, fast in enumerate((False, True)):
        monkeypatch.setattr(repro, "bf16_pays", lambda fast=fast: fast)
        trained(make_run("cyclegan", "d", seed, "laptop"))
    publishing.publish_all("laptop")
    kept = [read_record(folder)["config"] for folder in find_runs(paths.published(), "laptop")]
    assert {config["precision"] for config in kept} == {"fp32", "bf16"}


def test_a_run_that_lies_there_twice_is_refused(place):
    folder = trained(make_run("cyclegan", "d", 0, "laptop"))
    shutil.copytree(folder, folder.with_name(f"{folder.name} copy"))
    with pytest.raises(ReplicateError, match="stands there twice with seed 0"):
        publishing.publish_all("laptop")
    assert not paths.published().exists()


def test_a_damaged_result_is_refused_before_anything_is_written(place):
    for seed in range(2):
        folder = trained(make_run("cyclegan", "d", seed, "laptop"))
        records.write(folder, records.read(folder) | {"results": records.results(folder)})
    (folder / "scores.csv").write_text("method\n")
    with pytest.raises(ReplicateError, match=r"scores\.csv is damaged \(0 rows, expected 2\)"):
        publishing.publish_all("laptop")
    assert not paths.published().exists()


# Kills


class Checkout:
    """Two runs of which one is published, from another commit."""

    def __init__(self, root: Path) -> None:
        self.root, self.kept = root, root.with_name(f"{root.name}-kept")
        trained(make_run("cyclegan", "d", 0, "laptop"), commit="f" * 40)
        publish()
        for folder in find_runs(paths.results()):
            shutil.rmtree(folder)
        for seed in range(2):
            trained(make_run("cyclegan", "d", seed, "laptop"), commit="e" * 40)
        shutil.copytree(root, self.kept)
        self.old = whole(root)
        publish()
        self.new = whole(root)

    def restore(self) -> None:
        shutil.rmtree(self.root)
        shutil.copytree(self.kept, self.root)

    def check(self) -> None:
        """Every file is old or new; every record is one of them, with all of its files."""
        now = whole(self.root)
        for name, content in now.items():
            assert content in (self.old.get(name), self.new.get(name)), name
        assert self.old.keys() <= now.keys() <= self.new.keys()
        for folder in find_runs(paths.published()):
            record = records.read(folder)
            assert record["results"] and not records.faults(folder, record), folder


@pytest.fixture
def checkout(place) -> Checkout:
    return Checkout(place)


def publish() -> None:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        publishing.publish_all("laptop")


def forked(work: Callable[[], None], prepare: Callable[[], None] = lambda: None) -> int:
    """The id of a process that does some work."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            prepare()
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def ending_at(step: int) -> Callable[[], None]:
    """Ends the process without a word at its `step`-th call that moves or syncs anything."""
    calls = 0

    def counted(real: Callable) -> Callable:
        def call(*arguments, **named):
            nonlocal calls
            calls += 1
            if calls == step:
                os._exit(9)
            return real(*arguments, **named)

        return call

    def prepare() -> None:
        for owner, name in (
            (os, "replace"),
            (os, "fsync"),
            (files, "_exchanged"),
            (shutil, "rmtree"),
        ):
            setattr(owner, name, counted(getattr(owner, name)))

    return prepare


@pytest.mark.slow
def test_a_publisher_that_ends_at_any_step_leaves_old_or_new(checkout):
    step, status = 0, 9
    while status == 9:
        step += 1
        checkout.restore()
        child = forked(publish, ending_at(step))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        checkout.check()
        if step % 8 == 0:  # what is left behind is no hindrance and goes
            publish()
            assert whole(checkout.root) == checkout.new
            assert not list(paths.published().rglob(".*"))
    assert status == 0 and step > 25 and whole(checkout.root) == checkout.new


@pytest.mark.slow
def test_a_publisher_that_is_killed_leaves_old_or_new(checkout):
    checkout.restore()
    draw, start = random.Random(0), time.monotonic()
    os.waitpid(forked(publish), 0)
    took = time.monotonic() - start
    for _ in range(6):
        checkout.restore()
        child = forked(publish)
        time.sleep(draw.uniform(0, took))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        checkout.check()
    publish()
    assert whole(checkout.root) == checkout.new


def test_publishers_wait_for_one_another(checkout):
    for _ in range(2):
        checkout.restore()
        children = [forked(publish) for _ in range(3)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
        assert whole(checkout.root) == checkout.new


def test_a_readme_with_one_marker_is_refused_and_stays(place):
    for text in (
        BEGIN,
        END,
        "",
        END + BEGIN,
    ):
        (place / "README.md").write_text(text)
        with pytest.raises(ReplicateError, match="expected each once, in this order"):
            tables.update_readme(place / "README.md", paths.published())
        assert (place / "README.md").read_text() == text


def test_a_packing_that_ends_at_any_step_is_none_or_whole(tiny):
    whole = packed.load(tiny, "train", 16, progress=False)
    step, status = 0, 9
    while status == 9:
        step += 1
        shutil.rmtree(paths.data() / "packed")
        child = forked(lambda: packed.load(tiny, "train", 16, progress=False), ending_at(step))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        again = packed.load(tiny, "train", 16, progress=False)
        assert again.passport == whole.passport
        assert len(list((paths.data() / "packed").glob("tiny-train-16-*"))) == 1
    assert status == 0 and step > 8
