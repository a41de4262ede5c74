"""What the plots of the notebook share: legend, title and note."""

from matplotlib.lines import Line2D

from replicate.plots.picture import Picture

MARKERS = ("o", "s", "^", "D", "v")
TITLE, HEADING, NOTE = 34, 62, 26  # px over and under the axes; the heading has a legend too


def legend(picture: Picture, entries: dict[str, tuple]) -> None:
    """Markers by name, below the title."""
    lines = [
        Line2D([], [], color=colour, marker=marker, ls="", label=name)
        for name, (colour, marker) in entries.items()
    ]
    height = picture.get_figheight() * picture.dpi
    picture.legend(
        handles=lines, loc="upper left", ncols=len(lines), fontsize=9, frameon=False,
        bbox_to_anchor=(0.0, 1 - 24 / height),
    )  # fmt: skip


def finish(picture: Picture, title: str, note: str = "") -> None:
    """A title over the whole, a note under it, and the axes between."""
    height = picture.get_figheight() * picture.dpi
    picture.text(0.01, 1 - 8 / height, title, fontsize=10, va="top", weight="bold")
    picture.text(0.01, 8 / height, note, fontsize=8, va="bottom")
    top = HEADING if picture.legends else TITLE
    picture.tight_layout(rect=(0, NOTE / height, 1, 1 - top / height))
