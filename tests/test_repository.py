"""What the committed files must not hold, and that the commands which they name exist."""

import functools
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer
from support.repository import MARKDOWN

from replicate import cli, paths

# A person's folders (tests call theirs "someone"), and addresses of package registries: the lock
# file works with any of them.
PATTERNS = {
    "a home folder": r"(?<!\w)/(?:(?:home|Users)/(?!someone\b)[\w.-]+|(?:root)/)",
    "a Windows folder": r"\b[A-Z]:\\+(?:Users|Documents)",
    "a registry": r"\b(?:files\.)?(?:pythonhosted|pypi|anaconda)\.(?:org|com)\b|repo\.anaconda",
    "an index option": r"index-url[= ]+https?:",
}
if len(paths.ROOT.parts) > 2:  # else too short a text to mean only this checkout
    PATTERNS["this checkout's place"] = re.escape(str(paths.ROOT))


@functools.cache
def tracked() -> list[Path]:
    command = ["git", "-C", str(paths.ROOT), "ls-files", "--cached", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    files = [paths.ROOT / name for name in listed.split("\0") if name]
    return [file for file in files if file.is_file()]


def found(text: str) -> list[str]:
    """Which patterns a text holds, with the place of the first."""
    hits = {name: re.search(pattern, text) for name, pattern in PATTERNS.items()}
    return [
        f"line {text.count(chr(10), 0, hit.start()) + 1}: {name}, {hit.group()}"
        for name, hit in hits.items()
        if hit
    ]


def test_no_tracked_file_names_a_machine_or_a_registry():
    hits = {}
    for file in tracked():
        content = file.read_bytes()
        if b"\0" not in content and (inside := found(content.decode("utf-8"))):
            hits[str(file.relative_to(paths.ROOT))] = inside
    assert hits == {}


@pytest.mark.parametrize(
    "parts, name",
    [
        (("see /home", "/me/data"), "a home folder"),
        (("/Users", "/me"), "a home folder"),
        (("cd /roo", "t/x"), "a home folder"),
        (("C:", "\\Users\\me"), "a Windows folder"),
        (("https://files.python", "hosted.org/x"), "a registry"),
        (("py", "pi.org"), "a registry"),
        (("--extra-index-url ", "https://x"), "an index option"),
    ],
)
def test_each_pattern_can_be_found(parts, name):
    (hit,) = found("first\n" + "".join(parts))
    assert hit.startswith(f"line 2: {name}")
    assert found("make lock --no-emit-index-url; network/home/x; results/root") == []


def test_no_tracked_file_is_large_or_made_by_a_tool():
    names = [str(file.relative_to(paths.ROOT)) for file in tracked()]
    junk = re.compile(r"(^|/)(__pycache__|\.ipynb_checkpoints|\.snakemake|\.venv)/|\.pt$|\.npy$")
    assert [name for name in names if junk.search(name)] == []
    assert [str(file) for file in tracked() if file.stat().st_size > 5e6] == []


# Commands


def documents() -> dict[str, str]:
    """Texts that tell users what to type, by name."""
    files = [paths.ROOT / name for name in MARKDOWN]
    files += [*paths.notebooks().rglob("*.ipynb"), *paths.notebooks().rglob("*.yaml")]
    files += [*(paths.ROOT / "replicate").rglob("*.py")]
    return {str(f.relative_to(paths.ROOT)): f.read_text("utf-8") for f in files if f.is_file()}


def commands(text: str) -> list[str]:
    """What follows `replicate` on an indented line, or in backticks or quotes, comments cut off."""
    lines = re.findall(r"^(?: {4})?(?:\.venv/bin/)?replicate ([a-z-][^\n]*)$", text, re.M)
    inline = re.findall(
        r"[`'](?:[A-Z_]+=\S+ )?(?:\.venv/bin/)?replicate ([a-z-][^`'\n]*)[`']", text
    )
    return [re.split(r"\s#|\\n", line)[0].strip() for line in lines + inline]


def problem(line: str) -> str | None:
    """What is wrong with a command line: no such command, or no such option."""
    node, words = typer.main.get_command(cli.app), shlex.split(line)
    while hasattr(node, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in node.commands:
            return f"replicate {line}: no command {name!r}"
        node = node.commands[name]
    known = {option for param in node.params for option in param.opts} | {"--help"}
    words = words[: words.index("--")] if "--" in words else words  # the rest is another program's
    wrong = [word for word in words if word.startswith("--") and word not in known]
    return f"replicate {line}: no option {wrong[0]}" if wrong else None


def test_every_command_that_users_are_told_exists():
    named = {name: commands(text) for name, text in documents().items()}
    assert sum(map(len, named.values())) > 15 and "README.md" in named
    wrong = {name: [p for line in lines if (p := problem(line))] for name, lines in named.items()}
    assert {name: lines for name, lines in wrong.items() if lines} == {}


def test_a_wrong_command_is_found():
    text = "    replicate trian aggan  # why\nAsk `replicate data list --jsn`, or `.venv/bin/\n"
    assert [problem(line) for line in commands(text)] == [
        "replicate trian aggan: no command 'trian'",
        "replicate data list --jsn: no option --jsn",
    ]
    assert problem("data get cats_dogs --from PATH/cats_dogs.zip") is None
    assert problem("--help") is None


def test_make_calls_commands_that_exist_and_documents_targets_that_exist():
    makefile = (paths.ROOT / "Makefile").read_text()
    called = re.findall(r"-m replicate\.cli ([a-z-]+)", makefile)
    assert called and [p for line in called if (p := problem(line))] == []
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    told = {
        target
        for name in MARKDOWN
        for target in re.findall(r"(?:^ {4}|`)make ([a-z]+)", documents()[name], re.M)
    }
    assert {"replicate", "test"} <= told <= targets


LINK = re.compile(r"\]\(([^)]*)\)")
ADDRESS = re.compile(r"https://[a-z0-9.-]+\.[a-z]+(/[\w.~-]+)*/?")


def anchors(file: Path) -> set[str]:
    """What GitHub calls the headings of a Markdown file."""
    heads = re.findall(r"^#+ (.+)$", file.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def wrong_link(link: str, file: Path) -> str | None:
    """What is wrong with a link of a Markdown file: no address, no such file, no such heading."""
    place, _, anchor = link.partition("#")
    if re.match(r"[a-z]+:", link):
        return None if ADDRESS.fullmatch(link) else f"{link}: no address"
    target = file.parent / place if place else file
    if not target.exists():
        return f"{link}: no such file"
    if anchor and anchor not in anchors(target):
        return f"{link}: no such heading"
    return None


@pytest.mark.parametrize("name", MARKDOWN)
def test_what_a_document_links_to_is_there(name):
    file = paths.ROOT / name
    links = LINK.findall(file.read_text())
    if not any(paths.published().rglob("*.md")):  # nothing is published yet
        links = [link for link in links if "results/published" not in link]
    assert [wrong for link in links if (wrong := wrong_link(link, file))] == []


def test_a_wrong_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A page: of one\n")
    for link in ("page.md", "#a-page-of-one", "page.md#a-page-of-one", "https://arxiv.org/abs/1.2"):
        assert wrong_link(link, page) is None
    assert wrong_link("pages.md", page) == "pages.md: no such file"
    assert wrong_link("page.md#two", page) == "page.md#two: no such heading"
    for link in ("http://arxiv.org", "https://arxiv", "https://a.org/x y"):
        assert wrong_link(link, page) == f"{link}: no address"
