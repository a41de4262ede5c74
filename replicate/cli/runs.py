"""Commands about methods and runs: methods, params, train, runs."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Budget, DataSet, Device, Json, Offline, method_names, say, show
from replicate.cli.terminal import entries, lines, table
from replicate.errors import ReplicateError, unknown


def methods(as_json: Json = False) -> None:
    """The methods, their variants and their papers."""
    from replicate.lab import method_list

    records, left_out = method_list.describe()
    for why in left_out:
        say(f"left out: {why}", file=sys.stderr)
    if as_json:
        show(records)
        return
    listed = [
        (s["method"], [s["summary"], f"variants: {', '.join(s['variants'])}"]) for s in records
    ]
    entries(listed, "method: name, authors, venue; variants")


def params(
    method: Annotated[
        str,
        typer.Argument(
            help="METHOD, or METHOD:VARIANT for one alone.", autocompletion=method_names
        ),
    ],
    as_json: Json = False,
) -> None:
    """Trainable parameters of one network of each kind, for every variant, at the paper's sizes."""
    from replicate.lab.run import parameter_counts
    from replicate.methods import METHODS

    method, _, variant = method.partition(":")
    known = METHODS[method].VARIANTS
    if variant and variant not in known:
        raise unknown(f"variant of {method}", variant, known)
    counts = {v: parameter_counts(method, v) for v in ([variant] if variant else known)}
    if as_json:
        show({"method": method, "variants": counts})
        return
    kinds = list(dict.fromkeys(kind for networks in counts.values() for kind in networks))
    rows = [
        (name, *(f"{networks[kind]:,}" if kind in networks else "-" for kind in kinds))
        for name, networks in counts.items()
    ]
    table(("variant", *(f">{kind}" for kind in kinds)), rows, more="--json has all")


def train(
    method: Annotated[
        str, typer.Argument(help="METHOD[:VARIANT][+KEY=VALUE,...].", autocompletion=method_names)
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings, as by --set.")
    ] = None,
    data: DataSet = "horse2zebra_drawn",
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the run.")] = 0,
    budget: Budget = "smoke",
    iterations: Annotated[
        int | None, typer.Option(help="Squeeze the schedule into so many steps.")
    ] = None,
    continue_from: Annotated[
        str, typer.Option(help="Begin with the weights of this run, as a run of its own.")
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
    device: Device = "cpu",
    retrain: Annotated[bool, typer.Option(help="Set a stale run aside, train it anew.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait while another process trains this run.")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write a log for TensorBoard, too.")
    ] = False,
    offline: Offline = False,
) -> None:
    """Trains a run, or goes on where it was, and scores it. Asking again changes nothing."""
    from replicate import records
    from replicate.lab import continuing, ensure, following, make_run

    overrides = dict(split(text) for text in (settings or []) + (more or []))
    if iterations is not None:
        overrides["iterations"] = iterations
    if continue_from:
        overrides[continuing.FIELD] = _start(continue_from)
    run = make_run(method, data, seed, budget, overrides)
    if iterations is not None and not continue_from and (remark := continuing.told(run)):
        say(remark, file=sys.stderr)
    with following.tensorboard(run.folder) if tensorboard else nullcontext():
        ensure(run, device, retrain, offline, wait)
    lines(_scores(run), more=f"{run.folder / records.SCORES} has all", file=sys.stderr)
    say(run.folder)


def _scores(run) -> str:
    """What a run was scored, as a table; and why a score is missing."""
    import pandas as pd

    from replicate import records
    from replicate.report.tables import to_markdown

    table = pd.read_csv(run.folder / records.SCORES)
    made = table[table["value"].notna()]
    shown = made[["direction", "metric", "protocol", "value", "floor", "do_nothing"]]
    left = sorted(set(table["protocol"]) - set(made["protocol"]))
    rest = f"\nnot computed: {', '.join(left)}" if left else ""
    numbers = shown.map(lambda cell: f"{cell:.4g}" if isinstance(cell, float) else cell)
    return to_markdown(numbers.replace("nan", "")) + rest


def _start(name: str) -> str:
    """What a run that begins with the weights of another says of it."""
    from replicate.lab import continuing
    from replicate.weights.finding import find

    weights = find(name)
    if not weights.is_run:
        raise ReplicateError(
            f"--continue-from {name}: a file of weights, which holds no discriminators; expected a "
            "run of this machine"
        )
    return continuing.mark(weights.path)


def split(text: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if not equals:
        raise ReplicateError(f"--set {text!r}: expected KEY=VALUE, e.g. --set lambda_cyc=5.0")
    return key.strip(), value.strip()


def start_runs(
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[-- SNAKEMAKE...]", help="Options for Snakemake.")
    ] = None,
    budget: Budget = "smoke",
    profile: Annotated[str, typer.Option(help="local, slurm, or a folder of your own.")] = "local",
    notebook: Annotated[
        list[str] | None,
        typer.Option(help="A notebook, e.g. 02_aggan; repeat it for more. Default: all."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, e.g. 0,1,2; default: the notebooks'.")] = "",
    datasets: Annotated[
        str, typer.Option(help="Only these sets of the grid; with --notebook, any sets.")
    ] = "",
    params: Annotated[
        Path | None,
        typer.Option(help="Folder of NOTEBOOK.yaml files; default: notebooks/params/BUDGET."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Runs at a time; 0: as the profile says.")] = 0,
    gpus: Annotated[
        int | None, typer.Option(min=0, help="GPUs at a time, one a run; default: for cuda, all.")
    ] = None,
    retrain: Annotated[bool, typer.Option(help="Set stale runs aside, train them anew.")] = False,
    draw: Annotated[bool, typer.Option(help="Execute whole notebooks, too.")] = True,
    again: Annotated[bool, typer.Option(help="Try again where a loss was not finite.")] = False,
    offline: Offline = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Trains all runs of a budget, executes its notebooks, on one machine or a cluster."""
    from replicate.lab.budget_grid import pages
    from replicate.lab.engine import start
    from replicate.lab.graph import Options

    notebooks = pages(budget, notebook or (), seeds, datasets, params)
    how = Options(
        profile, jobs, gpus, retrain, again, offline, draw, dry=dry_run, more=more or (),
        summary=not (notebook or seeds or datasets or params),
    )  # fmt: skip
    if not start(notebooks, how):
        raise typer.Exit(1)


start_runs.command_name = "runs"
