"""What papers say in words, tried on measured scores by a stated rule; nobody types a verdict.

`entries` reads `data/claims.toml`, `rule` is the statistics, `judging` sets both on scores,
`prediction` says whether a new seed is what the published ones foretell.
"""

from replicate.report.claims.entries import Claim, Design, designs, every, of_paper, parse
from replicate.report.claims.judging import elsewhere, judged, verdicts
from replicate.report.claims.prediction import foretold, lines, published_intervals, untried
from replicate.report.claims.rule import PAIRS, RULE, VERDICTS

__all__ = [
    "PAIRS",
    "RULE",
    "VERDICTS",
    "Claim",
    "Design",
    "designs",
    "elsewhere",
    "every",
    "foretold",
    "judged",
    "lines",
    "of_paper",
    "parse",
    "published_intervals",
    "untried",
    "verdicts",
]
