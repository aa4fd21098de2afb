"""Videos held out as if nobody had met them: who is judged, and what a perfect and a blind ranking get."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from foryou.evaluation import cold
from foryou.models import matrices
from foryou.models.cold_factors import Described

VIDEOS = 40


def interactions(rows):
    """Rows are (viewer, video, good)."""
    viewer, video, good = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "viewer": pa.array(viewer, pa.int32()),
            "video": pa.array(video, pa.int32()),
            "strength": pa.array([1.0 if each else -0.5 for each in good], pa.float32()),
            "last_day": pa.array([date(2026, 3, 1)] * len(rows), pa.date32()),
            "good": pa.array(good, pa.bool_()),
        }
    )


def likes_its_half(viewer, video):
    """Viewers of even number like videos of even number, the others the odd ones."""
    return viewer % 2 == video % 2


@pytest.fixture
def platform():
    return interactions(
        [(viewer, video, likes_its_half(viewer, video)) for viewer in range(9) for video in range(VIDEOS)]
    )


@pytest.fixture
def held(platform, chosen):
    def of(rows=platform, known=range(VIDEOS), seed=1, **changed):
        flags = np.isin(np.arange(VIDEOS), [*known])
        settings = replace(chosen.cold_factors, held_out_share=0.25, **changed)
        return cold.hold_out(rows, flags, settings, np.random.default_rng(seed))

    return of


def halves():
    """Content with two tokens, one for each half."""
    tokens = np.zeros((VIDEOS, 2), np.float32)
    tokens[np.arange(VIDEOS), np.arange(VIDEOS) % 2] = 1
    return Described(sparse.csr_matrix(tokens), np.zeros((VIDEOS, 0), np.float32))


def test_what_is_held_out_is_known_and_nowhere_else(held, platform):
    found = held(known=range(10, VIDEOS))
    assert len(found.videos) > 3 and found.videos.min() >= 10
    assert not np.isin(found.others["video"].to_numpy(), found.videos).any()
    assert len(found.row) + found.others.num_rows == platform.num_rows
    for row, place, good in zip(found.row, found.place, found.good, strict=True):
        assert good == likes_its_half(found.viewers[row], found.videos[place])


def test_only_so_many_viewers_are_drawn_and_the_others_leave_nothing(held):
    found = held(max_viewers=4)
    assert len(found.viewers) == 4 == len(np.unique(found.row)) == len(np.unique(found.others["viewer"]))


def test_a_viewer_who_liked_all_or_nothing_of_it_cannot_judge(held):
    everything = [(viewer, video, viewer == 0) for viewer in range(2) for video in range(VIDEOS)]
    found = held(interactions(everything))
    assert len(found.viewers) == len(found.row) == found.others.num_rows == 0


def test_nothing_to_hold_out_leaves_nobody(held):
    assert len(held(interactions([])).viewers) == len(held(known=[]).viewers) == 0


def test_the_draw_hangs_on_the_seed_alone(held, platform):
    shuffled = platform.take(np.random.default_rng(3).permutation(platform.num_rows))
    one, same, other = held(), held(shuffled), held(seed=2)
    assert all(
        np.array_equal(getattr(one, name), getattr(same, name))
        for name in ("videos", "viewers", "row", "place", "good")
    )
    assert not np.array_equal(one.videos, other.videos)


def measures(rows):
    return {(row["ranking"], row["measure"]): row["value"] for row in rows}


def test_who_knows_the_truth_is_always_right_and_who_knows_nothing_is_right_by_chance(held):
    found = held()
    half = np.eye(2, dtype=np.float32)
    liked = [
        (row, video) for row, viewer in enumerate(found.viewers) for video in (0, 1) if likes_its_half(viewer, video)
    ]
    row, video = (pa.chunked_array([pa.array(part, pa.int32())]) for part in zip(*liked, strict=True))
    seeds = matrices.rows(row, video, None, len(found.viewers))
    right, blind = half[found.videos % 2], np.zeros((len(found.videos), 2), np.float32)
    told = measures(cold.judge(found, seeds, halves(), half[found.viewers % 2], right, 1))
    assert set(told.values()) == {1.0}
    told = measures(cold.judge(found, seeds, halves(), half[found.viewers % 2], blind, 1))
    assert (told["content", "cold_auc"], told["predicted", "cold_auc"]) == (1.0, 0.5)


def test_upstream_vectors_count_like_words(held):
    found = held()
    looks = np.where(np.arange(VIDEOS)[:, None] % 2 == [0, 1], 1.0, -1.0).astype(np.float32)
    content = Described(sparse.csr_matrix((VIDEOS, 0), dtype=np.float32), looks)
    seeds = matrices.Rows(np.arange(len(found.viewers) + 1), found.viewers % 2, np.ones(len(found.viewers), np.float32))
    nothing = np.zeros((len(found.viewers), 1), np.float32), np.zeros((len(found.videos), 1), np.float32)
    told = measures(cold.judge(found, seeds, content, *nothing, 1))
    assert (told["content", "cold_auc"], told["content", "cold_recall@20"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("content", "predicted", "viewers", "kept"),
    [(0.6, 0.7, 50, "predicted"), (0.7, 0.6, 50, "content"), (0.6, 0.6, 50, "content"), (0.6, 0.7, 19, None)],
)
def test_the_better_one_is_kept_where_enough_viewers_tell_them_apart(content, predicted, viewers, kept):
    rows = [
        {"ranking": ranking, "measure": measure, "value": value, "viewers": viewers}
        for ranking, value in (("content", content), ("predicted", predicted))
        for measure, value in (("cold_auc", value), ("cold_recall@20", 1 - value))
    ]
    assert cold.better(rows, 20) == kept
    assert cold.better([], 20) is None
