"""A command line in this process, through the real entry point: no second import of torch."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import pytest
import torch

from replicate import cli


class Ended(NamedTuple):
    """How a command ended: what a shell sees."""

    status: int
    out: str
    err: str


def replicate(*words: object) -> Ended:
    """Runs `replicate` with these words."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(sys, "argv", ["replicate", *map(str, words)])
        cli.main()
    torch.use_deterministic_algorithms(False)  # which a training switches on
    code = ended.value.code
    if isinstance(code, str):  # as Python itself does at the end of a process
        return Ended(1, out.getvalue(), f"{err.getvalue()}{code}\n")
    return Ended(code or 0, out.getvalue(), err.getvalue())
