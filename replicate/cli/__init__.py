"""The command line, thin over the library; heavy imports wait until a command needs them."""

import sys
from typing import Annotated

import typer

import replicate
from replicate import paths
from replicate.cli import (
    data,
    health,
    metrics,
    planning,
    preference,
    replicating,
    report,
    runs,
    streams,
    translate,
    weights,
)
from replicate.cli.app import App
from replicate.cli.common import say
from replicate.errors import ReplicateError, hidden, printable

INTERRUPTED = 130  # the status after a Ctrl-C
STOPPED = "stopped; what was finished is saved, and the same command goes on from there"

app = App(
    pretty_exceptions_enable=False,
    help="Five papers on attention-guided image-to-image translation, replicated.",
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"replicate {replicate.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Five papers on attention-guided image-to-image translation, replicated."""


app.add_typer(data.app, name="data")
app.add_typer(preference.app, name="preference")
app.add_typer(weights.app, name="weights")
for command in (
    runs.methods, runs.params, runs.train, runs.start_runs, replicating.replicate_all,
    planning.preflight, planning.plan, planning.status,
    metrics.score, metrics.diversity, metrics.protocols,
    report.tables, report.publish, report.report, report.doctor, health.health,
    translate.translate, weights.score_released,
):  # fmt: skip
    app.command(name=getattr(command, "command_name", command.__name__))(command)


def main() -> None:
    """Runs a command; bad input ends with one line on stderr and exit status 1."""
    streams.survive_closed_pipes()
    try:
        app(prog_name="replicate")
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            say(STOPPED, file=sys.stderr)
        raise
    except ReplicateError as error:
        sys.exit(f"error: {printable(hidden(str(error)))}")
    except OSError as error:
        if not (refused := paths.refusal(error)):
            raise
        sys.exit(f"error: {refused}")
