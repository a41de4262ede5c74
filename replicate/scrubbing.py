"""What an executed notebook tells of the machine that it ran on, taken out to be published."""

import getpass
import re
import socket
from contextlib import suppress

from nbformat import NotebookNode

# Two names at least, so that a lone "/" between words, a closing tag and an address are none.
PATH = re.compile(r"(?:(?<![\w.:/<~])|(?<=file://)|~)(?:/[^\s/<>\"'`|:;,)\\]+){2,}/?")
WINDOWS = re.compile(r"\b[A-Za-z]:\\+(?:[^\s\\<>\"'|]+\\+)*([^\s\\<>\"'|]*)")
HOST = re.compile(r"(\bon host )[^\s,;)]+|\b[\w.-]+@[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+")
EVERYBODYS = {"root", "user", "jovyan", "localhost"}  # names that tell nothing
PICTURES = ("image/png", "image/jpeg")  # base64
ELLIPSIS = "…"


def scrub(notebook: NotebookNode) -> NotebookNode:
    """The notebook, in place, without paths, user and host names of the machine in its outputs.

    What cells wrote to stderr goes whole: bars, times and warnings, which name files. In the rest
    of the text a path keeps its last part. The names of this machine and of its user go where they
    are words, unless the cells themselves hold them.
    """
    told = "\n".join(cell.source for cell in notebook.cells)
    names = [name for name in _names() if not re.search(_word(name), told)]
    for part in (notebook, *notebook.cells):
        part.metadata.pop("papermill", None)  # times, and folders of this machine
    for cell in notebook.cells:
        if "outputs" not in cell:
            continue
        cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        for output in cell.outputs:
            if "text" in output:
                output.text = _without(output.text, names)
            for kind, value in output.get("data", {}).items():
                if kind not in PICTURES and isinstance(value, str):
                    output.data[kind] = _without(value, names)
    return notebook


def _names() -> set[str]:
    """What this machine and its user are called, in full and in short."""
    found = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    with suppress(KeyError, OSError):  # a user without a name, as in some containers
        found.add(getpass.getuser())
    return {name for name in found if len(name) > 2} - EVERYBODYS


def _word(name: str) -> str:
    return rf"(?<![\w-]){re.escape(name)}(?![\w-])"


def _without(text: str, names: list[str]) -> str:
    text = PATH.sub(lambda hit: f"{ELLIPSIS}/{hit[0].rstrip('/').rpartition('/')[2]}", text)
    text = WINDOWS.sub(rf"{ELLIPSIS}/\1", text)
    text = HOST.sub(lambda hit: f"{hit[1] or ''}{ELLIPSIS}", text)
    for name in names:
        text = re.sub(_word(name), ELLIPSIS, text)
    return text
