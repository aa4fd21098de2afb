"""Errors that people act on: what they say and how the process ends."""

import json
from datetime import date

import pytest

from foryou import errors

DAY = date(2026, 3, 1)
EXIT_CODES = {"InputMissing": 3, "DataRejected": 4, "ContractBroken": 5, "ModelRejected": 6, "AlreadyRunning": 7}


def failure(kind: type[errors.ForYouError] = errors.InputMissing, day: date | None = DAY) -> errors.ForYouError:
    return kind("events", day=day, wanted="a manifest", found="nothing", next_step="land the day")


def test_the_message_says_where_what_was_wanted_what_was_found_and_what_to_do():
    assert str(failure()) == (
        "input missing (events, day 2026-03-01): wanted a manifest; found nothing. Next: land the day"
    )


def test_without_a_day_none_is_named():
    assert str(failure(day=None)).startswith("input missing (events): wanted")


@pytest.mark.parametrize("kind", errors.ForYouError.__subclasses__(), ids=lambda kind: kind.__name__)
def test_exit_codes_are_the_documented_ones(kind):
    assert kind.exit_code == EXIT_CODES[kind.__name__]


def test_a_retry_is_useless_for_3_to_6_and_may_help_for_7():
    assert frozenset({3, 4, 5, 6}) == errors.FINAL_EXIT_CODES


def test_the_same_facts_can_be_told_as_json():
    assert json.loads(json.dumps(failure(errors.DataRejected).as_dict())) == {
        "error": "DataRejected",
        "table": "events",
        "day": "2026-03-01",
        "wanted": "a manifest",
        "found": "nothing",
        "next_step": "land the day",
    }
