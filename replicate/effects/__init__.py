"""What each choice of a protocol does to a number: everything behind `00_protocol.ipynb`.

`ladder` makes translations of known quality, `studies` holds them with their features, `scoring`
and `order` apply every protocol, `choices` and `dispersion` vary one thing at a time, `papers` and
`libraries` say what stands beside it, `figures` draws.
"""

from replicate.effects.checking import check
from replicate.effects.choices import counts, jpeg, resizes
from replicate.effects.dispersion import spreads
from replicate.effects.libraries import parity
from replicate.effects.papers import comparisons, printed
from replicate.effects.scoring import reasons, scores, table
from replicate.effects.studies import study

__all__ = [
    "check",
    "comparisons",
    "counts",
    "jpeg",
    "parity",
    "printed",
    "reasons",
    "resizes",
    "scores",
    "spreads",
    "study",
    "table",
]
