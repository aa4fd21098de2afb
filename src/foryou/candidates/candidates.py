"""Candidates: every source's best unseen, eligible and not unwanted videos of each viewer, blended into one list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou.candidates import avoided, exploring, leading, taste
from foryou.candidates.night import Night
from foryou.candidates.reranking import Reranker, order
from foryou.models import blend, matrices, topk
from foryou.models.topk import Lists
from foryou.settings import Candidates
from foryou.tables import POLICIES

VIEWERS_A_PART = 25_000


def build(part: int, folder: Path, settings: Candidates) -> Iterator[pa.Table]:
    """One row per viewer of the part with up to `length` candidates, best first; tables of `block_viewers` rows.

    What the sources find is scored anew by the viewer's whole taste (`taste.rescored`); that and what is popular are
    standardised over the viewer's own lists and added with their weights (DESIGN §7, decision 0017). Then the logarithm
    of its creator's multiplier moves each video. A list does not depend on blocks or parts.
    """
    night, by = Night.open(folder), Reranker.open(folder)
    viewers = night.viewers[part * VIEWERS_A_PART : (part + 1) * VIEWERS_A_PART]
    for start in range(0, len(viewers), settings.block_viewers):
        yield _block(night, by, np.array(viewers[start : start + settings.block_viewers]), settings)


def _block(night: Night, reranker: Reranker | None, viewers: NDArray[np.int32], settings: Candidates) -> pa.Table:
    lists, most = _by_age(night, viewers, settings.length, TASTES), settings.reranked
    whole = taste.rescored(night, viewers, [ids for ids, _ in lists], settings.length)
    ids, scores, sources = _blended(whole, lists, settings)
    _by_creators(ids, scores, sources, night.log_multipliers)
    fading = night.avoided.fading(viewers)
    ids, scores, sources = avoided.fade(ids, scores, sources, fading, len(night.shown))
    leads, by = leading.leading(night, viewers, ids, whole, lists[TASTES.index(popular)], settings)
    columns = {"videos": ids, "scores": scores, "sources": sources, "leads": leads, "leads_by": by}
    scales = matrices.vectors((night.scales[viewers] / leading.deviations(whole)[:, None]).astype(np.float32))
    rows = {"viewer": viewers, "taste_scales": scales} | {
        name: matrices.lists(column, ids >= 0) for name, column in columns.items()
    }
    beside = _beside(night, viewers, whole, settings)
    rows |= {name: matrices.lists(videos, videos >= 0) for name, videos in beside.items()}
    rows["reranked"] = pa.nulls(len(viewers), pa.list_(pa.int32()))
    if reranker is not None:
        first = ids[:, :most], scores[:, :most], sources[:, :most], by[:, :most]
        places = order(reranker, viewers, first, np.array(night.log_multipliers), fading)
        rows["reranked"] = matrices.lists(places, places >= 0)
    drawn = _drawn(night, viewers, settings)
    rows |= {name: matrices.lists(column, drawn["exploring"] >= 0) for name, column in drawn.items()}
    return pa.table(rows | {"known": np.array(night.known[viewers])})


def _blended(
    whole: Lists, lists: list[Lists], settings: Candidates
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    """One list a viewer with its scores, and for each video the bits of the `TASTES` that found it.

    `whole` is what all of them found, by the whole taste.
    """
    every = [whole, *lists]
    weights = [1.0, *(settings.weight_popular if source is popular else 0.0 for source in TASTES)]
    ids, scores, bits = blend.blend_lists(
        [ids for ids, _ in every], [scores for _, scores in every], settings.length, weights=weights
    )
    return ids, scores, bits >> 1


def _by_age(night: Night, viewers: NDArray[np.int32], length: int, sources: tuple[Source, ...]) -> list[Lists]:
    """Each source's lists; a viewer not known to be grown up is only offered videos for every age."""
    adult = np.array(night.adult[viewers])
    lists = [topk.empty_lists(len(viewers), length) for _ in sources]
    for group, eligible in ((adult, night.shown), (~adult, night.for_all)):
        if not group.any():
            continue
        for whole, source in zip(lists, sources, strict=True):
            whole[0][group], whole[1][group] = source(night, viewers[group], length, eligible & night.wide)
    return lists


def _beside(
    night: Night, viewers: NDArray[np.int32], whole: Lists, settings: Candidates
) -> dict[str, NDArray[np.int32]]:
    """The lists that have places of their own, by name; those `BY_TASTE` hold what fits the viewer best.

    What is on the rise must fit as well as the viewer's own candidates do (`trending_within`, decision 0022).
    """
    pools = _by_age(night, viewers, settings.kept_pool, tuple(KEPT.values()))
    least = whole[1][:, min(settings.trending_within, settings.length) - 1, None]
    lists = {name: ids[:, : settings.kept_length] for name, (ids, _) in zip(KEPT, pools, strict=True)}
    has_taste = taste.of_any(night, viewers)
    for name, (ids, _) in zip(KEPT, pools, strict=True):
        if name in BY_TASTE:
            fitting, scores = taste.rescored(night, viewers, [ids], settings.kept_length)
            if name == "trending":
                fitting[scores < least] = -1
            lists[name] = np.where(has_taste[:, None], fitting, lists[name])
    return lists


