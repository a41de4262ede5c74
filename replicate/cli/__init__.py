"""The command line, thin over the library; heavy imports wait until a command needs them."""

import sys

import typer

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
from replicate.errors import ReplicateError, hidden, printable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Five papers on attention-guided image-to-image translation, replicated.",
)
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
        app()
    except ReplicateError as error:
        sys.exit(f"error: {printable(hidden(str(error)))}")
    except OSError as error:
        if not (refused := paths.refusal(error)):
            raise
        sys.exit(f"error: {refused}")
