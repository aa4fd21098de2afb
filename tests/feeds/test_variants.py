"""Variants of starters: other orders for people from one app or of one age, where there are enough of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from foryou.feeds import starters, variants


@pytest.fixture(scope="module")
def settings(chosen):
    return replace(chosen.starters, min_variant_viewers=30, variant_prior_viewers=10.0)


def pool(quality):
    numbers = np.arange(len(quality), dtype=np.int32)
    return starters.Pool(numbers, np.array(quality, np.float32), numbers, numbers, numbers)


def viewers(*groups):
    """(how many, country, language, referrer, age band) of each group, in the order of dense ids."""
    rows = [group[1:] for group in groups for _ in range(group[0])]
    columns = zip(*rows, strict=True)
    named = dict(zip(("country", "language", "referrer", "age_band"), columns, strict=True))
    return pa.table(
        {"viewer": pa.array(range(len(rows)), pa.int32())} | {n: pa.array(v, pa.string()) for n, v in named.items()}
    )


def met(*pairs):
    """(viewers, video, watched well): everybody of the stretch met the video."""
    rows = [(viewer, video, good) for stretch, video, good in pairs for viewer in stretch]
    viewer, video, good = zip(*rows, strict=True)
    return pa.table({"viewer": pa.array(viewer, pa.int32()), "video": pa.array(video, pa.int32()), "good": good})


def test_people_from_one_app_begin_with_what_those_from_it_watch_well(settings):
    people = viewers((40, "US", "en", "invite", None), (40, "US", "en", "ad", None))
    pairs = met((range(40), 2, True), (range(40, 80), 2, False), (range(80), 0, False), (range(80), 1, True))
    of = {"US:en": pool([0.5, 0.4, 0.3]), "*:*": pool([0.5, 0.4, 0.3])}
    found = variants.pools(of, pairs, people, settings)
    assert set(found) == {f"{s}@referrer={r}" for s in of for r in ("invite", "ad")}
    assert found["US:en@referrer=invite"].videos.tolist() == [1, 2, 0]
    assert found["US:en@referrer=ad"].videos.tolist() == [1, 0, 2]
    of_two = (40 + 10 * 0.3) / (40 + 10)
    assert found["US:en@referrer=invite"].quality[1] == pytest.approx(of_two)
    assert found["US:en@referrer=invite"].topic.tolist() == [1, 2, 0], "all that belongs to a video moves with it"


def test_a_variant_of_few_people_is_not_made(settings):
    people = viewers((29, "US", "en", "invite", "18-24"), (30, "DE", "de", "ad", "18-24"))
    pairs = met((range(59), 0, True))
    found = variants.pools({"US:en": pool([0.5]), "DE:de": pool([0.5]), "*:*": pool([0.5])}, pairs, people, settings)
    assert set(found) == {"DE:de@referrer=ad", "*:*@referrer=ad", "DE:de@age_band=18-24", "*:*@age_band=18-24"}


def test_who_watched_nothing_does_not_count(settings):
    people = viewers((40, "US", "en", "invite", None))
    assert variants.pools({"*:*": pool([0.5])}, met((range(20), 0, True)), people, settings) == {}


def test_names_that_could_be_mistaken_for_something_else_make_no_variant(settings):
    people = viewers((40, "US", "en", "x@y=z", "a b"), (40, "US", "en", "", "<b>"))
    assert variants.pools({"*:*": pool([0.5])}, met((range(80), 0, True)), people, settings) == {}


def test_without_pools_or_interactions_there_are_no_variants(settings):
    people = viewers((40, "US", "en", "invite", None))
    assert variants.pools({}, met((range(40), 0, True)), people, settings) == {}
    assert variants.pools({"*:*": pool([0.5])}, met((range(1), 0, True)).slice(0, 0), people, settings) == {}
