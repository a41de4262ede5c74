"""Which documents of the repository users read."""

from replicate import paths

MARKDOWN = (
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", "benchmarks/README.md",
    *sorted(f"docs/{file.name}" for file in (paths.ROOT / "docs").glob("*.md")),
)  # fmt: skip
