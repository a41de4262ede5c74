"""What each choice of a protocol does to a number: everything behind `00_protocol.ipynb`.

`ladder` makes translations of known quality, `studies` holds them with their features, `scoring`
and `order` apply every protocol, `choices` and `dispersion` vary one thing at a time, `papers` and
`libraries` say what stands beside it, `real_network` looks at photographs, `figures` draws.
"""

from replicate.studies.effects.choices import counts, jpeg, resizes, spreads
from replicate.studies.effects.degradations import real_network
from replicate.studies.effects.libraries import comparisons, parity, printed
from replicate.studies.effects.scoring import check, reasons, scores, table
from replicate.studies.effects.studies import study

__all__ = [
    "check",
    "comparisons",
    "counts",
    "jpeg",
    "parity",
    "printed",
    "real_network",
    "reasons",
    "resizes",
    "scores",
    "spreads",
    "study",
    "table",
]
