"""What users read is in plain words; the README is a page, and its facts are those of the files."""

import ast
import json
import re
from collections.abc import Iterator

import typer
import yaml
from support.repository import MARKDOWN

from replicate import cli, paths, reported

# What this project once called things, by what a stranger understands. Names of sets and options
# stay: `horse2zebra_drawn`, `--draw`.
UNSAID = {
    r"(?<![-_])\bdrawn (horse|zebra|image|data|set|shape|animal|scene)s?\b": "synthetic",
    r"\bis drawn, not downloaded\b|\bthis one is drawn\b": "synthetic",
    r"\bseeds? 00\d\b": "source document 3",
    r"\bseed documents?\b": "source document",
    r"\bseed noise\b": "undecided; the scatter between random seeds",
    r"\bnot attempted\b": "not run; not implemented",
    r"\breachable source\b|\b(text|source|tables?|pages?) within reach\b": "we could not access it",
    r"\ba case for the paper budget\b": "needs budget paper",
}
# Words with a meaning of their own here: they stand in the list of docs/numbers.md, each once.
KEPT = (
    "arm", "budget", "ceiling", "do nothing", "floor", "passport", "power", "preflight", "protocol",
    "record", "source document", "stale", "stand-in", "synthetic",
)  # fmt: skip
README = (paths.ROOT / "README.md").read_text("utf-8")
LENGTH = 900  # words before the reference


def documents() -> Iterator[tuple[str, str]]:
    """Texts of the repository that users read, by where they stand."""
    files = [paths.ROOT / name for name in MARKDOWN if name != "CHANGELOG.md"]  # it names both
    files += [*(paths.ROOT / "data").rglob("*.toml"), paths.ROOT / "data" / "datasets.yaml"]
    for file in [*files, *(paths.published() / "tables").rglob("*.md")]:
        yield str(file.relative_to(paths.ROOT)), file.read_text("utf-8")
    for file in paths.notebooks().glob("*.ipynb"):
        for cell in json.loads(file.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "markdown" or "parameters" in cell["metadata"].get("tags", ()):
                yield file.name, "".join(cell["source"])


def helps() -> Iterator[tuple[str, str]]:
    """What `--help` says of every command, argument and option."""
    waiting = [("replicate", typer.main.get_command(cli.app))]
    while waiting:
        name, command = waiting.pop()
        options = [getattr(param, "help", "") or "" for param in command.params]
        yield f"{name} --help", "\n".join([command.help or "", *options])
        waiting += [(f"{name} {k}", v) for k, v in getattr(command, "commands", {}).items()]


def spoken() -> Iterator[tuple[str, str]]:
    """The texts in the code but docstrings: errors, notes, titles."""
    for file in sorted((paths.ROOT / "replicate").rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and id(node) not in silent:
                yield f"{file.relative_to(paths.ROOT)}, line {node.lineno}", text


def unsaid(text: str) -> list[str]:
    """The invented words in a text, each with what to say instead."""
    flat = " ".join(text.split())
    hits = [(re.search(pattern, flat, re.I), plain) for pattern, plain in UNSAID.items()]
    return [f"{hit[0]!r}: say {plain!r}" for hit, plain in hits if hit]


def test_what_users_read_is_in_plain_words():
    texts = [*documents(), *helps(), *spoken()]
    assert len(texts) > 2000 and any(name == "replicate data list --help" for name, _ in texts)
    assert [(name, words) for name, text in texts if (words := unsaid(text))] == []


def test_an_invented_word_is_found_over_the_end_of_a_line():
    assert unsaid("on drawn\nhorses") == ["'drawn horses': say 'synthetic'"]
    assert unsaid("horse2zebra_drawn images; weights drawn from N(0, 1); seed 0") == []
    assert len(unsaid("Seed 003 was not attempted: in no reachable source")) == 3


def test_words_with_a_meaning_of_their_own_are_defined_once():
    page = (paths.ROOT / "docs" / "numbers.md").read_text("utf-8")
    defined = re.findall(r"^\| \*\*(.+?)\*\* \|", page.partition("\n## Words\n")[2], re.M)
    assert tuple(defined) == KEPT
    texts = " ".join(text for _, text in [*documents(), *helps(), *spoken()]).lower()
    assert [word for word in KEPT if texts.count(word) < 3] == []


# The README


def words(markdown: str) -> list[str]:
    """What a reader reads: no comments, addresses of links, bars of tables."""
    text = re.sub(r"<!--.*?-->", " ", markdown, flags=re.S)
    text = re.sub(r"\]\([^)]*\)", " ", text)
    return [word for word in text.split() if re.search(r"\w", word)]


def test_the_readme_is_a_page_before_its_reference():
    page, heading, _ = README.partition("\n## Reference\n")
    assert heading and len(words(page)) < LENGTH
    assert words("<!-- a b -->| [one two](three/four) | - |\n|---|\n`five`") == [
        "[one", "two", "`five`",
    ]  # fmt: skip


def test_the_readme_names_the_papers_as_their_tables_do():
    for key in sorted(reported.keys()):
        paper = reported.load(key)
        name, _, rest = paper.title.partition(": ")
        assert (rest or name) in README, key
        if re.match(r"\d", paper.arxiv):
            assert f"](https://arxiv.org/abs/{paper.arxiv.partition('v')[0]})" in README, key


def test_the_readme_cites_what_the_citation_file_does():
    cited = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text("utf-8"))
    entry = dict(re.findall(r"^  (\w+) += \{+(.*?)\}+,?$", README, re.M))
    authors = " and ".join(author["name"] for author in cited["authors"])
    assert entry == {"title": cited["title"], "author": authors, "version": cited["version"]}
    project = (paths.ROOT / "pyproject.toml").read_text("utf-8")
    assert f'\nversion = "{cited["version"]}"\n' in project


def test_the_readme_clones_from_the_address_on_record():
    cited = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text("utf-8"))
    address = cited.get("repository-code", "<address of this repository>")
    assert f"    git clone {address} replicate && cd replicate\n" in README
