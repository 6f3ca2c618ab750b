"""Specs of studies: declared sweeps, the table or figure that shows them, and claims about their results.

Invariant: a study is data. It names methods, datasets and quantities as a user types them; running, measuring and
judging it is the same for all studies.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from fwibench.problem import Frozen
from fwibench.specs.base import Declaration
from fwibench.specs.dataset import Profile

Text = Annotated[str, Field(min_length=1)]


class Case(Frozen):
    """One method on one dataset, and its place in the table of the study.

    The place is that of `block`, `row` and `column` together; it is unique in the study.
    """

    row: Text = Field(description="label of the row")
    method: Text = Field(description="one method with options, as in --methods: invlint[embedding=128]")
    dataset: Text = Field(description="one dataset with options, as in --dataset: salt[snr=10]")
    test_on: str = Field(
        default="",
        description="dataset whose test samples the fitted method is scored on, as in --test-on; empty: its own",
    )
    split: str | None = Field(default=None, description="split scheme; None for the first of the dataset")
    block: str = Field(default="", description="heading of a group of rows; empty: the dataset")
    column: str = Field(default="", description="heading of a group of columns; empty if columns are quantities alone")
    x: float | None = Field(default=None, description="position on the horizontal axis of curves")
    budget: float | None = Field(default=None, gt=0, description="time of the fit [s], as --budget; None: the recipe's")
    test_samples: int | None = Field(default=None, ge=1, description="number of test samples; None: the effort's")
    reads: dict[str, str] = Field(
        default_factory=dict, description="key of the record by quantity, where it is another than the quantity's own"
    )

    @property
    def place(self) -> tuple[str, str, str]:
        """Block, row and column."""
        return self.block or self.dataset, self.row, self.column


class Quantity(Frozen):
    """A number that the table shows for each case."""

    key: Text = Field(
        description="a column of the leaderboard such as mae, or `diagnostics.NAME` for a number that methods report"
    )
    title: str = Field(default="", description="heading; empty: that of the leaderboard's column")
    better: Literal["low", "high", ""] = Field(
        default="", description="direction of improvement; empty: that of the leaderboard's column"
    )
    exact: bool = Field(
        default=False, description="whether it is a count without uncertainty, such as a number of parameters"
    )


class PublishedValue(Frozen):
    """A number that a publication prints."""

    block: Text = Field(description="block of its case; by default the dataset")
    row: Text = Field(description="row of its case")
    column: str = Field(default="", description="column of its case")
    quantity: Text = Field(description="key of the quantity")
    value: float = Field(description="the number, in the unit of the quantity")
    source: Text = Field(description="where it is printed, such as 'table 2'")
    rounding: float = Field(default=0.0, ge=0, description="half a unit of the last printed digit; 0 if not stated")
    caveat: str = Field(default="", description="why ours cannot be expected to equal it; empty if it can")

    @property
    def place(self) -> tuple[str, str, str]:
        """Block, row and column of the case."""
        return self.block, self.row, self.column


class Claim(Frozen):
    """A statement about results, which is judged with its uncertainty.

    Kinds, for rows of a block and a quantity:

    - `better`: the first row is better than every row in `others`.
    - `close`: the first row is at most the share `bound` worse than every row in `others`.
    - `best`: the first row is better than all other rows of the block.
    - `ratio`: the value of the first row is at least `bound` times that of each of `others`.
    - `at-least`, `at-most`: the value of the first row is at least or at most `bound`.
    """

    kind: Literal["better", "close", "best", "ratio", "at-least", "at-most"] = Field(
        description="what is stated of the first row"
    )
    text: Text = Field(description="the statement in words")
    source: str = Field(default="", description="where a publication makes it; empty: the study's own question")
    quantity: Text = Field(description="key of the quantity")
    block: Text = Field(description="block of the rows")
    first: Text = Field(description="row that the statement is about")
    others: tuple[str, ...] = Field(default=(), description="rows it is compared with")
    column: str = Field(default="", description="column of the rows")
    bound: float | None = Field(default=None, description="share, factor or limit")

    @model_validator(mode="after")
    def _complete(self) -> Claim:
        if (self.kind in ("better", "close", "ratio")) != bool(self.others):
            raise ValueError(f"a claim of kind {self.kind} {'has no' if self.others else 'needs'} others")
        if (self.kind in ("close", "ratio", "at-least", "at-most")) != (self.bound is not None):
            raise ValueError(f"a claim of kind {self.kind} {'has no' if self.bound is not None else 'needs a'} bound")
        return self


class Effort(Frozen):
    """How much work a profile spends on a study."""

    seeds: int = Field(default=1, ge=1, description="repetitions of methods that have a random seed")
    test_samples: int | None = Field(default=None, ge=1, description="number of test samples; None for all")
    budget: float | None = Field(
        default=None, gt=0, description="time of every fit [s], as --budget; None: the recipe's"
    )
    without: tuple[str, ...] = Field(
        default=(), description="rows of the table that are left out, such as those whose training takes hours"
    )
    settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="options by method, as --set; those of a case take precedence"
    )
    settings_on: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="further options by dataset and method"
    )


class StudySpec(Declaration):
    """Spec of a study."""

    title: Text = Field(description="heading, such as 'Table 2: encoder kernels'")
    collection: str = Field(default="", description="studies that are run together under this name, such as paper")
    cases: tuple[Case, ...] = Field(min_length=1, description="what is run, in the order of the table")
    quantities: tuple[Quantity, ...] = Field(min_length=1, description="what is shown; the first one is drawn")
    published: tuple[PublishedValue, ...] = Field(default=(), description="printed numbers, shown beside ours")
    claims: tuple[Claim, ...] = Field(default=(), description="statements that are judged on the results")
    metrics: tuple[str, ...] = Field(default=(), description="metrics beyond the default ones, as --metrics")
    efforts: dict[Profile, Effort] = Field(default_factory=dict, description="work by profile; missing: one seed")
    figure: str = Field(
        default="bars",
        description="figure: bars, curves, matrix, scatter (measured quantities over the last one), or a kind of "
        "`fwibench figures` such as panels; empty for none",
    )
    row_summary: Literal["", "area", "power-law"] = Field(
        default="",
        description="number for each row of curves: area under the curve divided by the width of its axis, or b of the "
        "power law error = c x^-b",
    )
    x_label: str = Field(default="", description="label of the horizontal axis of curves, with its unit")
    logarithmic: bool = Field(default=False, description="whether the horizontal axis of curves is logarithmic")
    notes: tuple[str, ...] = Field(default=(), description="what to know before the results are read")

    @model_validator(mode="after")
    def _consistent(self) -> StudySpec:
        places = Counter(case.place for case in self.cases)
        if twice := [place for place, count in places.items() if count > 1]:
            raise ValueError(f"two cases have the place {' / '.join(filter(None, twice[0]))}")
        keys = [quantity.key for quantity in self.quantities]
        rows = {(case.place[0], case.row) for case in self.cases}
        for profile, effort in self.efforts.items():
            if not set(effort.without) < {row for _, row in rows}:
                raise ValueError(f"the effort of {profile} leaves out rows that do not exist, or all of them")
        for value in self.published:
            if value.place not in places:
                raise ValueError(f"no case has the place {' / '.join(filter(None, value.place))} of a published value")
        for name in (*(value.quantity for value in self.published), *(claim.quantity for claim in self.claims)):
            if name not in keys:
                raise ValueError(f"'{name}' is not among the quantities of the study")
        for claim in self.claims:
            if absent := [row for row in (claim.first, *claim.others) if (claim.block, row) not in rows]:
                raise ValueError(
                    f"the claim '{claim.text}' names the row {absent[0]}, which {claim.block} does not have"
                )
        return self

    def effort(self, profile: Profile) -> Effort:
        """Return the work of a profile."""
        return self.efforts.get(profile, Effort())

    def cases_of(self, profile: Profile) -> tuple[Case, ...]:
        """Return the cases of a profile."""
        without = self.effort(profile).without
        return tuple(case for case in self.cases if case.row not in without)
