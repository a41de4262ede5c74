"""What keeps a notebook from being committed as a source."""

import json
from pathlib import Path

from replicate.datasets.layouts import shown

KERNEL = "Python 3 (ipykernel)"  # JupyterLab puts it into every notebook that it saves


def source_problems(path: Path) -> list[str]:
    """One line for each thing that a source notebook must not hold; none where it is clean.

    Outputs belong into the executed copies: in a source they hide what changed in every diff.
    """
    notebook, name = json.loads(path.read_text(encoding="utf-8")), shown(path)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = []
    if any(cell["outputs"] or cell["execution_count"] is not None for cell in code):
        found.append(f"{name} holds outputs; run 'make strip'.")
    metadata = [notebook["metadata"], *(cell["metadata"] for cell in notebook["cells"])]
    if any("papermill" in entry for entry in metadata):
        found.append(f"{name} is an executed copy (papermill's metadata); restore the source.")
    spec = notebook["metadata"].get("kernelspec", {})
    kernel = spec.get("name")
    if kernel != "python3":
        found.append(f"{name} asks for the kernel {kernel!r}, expected 'python3'; set it.")
    elif spec.get("display_name") != KERNEL:
        title = spec.get("display_name")
        found.append(f"{name} calls its kernel {title!r}, expected {KERNEL!r} as JupyterLab does.")
    return found
