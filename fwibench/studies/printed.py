"""Printed numbers beside ours, each with a verdict in words.

Invariant: a number whose data or hardware differ from the publication's says so, whatever the two values are.
"""

from __future__ import annotations

from dataclasses import dataclass

from fwibench.specs.study import PublishedValue, Quantity
from fwibench.studies.results import StudyResults, Value
from fwibench.text.readable import show_number

NOT_MEASURED = "not run yet"


@dataclass(frozen=True)
class PrintedNumber:
    """A printed number and ours.

    Attributes:
        published: The printed number.
        quantity: Its quantity.
        value: Ours.
        gap: Why ours is missing; empty if it is not.
    """

    published: PublishedValue
    quantity: Quantity
    value: Value
    gap: str = ""

    @property
    def verdict(self) -> str:
        """Whether both agree, as far as their data allow it."""
        if self.value.mean is None:
            return self.gap or NOT_MEASURED
        relation = self._relation(self.value.mean)
        return f"{relation}; {self.published.caveat}" if self.published.caveat else relation

    def _relation(self, ours: float) -> str:
        printed = self.published.value
        if abs(ours - printed) <= self.published.rounding:
            return "agrees to the printed digits"
        if self.value.ends is not None and self.value.ends[0] <= printed <= self.value.ends[1]:
            return "inside our 95 % interval"
        return f"ours is {show_number(ours / printed, 3)} times the printed one" if printed else "differs"


def printed_numbers(results: StudyResults) -> list[PrintedNumber]:
    """Return the printed numbers of a study's selected cases, in the order of its declaration."""
    study = results.plan.study
    quantities = {quantity.key: quantity for quantity in study.quantities}
    found = []
    for published in study.published:
        case = results.cases.get(published.place)
        if case is not None:
            quantity = quantities[published.quantity]
            found.append(PrintedNumber(published, quantity, case.value(quantity), case.gap))
    return found