def _drawn(night: Night, viewers: NDArray[np.int32], settings: Candidates) -> dict[str, NDArray[Any]]:
    """Columns of videos under test drawn for each viewer and of their probabilities; again by age."""
    adult = np.array(night.adult[viewers])
    of_tests = (np.array(each) for each in (night.test_room, night.test_logs, night.test_newness))
    tests = exploring.Tests(np.array(night.tests), *of_tests)
    columns: dict[str, NDArray[Any]] = {"exploring": np.full((len(viewers), settings.explored), -1, np.int32)}
    names = ("propensities", *(f"propensities_{policy}" for policy in POLICIES))
    columns |= {name: np.zeros((len(viewers), settings.explored), np.float32) for name in names}
    for group, eligible in ((adult, night.shown), (~adult, night.for_all)):
        some = viewers[group]
        tastes = [settings.exploring_taste * each for each in taste.of_videos(night, some, tests.videos)]
        asked = (np.array(night.groups[some]), night.left_out(some), eligible, int(night.seed[0]))
        drawn = exploring.draw(tests, some, tastes, *asked, settings)
        columns["exploring"][group] = drawn.videos
        for number, name in enumerate(names):
            columns[name][group] = drawn.chances[:, :, number]
    return columns


def factors(night: Night, viewers: NDArray[np.int32], length: int, eligible: NDArray[np.bool_]) -> Lists:
    """Videos whose factors agree with the viewer's: score = dot product."""
    seen = night.left_out(viewers)
    return topk.top_k(
        np.array(night.viewer_factors[viewers]),
        night.video_factors,
        length,
        seen_indptr=seen.indptr,
        seen_indices=seen.indices,
        eligible=eligible & night.has_factors,
    )


def similar(night: Night, viewers: NDArray[np.int32], length: int, eligible: NDArray[np.bool_]) -> Lists:
    """Videos alike in content to those liked lately: score = sum over the liked of strength x cosine."""
    return _through(night, night.liked.of(viewers), night.similar, viewers, length, eligible)


def popular(night: Night, viewers: NDArray[np.int32], length: int, eligible: NDArray[np.bool_]) -> Lists:
    """What the viewer's segment watches: each viewer's row is its segment's list."""
    segments = np.array(night.segments[viewers])
    ones = matrices.Rows(np.arange(len(viewers) + 1, dtype=np.int64), segments, np.ones(len(viewers), np.float32))
    return _through(night, ones, night.popular, viewers, length, eligible)


def following(night: Night, viewers: NDArray[np.int32], length: int, eligible: NDArray[np.bool_]) -> Lists:
    """New videos of creators that the viewer follows: score = how new."""
    return _through(night, night.follows.of(viewers), night.new_of_creator, viewers, length, eligible)


def trending(night: Night, viewers: NDArray[np.int32], length: int, eligible: NDArray[np.bool_]) -> Lists:
    """The best videos of what rises in the viewer's country: each viewer's row is its country's list."""
    countries = np.array(night.countries[viewers])
    ones = matrices.Rows(np.arange(len(viewers) + 1, dtype=np.int64), countries, np.ones(len(viewers), np.float32))
    return _through(night, ones, night.trending, viewers, length, eligible)


def starting(night: Night, viewers: NDArray[np.int32], length: int, eligible: NDArray[np.bool_]) -> Lists:
    """What the viewer's segment starts with: for who is hardly known."""
    segments = np.array(night.segments[viewers])
    ones = matrices.Rows(np.arange(len(viewers) + 1, dtype=np.int64), segments, np.ones(len(viewers), np.float32))
    return _through(night, ones, night.starting, viewers, length, eligible)


Source = Callable[[Night, NDArray[np.int32], int, NDArray[np.bool_]], Lists]

TASTES: tuple[Source, ...] = (factors, similar, popular)
"""The sources that are blended, in the order of `tables.TASTES`: bit i of `sources` stands for the i-th."""

KEPT: dict[str, Source] = {"following": following, "trending": trending, "starting": starting}
"""The sources that have places of their own in a feed, by the column that holds their lists; `exploring` is drawn."""

BY_TASTE = ("following", "trending")
"""Of those, the ones whose best for a viewer are chosen by taste; what newcomers meet is as their segment has it."""


def _through(
    night: Night,
    rows: matrices.Rows,
    matrix: matrices.Rows,
    viewers: NDArray[np.int32],
    length: int,
    eligible: NDArray[np.bool_],
) -> Lists:
    seen = night.left_out(viewers)
    return topk.top_k_sparse(
        rows.indptr,
        rows.indices,
        rows.values,
        matrix.csr(len(eligible)),
        length,
        seen_indptr=seen.indptr,
        seen_indices=seen.indices,
        eligible=eligible,
    )


@numba.njit(cache=True)
def _by_creators(ids, scores, sources, log_multipliers):  # type: ignore[no-untyped-def]
    """Adds to each score what its video's creator is worth, and puts the rows in order again, equal ones by lower id.

    In place. The rows are nearly in order, so each entry moves a few places up.
    """
    for row in range(ids.shape[0]):
        for place in range(ids.shape[1]):
            video, found = ids[row, place], sources[row, place]
            if video < 0:
                break
            score = scores[row, place] + log_multipliers[video]
            at = place
            while at > 0 and (
                scores[row, at - 1] < score or (scores[row, at - 1] == score and ids[row, at - 1] > video)
            ):
                ids[row, at], scores[row, at], sources[row, at] = (
                    ids[row, at - 1],
                    scores[row, at - 1],
                    sources[row, at - 1],
                )
                at -= 1
            ids[row, at], scores[row, at], sources[row, at] = video, score, found
