"""`replicate all` without a notebook: a few runs, their plan, and whether they are as foretold."""

import sys

from replicate.cli.common import say
from replicate.errors import ReplicateError


def train_quick(budget: str, seeds: str, jobs: int, dry_run: bool) -> None:
    """Trains the runs of `data/quick.toml` and holds them against the published ones."""
    from replicate import paths
    from replicate.lab import pool
    from replicate.lab.machines import locked
    from replicate.lab.plan import makespan, plan
    from replicate.lab.quick import quick
    from replicate.lab.workflow import cores

    asked, jobs = quick(budget, seeds), jobs or cores()
    say(
        f"{len(asked.runs())} runs at budget {budget}, {jobs} at a time, into {paths.results()}; "
        "timing ten steps of each",
        flush=True,
    )
    planned = plan(asked.runs(), asked.device)
    todo = pool.longest_first(planned)
    for each in [*todo, *(p for p in planned if p not in todo)]:
        say(f"  {each.run.title}: {_todo(each)}")
    say(f"about {makespan(todo, jobs) / 60:.0f} min in all", flush=True)
    if dry_run:
        return
    _refuse_stale([each.run.title for each in planned if each.state == "stale"])
    with locked(paths.results()):
        failed = pool.train_all(todo, jobs, _command)
    if failed:
        named = "; ".join(f"{run.title} ({pool.log(run)})" for run in failed)
        raise ReplicateError(f"failed: {named}. The same command goes on where they were")
    _show(asked)


def _todo(each) -> str:
    if not each.steps:
        return f"{each.state}, no training left"
    ms, minutes = each.per_step * 1e3, each.seconds / 60
    return f"{each.state}, {each.steps} steps of {ms:.0f} ms, about {minutes:.1f} min"


def _command(run) -> list[str]:
    """What trains a run; the stand-in's scores are all that the lines below need."""
    return [
        sys.executable, "-m", "replicate.cli", "train", f"{run.method}:{run.variant}",
        "--data", run.dataset, "--seed", str(run.seed), "--budget", run.budget,
        "--wait", "--offline-metrics",
    ]  # fmt: skip


def _refuse_stale(titles: list[str]) -> None:
    if titles:
        raise ReplicateError(
            f"{'; '.join(titles)}: stale, code or images changed since training. Train anew with "
            "`replicate train METHOD --retrain`, or keep them and set REPLICATE_RESULTS to another "
            "folder"
        )


def _show(asked) -> None:
    """The numbers beside the published ones, then claim by claim whether they were foretold."""
    from replicate import paths
    from replicate.cli.report import print_beside
    from replicate.report import claims, tables

    print_beside(asked, executed=False)
    if asked.budget == "smoke":
        return
    published = tables.scores(paths.published(), asked.budget)
    local, every = tables.of_runs(asked.runs()), claims.every()
    found = claims.foretold(local, published, every)
    page = paths.published() / "tables" / asked.budget / "predictions.md"
    shown = page.relative_to(paths.ROOT) if page.is_relative_to(paths.ROOT) else page
    for line in [*claims.lines(found, str(shown)), *claims.untried(found, local, every)]:
        say(line)
