"""The runs of `make replicate`: one seed of a few arms, as `data/quick.toml` lists them."""

from pydantic import Field, model_validator

from replicate import documents, paths, settings
from replicate.datasets import spec
from replicate.lab.parameters import Asked, seeds_of
from replicate.lab.run import Run, make_run


class Quick(Asked):
    """Methods x seeds on each data set, at one budget."""

    methods: dict[str, list[str]] = Field(min_length=1)  # data set: METHOD or METHOD:VARIANT
    seeds: list[settings.Seed] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_exist(self) -> "Quick":
        for dataset in self.methods:
            spec.spec(dataset)
        self.runs()
        return self

    def runs(self) -> list[Run]:
        """Every run asked for: data set by data set, method by method."""
        return [
            make_run(name, dataset, seed, self.budget)
            for dataset, names in self.methods.items()
            for name in names
            for seed in self.seeds
        ]


def quick(budget: str = "laptop", seeds: str = "") -> Quick:
    """The runs of `data/quick.toml`.

    Args:
        seeds: others than those in the file, such as "0,1".

    Raises:
        UnknownName: a budget, method, variant or data set that does not exist.
        ReplicateError: a value of the wrong type.
    """
    file = paths.quick()
    given = documents.read_toml(file) | {"budget": budget}
    if seeds:
        given["seeds"] = seeds_of(seeds)
    return documents.validated(Quick, given, paths.shown(file))
