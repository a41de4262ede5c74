"""Commands about methods and runs: methods, params, train, status, all."""

import subprocess
import sys
from typing import Annotated

import typer

from replicate.cli.common import Budget, Device, Json, Offline, show
from replicate.errors import ReplicateError, unknown


def methods(as_json: Json = False) -> None:
    """The methods, their variants and their papers."""
    from replicate.methods import METHODS

    found = [
        {
            "method": name,
            "variants": list(method.VARIANTS),
            "paper": method.paper,
            "summary": (sys.modules[method.__module__].__doc__ or "").strip().split("\n")[0],
        }
        for name, method in METHODS.items()
    ]
    if as_json:
        show(found)
        return
    for each in found:
        print(f"{each['method']:<12} {each['summary']}\n{'':12} {', '.join(each['variants'])}")


def params(
    method: Annotated[str, typer.Argument(help="METHOD, or METHOD:VARIANT for one alone.")],
    as_json: Json = False,
) -> None:
    """Trainable parameters of one network of each kind, for every variant, at the paper's sizes."""
    from replicate.experiment.run import parameter_counts
    from replicate.methods import METHODS

    method, _, variant = method.partition(":")
    known = METHODS[method].VARIANTS
    if variant and variant not in known:
        raise unknown(f"variant of {method}", variant, known)
    counts = {v: parameter_counts(method, v) for v in ([variant] if variant else known)}
    if as_json:
        show({"method": method, "variants": counts})
        return
    width = max(map(len, counts))
    for name, networks in counts.items():
        print(f"{name:<{width}}", *(f"{kind} {n:,}" for kind, n in networks.items()), sep="  ")


def train(
    method: Annotated[str, typer.Argument(help="METHOD or METHOD:VARIANT.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
    data: Annotated[str, typer.Option(help="A data set.")] = "horse2zebra_drawn",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    budget: Budget = "smoke",
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Squeeze the schedule into so many steps.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
    device: Device = "cpu",
    retrain: Annotated[bool, typer.Option(help="Set a stale run aside, train it anew.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait for another process at this run.")] = False,
    offline: Offline = False,
) -> None:
    """Trains a run, or goes on where it was, and scores it. Asking again changes nothing."""
    from replicate.experiment import ensure, make_run

    overrides = dict(_split(text) for text in (settings or []) + (more or []))
    if iterations is not None:
        overrides["iterations"] = iterations
    run = make_run(method, data, seed, budget, overrides)
    ensure(run, device, retrain, offline, wait)
    print(run.folder)


def _split(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ReplicateError(f"--set {text!r}: expected KEY=VALUE, e.g. --set lambda_cyc=5.0")
    return key.strip(), value.strip()


def status(as_json: Json = False) -> None:
    """The runs on this machine: state, iterations done, seconds since the last sign of life."""
    from replicate import paths
    from replicate.experiment.publish import find_runs
    from replicate.experiment.status import describe

    found = [describe(folder) for folder in find_runs(paths.results())]
    if as_json:
        show(found)
        return
    for each in found:
        done = f"{each['iteration']}/{each['iterations']}"
        beat = f"{each['heartbeat_seconds']:.0f} s ago"
        print(f"{each['state']:<9} {done:>15}  {beat:>12}  {each['title']}")
    if not found:
        print(f"no runs in {paths.results()}; `replicate train` starts one")


def replicate_all(
    budget: Budget = "laptop",
    notebook: Annotated[
        str, typer.Option(help="A notebook's stem; default: the eight runs of data/quick.toml.")
    ] = "",
    seeds: Annotated[str, typer.Option(help="Seeds, e.g. 0,1,2; default: the file's.")] = "",
    datasets: Annotated[
        str, typer.Option(help="Data sets of the notebook; default: its own.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Runs at a time; 0: as many as cores.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Trains what is missing, executes the notebook, prints the numbers beside the published."""
    if not notebook:
        from replicate.cli.quick import train_quick

        if datasets or budget == "paper":
            raise ReplicateError(
                f"--{f'datasets {datasets}' if datasets else 'budget paper'} needs a notebook: "
                "--notebook 02_aggan"
            )
        return train_quick(budget, seeds, jobs, dry_run)
    from replicate import paths
    from replicate.experiment import workflow

    params = workflow.asked(notebook, budget, seeds, datasets)
    jobs = jobs or workflow.cores()
    print(workflow.describe(params, jobs), flush=True)
    if dry_run:
        return
    command = workflow.command(notebook, budget, jobs, seeds, datasets)
    if subprocess.run(command).returncode:
        raise ReplicateError(
            "a job failed; its log is named above. The same command goes on where it was"
        )
    if not params.runs():
        print(f"executed notebook: {paths.results() / 'notebooks' / budget / notebook}.ipynb")
        return
    from replicate.cli.report import print_beside

    print_beside(params)


replicate_all.command_name = "all"
