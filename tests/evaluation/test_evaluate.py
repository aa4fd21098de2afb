"""Yesterday's model judged on the day: known answers, and who is judged at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from foryou.evaluation import evaluate
from foryou.evaluation.slices import Slices
from foryou.models import matrices

VIDEOS = 130


def rows_of(pairs, height, values=None):
    row, column = zip(*pairs, strict=True) if pairs else ((), ())
    value = pa.chunked_array([pa.array(values, pa.float32())]) if values else None
    return matrices.rows(*(pa.chunked_array([pa.array(part, pa.int32())]) for part in (row, column)), value, height)


def views(*rows):
    """Rows are (viewer, video, good)."""
    viewer, video, good = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "viewer": pa.array(viewer, pa.int32()),
            "video": pa.array(video, pa.int32()),
            "good": pa.array(good, pa.bool_()),
        }
    )


def judged(viewers, videos, *, seen=(), popular=(), shown=None, new_videos=(), **of_viewers):
    """Factors given as lists; `popular` as (video, score), best first; `of_viewers` are slices by name."""
    video_factors = np.zeros((VIDEOS, 2), np.float32)
    for video, factors in videos.items():
        video_factors[video] = factors
    return evaluate.Judged(
        viewer_factors=np.array(viewers, np.float32),
        video_factors=video_factors,
        popular=rows_of([(0, video) for video, _ in popular], 1, [score for _, score in popular]),
        seen=rows_of([*seen], len(viewers)),
        shown=np.ones(VIDEOS, bool) if shown is None else shown,
        contents=video_factors,
        slices=Slices(
            {name: np.isin(np.arange(len(viewers)), some) for name, some in of_viewers.items()},
            np.isin(np.arange(VIDEOS), new_videos),
        ),
    )


@pytest.fixture
def measured(chosen):
    """`{(ranking, measure): row}` of views and what is judged; of a slice, `{(ranking, measure, slice): row}`."""

    def of(views, what, **changed):
        rows = evaluate.evaluate(views, what, replace(chosen.evaluation, min_slice_viewers=1, **changed))
        keys = [(row["ranking"], row["measure"], row["slice"]) for row in rows]
        assert len(set(keys)) == len(keys)
        return {key[:2] if key[2] is None else key: row for key, row in zip(keys, rows, strict=True)}

    return of


LIKES_EVEN, LIKES_ODD, UNKNOWN = [1, 0], [0, 1], [0, 0]
TWO_TASTES = {video: ([1, 0] if video % 2 == 0 else [0, 1]) for video in range(VIDEOS)}


def test_a_model_that_knows_both_tastes_is_right_where_popularity_is_right_for_one(measured):
    day = views((0, 2, True), (0, 3, False), (1, 2, False), (1, 3, True))
    found = measured(day, judged([LIKES_EVEN, LIKES_ODD], TWO_TASTES, popular=[(2, 9.0), (3, 1.0)]))
    assert found["factors", "auc_exposed"]["value"] == 1.0
    assert found["popularity", "auc_exposed"]["value"] == 0.5


def test_the_baseline_is_judged_on_what_was_shown(measured):
    """One head: video 3 has it, and only viewer 1 asks for it."""
    heads = evaluate.Product(
        rows_of([(1, 0)], 2), sparse.csr_matrix((np.ones(1, np.float32), ([0], [3])), shape=(1, VIDEOS))
    )
    day = views((0, 2, True), (0, 3, False), (1, 2, False), (1, 3, True))
    what = replace(judged([LIKES_EVEN, LIKES_ODD], TWO_TASTES, popular=[(2, 9.0)]), baseline=heads)
    found = measured(day, what)
    assert found["baseline", "auc_exposed"]["value"] == pytest.approx((0.5 + 1.0) / 2)
    assert found["baseline", "auc_exposed"]["viewers"] == 2
    assert [measure for ranking, measure, *_ in found if ranking == "baseline"] == ["auc_exposed"]


def test_viewers_whom_the_model_does_not_know_are_judged_by_neither(measured):
    day = views((0, 2, True), (0, 3, False), (1, 2, False), (1, 3, True))
    found = measured(day, judged([LIKES_EVEN, UNKNOWN], TWO_TASTES, popular=[(2, 9.0), (3, 1.0)]))
    for ranking in ("factors", "popularity"):
        assert found[ranking, "auc_exposed"]["viewers"] == 1
        assert found[ranking, "auc_exposed"]["value"] == 1.0
        assert found[ranking, "recall@20"]["viewers"] == 1


def test_recall_and_gain_rank_the_whole_catalogue(measured):
    """The viewer's taste falls with the video's number: video 1 is ranked second, 25 behind the first 20."""
    videos = {video: [100 - video, 0] for video in range(100)}
    found = measured(views((0, 1, True), (0, 25, True)), judged([LIKES_EVEN], videos, popular=[(25, 5.0)]))
    assert found["factors", "recall@20"]["value"] == 0.5
    assert found["factors", "recall@100"]["value"] == 1.0
    best = 1 + 1 / np.log2(3)
    assert found["factors", "ndcg@20"]["value"] == pytest.approx(1 / np.log2(3) / best)
    assert found["factors", "ndcg@100"]["value"] == pytest.approx((1 / np.log2(3) + 1 / np.log2(27)) / best)
    assert found["popularity", "recall@20"]["value"] == 0.5
    assert found["popularity", "ndcg@20"]["value"] == pytest.approx(1 / best)


def test_what_was_seen_before_is_neither_ranked_nor_wanted(measured):
    videos = {video: [100 - video, 0] for video in range(100)}
    seen = [(0, video) for video in range(20)]
    found = measured(views((0, 3, True), (0, 21, True)), judged([LIKES_EVEN], videos, seen=seen, popular=[(3, 1.0)]))
    assert found["factors", "recall@20"]["value"] == 1.0
    assert found["factors", "ndcg@20"]["value"] == pytest.approx(1 / np.log2(3))
    assert found["popularity", "recall@20"]["value"] == 0.0


def test_a_video_that_may_not_be_shown_is_neither_ranked_nor_wanted(measured):
    shown = np.ones(VIDEOS, bool)
    shown[[0, 5]] = False
    videos = {video: [100 - video, 0] for video in range(100)}
    found = measured(views((0, 1, True), (0, 5, True)), judged([LIKES_EVEN], videos, shown=shown, popular=[(0, 1.0)]))
    assert found["factors", "recall@20"]["value"] == 1.0
    assert found["factors", "ndcg@20"]["value"] == pytest.approx(1.0)


def test_videos_that_the_model_does_not_know_are_not_ranked_above_disliked_ones(measured):
    videos = {video: [-1 - video, 0] for video in range(10)}
    found = measured(views((0, 0, True)), judged([LIKES_EVEN], videos, popular=[(50, 1.0)]))
    assert found["factors", "ndcg@20"]["value"] == pytest.approx(1.0)


def test_coverage_is_the_share_of_what_may_be_shown(measured):
    shown = np.arange(VIDEOS) < 40
    videos = {video: [100 - video, 0] for video in range(30)}
    found = measured(views((0, 1, True)), judged([LIKES_EVEN], videos, shown=shown, popular=[(1, 1.0), (2, 1.0)]))
    assert found["factors", "coverage@100"]["value"] == pytest.approx(30 / 40)
    assert found["popularity", "coverage@100"]["value"] == pytest.approx(2 / 40)


def test_at_most_so_many_viewers_are_ranked_the_same_each_time(measured):
    day = views(*[(viewer, 2 * viewer, True) for viewer in range(30)])
    what = judged([[1 + v % 3, v % 2] for v in range(30)], TWO_TASTES, popular=[(2, 1.0)])
    once, again = measured(day, what, max_viewers=7), measured(day, what, max_viewers=7)
    assert once == again
    assert once["factors", "recall@20"]["viewers"] == 7


def test_intervals_hold_the_mean(measured):
    day = views(
        *[(viewer, 2 + viewer % 4, True) for viewer in range(20)], *[(viewer, 9, False) for viewer in range(20)]
    )
    found = measured(day, judged([LIKES_EVEN] * 20, TWO_TASTES, popular=[(2, 1.0)]))
    row = found["factors", "auc_exposed"]
    assert row["low"] < row["value"] < row["high"]


def test_slices_of_viewers_are_judged_by_themselves(measured):
    """The model is right about viewer 0 and wrong about viewer 1."""
    day = views((0, 2, True), (0, 3, False), (1, 3, True), (1, 2, False))
    what = judged([LIKES_EVEN, LIKES_EVEN], TWO_TASTES, popular=[(2, 9.0)], new=[0], old=[1], nobody=[])
    found = measured(day, what)
    for slice_, right in (("new", 1.0), ("old", 0.0)):
        row = found["factors", "auc_exposed", slice_]
        assert (row["value"], row["viewers"]) == (right, 1)
        assert found["factors", "recall@20", slice_]["value"] == right
    assert found["factors", "auc_exposed"]["value"] == 0.5
    assert not any("nobody" in key for key in found)


def test_of_new_videos_only_watches_of_new_ones_count(measured):
    """Viewer 0 met two new videos and is told right; viewer 1 met one of them, and it cannot be told what of."""
    day = views((0, 2, True), (0, 3, False), (0, 5, True), (1, 2, True), (1, 3, False))
    what = judged([LIKES_EVEN, LIKES_ODD], TWO_TASTES, popular=[(5, 9.0)], new_videos=[2, 3])
    found = measured(day, what)
    row = found["factors", "auc_exposed", "new videos"]
    assert (row["value"], row["viewers"]) == (0.5, 2)
    assert found["factors", "recall@20", "new videos"]["value"] == 0.5
    assert found["popularity", "recall@20"]["value"] == pytest.approx(1 / 4)
    assert found["popularity", "recall@20", "new videos"]["value"] == 0
    what = judged([LIKES_EVEN, LIKES_ODD], TWO_TASTES, popular=[(5, 9.0)], new_videos=[5])
    found = measured(day, what)
    assert ("factors", "auc_exposed", "new videos") not in found
    assert found["popularity", "recall@20", "new videos"]["value"] == 1


def test_slices_of_too_few_viewers_are_not_told(measured, chosen):
    day = views((0, 2, True), (0, 3, False), (1, 3, True), (1, 2, False))
    what = judged([LIKES_EVEN, LIKES_EVEN], TWO_TASTES, popular=[(2, 9.0)], new=[0], new_videos=[2, 3])
    rows = evaluate.evaluate(day, what, replace(chosen.evaluation, min_slice_viewers=2))
    assert {row["slice"] for row in rows} == {None, "new videos"}


def test_what_lists_show_is_told_at_every_depth(measured):
    """The viewer's list holds the even videos first: alike; popularity's, one of each kind: unlike."""
    what = judged([LIKES_EVEN], TWO_TASTES, popular=[(2, 9.0), (3, 1.0)], seen=[(0, 5)])
    found = measured(views((0, 2, True)), what)
    for k in (10, 20, 100):
        told = {measure for ranking, measure in found if ranking == "factors" and measure.endswith(f"@{k}")}
        together = {"novelty", "diversity", "coverage", "gini"}
        assert told == {f"{measure}@{k}" for measure in {"recall", "ndcg", "map", "hit_rate"} | together}
    assert found["factors", "diversity@20"]["value"] == pytest.approx(0)
    assert found["popularity", "diversity@20"]["value"] == pytest.approx(1)
    assert found["popularity", "novelty@20"]["value"] == pytest.approx(np.log2(VIDEOS + 1))
    assert found["popularity", "gini@20"]["value"] == pytest.approx(1 - 2 / VIDEOS)
    assert found["popularity", "map@20"]["value"] == 1


def test_one_viewer_has_no_interval(measured):
    row = measured(views((0, 2, True), (0, 3, False)), judged([LIKES_EVEN], TWO_TASTES, popular=[(2, 1.0)]))
    assert (row["factors", "recall@20"]["low"], row["factors", "recall@20"]["high"]) == (None, None)


def test_a_day_on_which_nobody_watched_to_the_end_judges_nobody(measured):
    assert measured(views((0, 2, False), (0, 3, False)), judged([LIKES_EVEN], TWO_TASTES, popular=[(2, 1.0)])) == {}
    assert measured(views(), judged([LIKES_EVEN], TWO_TASTES, popular=[(2, 1.0)])) == {}
    assert measured(views((0, 2, True)), judged([UNKNOWN], TWO_TASTES, popular=[(2, 1.0)])) == {}
