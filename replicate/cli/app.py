"""A command line whose help names kinds of values in words, not by the types of Python."""

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

WORDS = {
    "<bool>": "", "<str>": "TEXT", "<int>": "N", "<int range>": "N", "<float>": "NUMBER",
    "<path>": "PATH", "<list[str]>": "TEXT", "<list[Path]>": "PATH",
}  # fmt: skip


class _Worded:
    def get_params(self, ctx: Any) -> list:
        """The parameters, whose kinds typer would print as `<bool>` or `<list[str]>`."""
        params = super().get_params(ctx)
        for param in params:
            if hasattr(param, "display_type_rich") and not hasattr(param, "in_words"):
                param.in_words, shown = True, param.display_type_rich(ctx=ctx)
                param.display_type_rich = lambda ctx, shown=shown: WORDS.get(shown, shown)
        return params


class Command(_Worded, TyperCommand):
    """A command."""


class Group(_Worded, TyperGroup):
    """A group of commands."""


class App(typer.Typer):
    """The whole command line, or a group of it: without a word it shows its help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(cls=Group, no_args_is_help=True, **options)

    def command(self, *names: str, **options: Any):
        """As of typer."""
        return super().command(*names, **{"cls": Command, **options})
