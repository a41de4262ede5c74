"""Tables and plots of all runs of a budget on this machine: the last job but the summary.

python -m replicate.report.drawing laptop
"""

import sys

from replicate import paths
from replicate.report import plots, tables

if __name__ == "__main__":
    (budget,) = sys.argv[1:]
    for file in tables.write(paths.results(), budget):
        print(file)
    for file in plots.write(paths.results(), budget):
        print(file)
