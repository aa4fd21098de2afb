"""Watch norms: ranks of watch times among videos of a length, from the days before."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from foryou import tables
from foryou.signals import watch_norms
from rows import rows

NOTHING = {"duration_bucket": [], "bin": [], "views": []}


def seconds(*values):
    return (1_000 * np.array(values, dtype=np.float64)).astype(np.int64)


def day_of(duration_s, watched_s, plays=1, own=False):
    """A day's views: videos of these lengths, watched so long."""
    duration, watched = np.broadcast_arrays(seconds(duration_s).ravel(), seconds(watched_s).ravel())
    constant = {"plays": np.full(len(watched), plays), "own": np.full(len(watched), own)}
    return pa.table({"duration_ms": duration, "watched_ms": watched} | constant)


def counted(settings, *days):
    """The table after these days, each ranked by those before it: the last one's rows, and all counts."""
    counts, built = pa.table({name: pa.array(none, pa.int32()) for name, none in NOTHING.items()}), None
    for views in days:
        built = watch_norms.build(watch_norms.freeze(counts, settings), views)
        counts = pa.concat_tables([counts.cast(built.select(NOTHING).schema), built.select(NOTHING)])
    return built, counts


def rank_of(built, duration_s, watched_s):
    """The quantile that a view of that kind is given; NaN for none."""
    of_length, watched = watch_norms.places(seconds(duration_s), seconds(watched_s))
    grid = built["quantile"].to_numpy(zero_copy_only=False).reshape(watch_norms.BUCKETS, watch_norms.BINS)
    return float(grid[of_length[0], watched[0]])


@pytest.fixture
def settings(chosen):
    return chosen.views


def test_a_rank_is_the_share_watched_less_and_half_of_those_watched_alike(settings):
    before = day_of(30, [1] * 10 + [5] * 20 + [20] * 10)
    built, _ = counted(settings, before, day_of(30, 5))
    assert [rank_of(built, 30, s) for s in (0.5, 1, 3, 5, 20, 60)] == [0.0, 0.125, 0.25, 0.5, 0.875, 1.0]


def test_a_rank_is_fair_to_lengths(settings):
    draw = np.random.default_rng(1)
    share = draw.uniform(0.05, 1.2, 4_000)
    built, _ = counted(settings, pa.concat_tables([day_of(s, s * share) for s in (8, 30, 240)]), day_of(30, 1))
    for wanted in (0.2, 0.5, 0.7, 0.9):
        found = [rank_of(built, s, s * np.quantile(share, wanted)) for s in (8, 30, 240)]
        assert found == pytest.approx([wanted] * 3, abs=0.06)


def test_nobody_can_move_the_norms_on_the_day(settings):
    before = day_of(30, np.linspace(1, 30, 100))
    quiet, _ = counted(settings, before, day_of(30, 5))
    flooded, _ = counted(settings, before, day_of(30, np.full(10_000, 29)))
    assert quiet["quantile"] == flooded["quantile"]
    assert flooded["views"].to_pylist() != quiet["views"].to_pylist()


def test_the_order_of_the_days_before_does_not_matter(settings):
    one, two = day_of(30, np.linspace(1, 30, 100)), day_of([30] * 50, np.linspace(10, 60, 50))
    assert counted(settings, one, two, one)[0] == counted(settings, two, one, one)[0]


def test_a_length_with_few_views_has_no_ranks(settings):
    few = settings.min_norm_views - 1
    built, _ = counted(settings, day_of([30] * few + [300] * (few + 1), 5), day_of(30, 5))
    assert np.isnan(rank_of(built, 30, 5)) and rank_of(built, 300, 5) == 0.5
    first, _ = counted(settings, day_of(30, [5] * 100))
    assert np.isnan(first["quantile"].to_numpy(zero_copy_only=False)).all()


def test_own_views_unknown_lengths_and_likes_without_a_play_are_not_counted(settings):
    unknown = day_of(30, [5] * 3).set_column(0, "duration_ms", pa.nulls(3, pa.int64()))
    _, counts = counted(
        settings, pa.concat_tables([day_of(30, [5] * 2), day_of(30, 5, own=True), day_of(30, 0, plays=0), unknown])
    )
    assert sum(counts["views"].to_pylist()) == 2


def test_lengths_and_watch_times_of_any_size_have_a_place():
    ms = np.array([0, 1, 249, 250, 1_000, 3_600_000, 86_400_000, 2**31 - 1])
    of_length, watched = watch_norms.places(ms, ms)
    assert of_length.min() == watched.min() == 0
    assert (of_length[-1], watched[-1]) == (watch_norms.BUCKETS - 1, watch_norms.BINS - 1)
    assert (np.diff(watched) >= 0).all() and (np.diff(of_length) >= 0).all()


def test_spark_looks_views_up_where_numpy_counted_them(spark, settings):
    draw = np.random.default_rng(2)
    powers = 250 * 2 ** np.arange(20)
    ms = np.unique(np.concatenate([powers, powers - 1, powers + 1, draw.integers(1, 10**7, 500)]))
    places = np.arange(watch_norms.BUCKETS * watch_norms.BINS)
    grid = pa.table(
        {
            "duration_bucket": pa.array(places // watch_norms.BINS, pa.int32()),
            "bin": pa.array(places % watch_norms.BINS, pa.int32()),
            "quantile": pa.array(places.astype(np.float32)),
        }
    )
    length_ms = draw.permutation(ms)
    given = [{"plays": 1, "watched_ms": int(w), "duration_ms": int(d)} for w, d in zip(ms, length_ms, strict=True)]
    given += [{"plays": 0, "duration_ms": 30_000}, {"plays": 1}, {"plays": 1, "duration_ms": 30_000, "own": True}]
    views = rows(spark, tables.VIEWS, *given).drop("quantile")
    found = {
        (row.watched_ms, row.duration_ms): row.quantile
        for row in watch_norms.rank(views, _frame(spark, grid)).collect()
    }
    of_length, watched = watch_norms.places(length_ms, ms)
    wanted = of_length * watch_norms.BINS + watched
    assert [found[int(w), int(d)] for w, d in zip(ms, length_ms, strict=True)] == wanted.tolist()
    assert {found[0, 30_000], found[0, None]} == {None}


def _frame(spark, table):
    return spark.createDataFrame(table)
