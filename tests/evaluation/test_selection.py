"""The choice of sources on held-out pairs: what helps comes in, what does not stays out."""

from __future__ import annotations

import numpy as np

from foryou.evaluation import metrics, selection

VIEWERS, VIDEOS, LENGTH = 60, 200, 40


def source(rng, wanted, certainty):
    """Lists by the truth with noise, [VIEWERS, LENGTH]."""
    scores = certainty * wanted + rng.normal(size=wanted.shape)
    ids = np.argsort(-scores, axis=1, kind="stable")[:, :LENGTH].astype(np.int32)
    return ids, np.take_along_axis(scores, ids, axis=1).astype(np.float32)


def world(seed=1):
    """Two sources that each know half of the viewers, one that knows little of all, one that knows nothing."""
    rng = np.random.default_rng(seed)
    wanted = np.zeros((VIEWERS, VIDEOS))
    for row in wanted:
        row[rng.choice(VIDEOS, 5, replace=False)] = 1
    half = (np.arange(VIEWERS) < VIEWERS // 2)[:, None]
    lists = {
        "first half": source(rng, wanted * half, 4.0),
        "second half": source(rng, wanted * ~half, 4.0),
        "little": source(rng, wanted, 0.5),
        "nothing": source(rng, wanted, 0.0),
    }
    rows, columns = wanted.nonzero()
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=VIEWERS))])
    return lists, lambda ids: metrics.per_viewer(ids, indptr, columns, [10])["ndcg"][10]


def chosen(lists, judge, steps=5):
    return selection.forward(lists, judge, steps=steps, k=10)


def test_sources_that_know_different_viewers_are_both_chosen_and_one_that_knows_nothing_is_not():
    found = chosen(*world())
    assert {"first half", "second half"} <= set(found.names)
    assert "nothing" not in found.names


def test_each_name_comes_with_the_gain_it_brought_and_they_add_up_to_what_the_blend_reaches():
    lists, judge = world()
    found = chosen(lists, judge)
    ids, _ = selection.blended(lists, [*found.names], 10)
    assert len(found.gains) == len(found.names)
    np.testing.assert_allclose(sum(found.gains), judge(ids).mean())
    best_alone = max(judge(ids[:, :10]).mean() for ids, _ in lists.values())
    np.testing.assert_allclose(found.gains[0], best_alone)
    assert sum(found.gains) >= best_alone


def test_one_source_is_chosen_once_however_many_steps_there_are():
    lists, judge = world()
    assert chosen({"little": lists["little"]}, judge).names == ("little",)


def test_equal_sources_go_by_name_and_the_shorter_of_equal_blends_is_taken():
    lists, judge = world()
    assert chosen({"b": lists["little"], "a": lists["little"]}, judge).names == ("a",)


def test_a_source_named_twice_weighs_double():
    ids = np.arange(20, dtype=np.int32)[None, :]
    rising, falling = np.linspace(0, 1, 20, dtype=np.float32)[None, :], np.linspace(1, 0, 20, dtype=np.float32)[None, :]
    lists = {"rising": (ids, rising), "falling": (ids, falling)}
    assert selection.blended(lists, ["rising", "falling", "falling"], 3)[0].tolist() == [[0, 1, 2]]
    assert selection.blended(lists, ["rising", "falling", "rising"], 3)[0].tolist() == [[19, 18, 17]]


def test_the_choice_does_not_depend_on_the_order_of_the_sources_or_on_threads():
    lists, judge = world()
    turned = dict(reversed(lists.items()))
    assert chosen(lists, judge) == chosen(turned, judge) == selection.forward(turned, judge, steps=5, k=10, threads=3)


def test_where_nothing_is_ever_found_the_first_by_name_stands():
    lists, _ = world()
    assert chosen(lists, lambda ids: np.zeros(len(ids))).names == ("first half",)
