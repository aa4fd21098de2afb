"""Devices before sign-up: their names, and whose history they become."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from foryou import secret, tables
from foryou.models import devices
from rows import DAY, arrow_rows

SALT = "canary" * 8
PHONE, TABLET = (secret.device_name(name, SALT) for name in ("phone", "tablet"))


def at(days_ago=0, hour=12):
    return datetime(DAY.year, DAY.month, DAY.day, hour) - timedelta(days_ago)


def account(name, device=PHONE, signed_up_at=None, **more):
    return {"viewer_id": name, "device": device, "signed_up_at": signed_up_at or at(), **more}


def of(known, accounts=()):
    """What is known as {name: (dense id, days ago)}, and accounts, as tables."""
    met = [{"viewer_id": n, "viewer": i, "day": DAY - timedelta(ago)} for n, (i, ago) in known.items()]
    return arrow_rows(tables.VIEWER_IDS, *met), arrow_rows(tables.VIEWERS, *accounts)


def found(table):
    return dict(zip(table["viewer_id"].to_pylist(), table["viewer"].to_pylist(), strict=True))


def in_snapshot(known, *accounts):
    return found(devices.new_in_snapshot(*of(known, accounts)))


# ---- names


def test_a_device_is_named_as_a_reader_names_it():
    given = ["phone", "phone 1 / Müller", "x" * 10_000, "", None, "phone"]
    named = devices.names(pa.chunked_array([given[:2], given[2:]], pa.string()), SALT)
    assert named.to_pylist() == [secret.device_name(name, SALT) if name else None for name in given]


# ---- accounts that come after their device


def test_an_account_inherits_the_id_of_a_device_met_before_sign_up():
    assert in_snapshot({PHONE: (3, 2), "ann": (4, 9)}, account("bob"), account("ann", TABLET)) == {"bob": 3}


def test_others_get_ids_of_their_own():
    known = {PHONE: (0, 2)}
    assert in_snapshot(known, account("ann", None), account("bob", TABLET), account("cat")) == {
        "cat": 0,
        "ann": 1,
        "bob": 2,
    }


@pytest.mark.parametrize(
    "signed_up_at", [at(3), at(2), None], ids=["before the device was met", "on that very day", "nobody knows when"]
)
def test_a_device_met_only_after_sign_up_is_not_inherited(signed_up_at):
    assert in_snapshot({PHONE: (0, 2)}, account("ann") | {"signed_up_at": signed_up_at}) == {"ann": 1}


def test_of_several_accounts_on_a_device_the_first_inherits():
    accounts = [account("zoe", signed_up_at=at(1)), account("ann"), account("yan", signed_up_at=at(1))]
    assert in_snapshot({PHONE: (5, 2)}, *accounts) == {"yan": 5, "ann": 6, "zoe": 7}


def test_a_second_account_never_gets_the_first_one_s_id():
    known = {PHONE: (5, 4), "ann": (5, 3)}
    assert in_snapshot(known, account("bob")) == {"bob": 6}  # and ann has left the snapshot
    assert in_snapshot(known, account("bob"), account("ann", signed_up_at=at(3))) == {"bob": 6}


def test_an_account_of_before_keeps_others_from_inheriting():
    old = account("ann", signed_up_at=at(400))
    assert in_snapshot({PHONE: (5, 2), "ann": (1, 9)}, old, account("bob")) == {"bob": 6}


def test_a_known_account_keeps_its_id():
    assert in_snapshot({PHONE: (5, 2), "ann": (1, 1)}, account("ann")) == {}


# ---- devices that come after their account is known: both on the day of the sign-up


def in_events(known, accounts, events):
    ids, viewers = of(known, accounts)
    happened = pa.table({"viewer_id": [name for name, _ in events], "at": [moment for _, moment in events]})
    met = happened.group_by("viewer_id").aggregate([("at", "min")]).rename_columns(["viewer_id", "first_at"])
    return found(devices.new_in_events(ids, met, devices.recent(devices.sign_ups(viewers), DAY, 2)))


def test_what_was_watched_on_the_day_before_the_sign_up_joins_the_account():
    events = [(PHONE, at(hour=9)), ("ann", at(hour=13)), (TABLET, at(hour=9))]
    assert in_events({"ann": (4, 0)}, [account("ann")], events) == {PHONE: 4, TABLET: 5}


def test_a_device_first_met_after_the_sign_up_is_somebody_else():
    events = [(PHONE, at(hour=13))]
    assert in_events({"ann": (4, 0)}, [account("ann")], events) == {PHONE: 5}


def test_events_of_a_device_that_land_days_after_the_sign_up_join_too():
    known, events = {"ann": (4, 2)}, [(PHONE, at(2, hour=9))]
    assert in_events(known, [account("ann", signed_up_at=at(2))], events) == {PHONE: 4}


def test_a_device_that_is_known_and_an_account_that_is_not_change_nothing():
    known = {"ann": (4, 0), PHONE: (2, 3)}
    assert in_events(known, [account("ann"), account("bob", TABLET)], [(PHONE, at(hour=9))]) == {}
