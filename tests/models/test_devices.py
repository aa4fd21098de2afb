"""Devices before sign-up: their names, and whose history they become."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from foryou import secret, tables
from foryou.models import devices
from rows import DAY, lines, rows

SALT = "canary" * 8
PHONE, TABLET = (secret.device_name(name, SALT) for name in ("phone", "tablet"))


def at(days_ago=0, hour=12):
    return datetime(DAY.year, DAY.month, DAY.day, hour) - timedelta(days_ago)


def account(name, device=PHONE, signed_up_at=None, **more):
    return {"viewer_id": name, "device": device, "signed_up_at": signed_up_at or at(), **more}


@pytest.fixture
def frames(spark):
    """What is known as {name: (dense id, days ago)}, and accounts or events, as frames."""

    def of(known, accounts=(), events=()):
        met = [{"viewer_id": n, "viewer": i, "day": DAY - timedelta(ago)} for n, (i, ago) in known.items()]
        happened = [{"viewer_id": name, "happened_at": moment} for name, moment in events]
        given = ((tables.VIEWER_IDS, met), (tables.VIEWERS, accounts), (tables.EVENTS, happened))
        return [rows(spark, table, *of_table) for table, of_table in given]

    return of


@pytest.fixture
def in_snapshot(frames):
    def of(known, *accounts):
        ids, viewers, _ = frames(known, accounts)
        return dict(devices.new_in_snapshot(ids, viewers).collect())

    return of


# ---- names


def test_a_device_is_named_in_spark_as_a_reader_names_it(spark):
    given = ["phone", "phone 1 / Müller", "x" * 10_000, "", None]
    named = devices.named(lines(spark, "events", *({"device_id": name} for name in given)), SALT)
    assert "salt" not in named.columns
    found = {row.device_id: row.device for row in named.collect()}
    assert found == {name: secret.device_name(name, SALT) if name else None for name in given}


def test_no_plan_of_spark_tells_the_salt(spark, capsys):
    named = devices.named(lines(spark, "events", {"device_id": "phone"}), SALT).where("device IS NOT NULL").cache()
    named.collect()
    named.explain("extended")
    named.groupBy("device").count().explain("formatted")
    execution = named._jdf.queryExecution()
    told = capsys.readouterr().out + execution.toString() + execution.stringWithStats()
    named.unpersist()
    assert "sha2" in told and "canary" not in told


# ---- accounts that come after their device


def test_an_account_inherits_the_id_of_a_device_met_before_sign_up(in_snapshot):
    assert in_snapshot({PHONE: (3, 2), "ann": (4, 9)}, account("bob"), account("ann", TABLET)) == {"bob": 3}


def test_others_get_ids_of_their_own(in_snapshot):
    known = {PHONE: (0, 2)}
    assert in_snapshot(known, account("ann", None), account("bob", TABLET), account("cat")) == {
        "cat": 0,
        "ann": 1,
        "bob": 2,
    }


@pytest.mark.parametrize(
    "signed_up_at", [at(3), at(2), None], ids=["before the device was met", "on that very day", "nobody knows when"]
)
def test_a_device_met_only_after_sign_up_is_not_inherited(frames, signed_up_at):
    ids, viewers, _ = frames({PHONE: (0, 2)}, [account("ann") | {"signed_up_at": signed_up_at}])
    assert dict(devices.new_in_snapshot(ids, viewers).collect()) == {"ann": 1}


def test_of_several_accounts_on_a_device_the_first_inherits(in_snapshot):
    accounts = [account("zoe", signed_up_at=at(1)), account("ann"), account("yan", signed_up_at=at(1))]
    assert in_snapshot({PHONE: (5, 2)}, *accounts) == {"yan": 5, "ann": 6, "zoe": 7}


def test_a_second_account_never_gets_the_first_one_s_id(in_snapshot):
    known = {PHONE: (5, 4), "ann": (5, 3)}
    assert in_snapshot(known, account("bob")) == {"bob": 6}  # and ann has left the snapshot
    assert in_snapshot(known, account("bob"), account("ann", signed_up_at=at(3))) == {"bob": 6}


def test_an_account_of_before_keeps_others_from_inheriting(in_snapshot):
    old = account("ann", signed_up_at=at(400))
    assert in_snapshot({PHONE: (5, 2), "ann": (1, 9)}, old, account("bob")) == {"bob": 6}


def test_a_known_account_keeps_its_id(in_snapshot):
    assert in_snapshot({PHONE: (5, 2), "ann": (1, 1)}, account("ann")) == {}


# ---- devices that come after their account is known: both on the day of the sign-up


def in_events(frames, known, accounts, events):
    ids, viewers, happened = frames(known, accounts, events)
    sign_ups = devices.recent(devices.sign_ups(viewers), DAY, 2)
    return dict(devices.new_in_events(ids, happened, sign_ups).collect())


def test_what_was_watched_on_the_day_before_the_sign_up_joins_the_account(frames):
    events = [(PHONE, at(hour=9)), ("ann", at(hour=13)), (TABLET, at(hour=9))]
    assert in_events(frames, {"ann": (4, 0)}, [account("ann")], events) == {PHONE: 4, TABLET: 5}


def test_a_device_first_met_after_the_sign_up_is_somebody_else(frames):
    events = [(PHONE, at(hour=13))]
    assert in_events(frames, {"ann": (4, 0)}, [account("ann")], events) == {PHONE: 5}


def test_events_of_a_device_that_land_days_after_the_sign_up_join_too(frames):
    known, events = {"ann": (4, 2)}, [(PHONE, at(2, hour=9))]
    assert in_events(frames, known, [account("ann", signed_up_at=at(2))], events) == {PHONE: 4}


def test_a_device_that_is_known_and_an_account_that_is_not_change_nothing(frames):
    known = {"ann": (4, 0), PHONE: (2, 3)}
    assert in_events(frames, known, [account("ann"), account("bob", TABLET)], [(PHONE, at(hour=9))]) == {}
