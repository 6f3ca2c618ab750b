"""The shipped studies: every case can be planned, and the paper's tables are complete."""

from collections import Counter

import pytest

from fwibench.plugins.registry import Registry
from fwibench.testing.studies import (
    StudySubject,
    cases_can_be_planned,
    nothing_is_claimed_without_results,
    quantities_are_known,
)


def test_every_shipped_study_can_be_planned_and_claims_nothing_unrun(registry: Registry) -> None:
    assert registry.studies
    for offer in registry.studies.values():
        subject = StudySubject(offer.spec, registry)
        cases_can_be_planned(subject)
        quantities_are_known(subject)
        nothing_is_claimed_without_results(subject)


def test_rows_that_a_profile_leaves_out_are_not_planned(registry: Registry) -> None:
    study = registry.study("openfwi-left-out").spec
    without = study.effort("quick").without
    planned = {one.case.row for one in StudySubject(study, registry).plan.cases}
    assert planned == {case.row for case in study.cases} - {*without}
    assert without


@pytest.mark.parametrize(
    ("source", "rows", "columns"),
    [
        ("table 1", 12, 5),
        ("table 2", 6, 3),
        ("table 3", 8, 3),
        ("table 4", 5, 5),
        ("table 5", 4, 3),
        ("table 6", 6, 3),
        ("table 7", 8, 3),
        ("table 8", 5, 3),
        ("table 9", 5, 3),
        ("table 10", 4, 3),
        ("table 11", 8, 4),
    ],
)
def test_every_number_of_a_printed_table_is_declared(source: str, rows: int, columns: int, registry: Registry) -> None:
    printed = [
        value
        for offer in registry.studies.values()
        if offer.spec.collection == "paper"
        for value in offer.spec.published
        if value.source == source
    ]
    assert Counter(value.place for value in printed) == dict.fromkeys({value.place for value in printed}, columns)
    assert len(printed) == rows * columns


def test_settings_of_efforts_name_methods_and_datasets(registry: Registry) -> None:
    for offer in registry.studies.values():
        for effort in offer.spec.efforts.values():
            assert set(effort.settings_on) <= set(registry.datasets)
            for settings in (effort.settings, *effort.settings_on.values()):
                for name, options in settings.items():
                    assert set(options) <= set(registry.method(name).spec.options.model_fields), offer.spec.name
