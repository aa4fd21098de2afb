"""Views of a simulated day: what `signals/views.py` makes of events with Spark, made of the world's lines with numpy.

A test holds the tables of a real night against these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from foryou.settings import Views
from foryou.signals import watch_norms
from foryou.simulation.sessions import Placed
from foryou.sources.world_lines import KIND, LOGGED_FIGURES, Lines

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

DONE = {"like": "liked", "share": "shared", "comment": "commented", "follow": "followed", "save": "saved"}
UNDONE = {"like": "unlike", "follow": "unfollow"}


def build(
    lines: Lines, placed: Placed, own: NDArray[np.int64], duration_ms: Ints, frozen: pa.Table, settings: Views
) -> pa.Table:
    """One row per viewer and video of the day's `lines`, as `views` has it without `day`.

    `placed` says where the plays among the lines stand in their sessions; `own` are the pairs that were ever posted,
    as `pairs` gives them, ascending; `duration_ms` [videos]; `frozen` are the norms of the days before.
    """
    folded = _fold(lines, placed, own, duration_ms)
    marks = _marks(folded, quantile := _quantile(folded, frozen), settings)
    played = folded.plays > 0
    columns = {"viewer": folded.viewer, "video": folded.video, "plays": folded.plays.astype(np.int32)}
    columns |= {"watched_ms": folded.watched_ms.astype(np.int32)}
    columns |= {"duration_ms": pa.array(folded.duration_ms.astype(np.int32), mask=~played)}
    columns |= {"completion": pa.array(folded.completion.astype(np.float32), mask=~played)}
    columns |= {"rewatched": folded.rewatched} | {column: folded.done[kind] for kind, column in DONE.items()}
    columns |= marks | {"points": _points(folded, marks, settings).astype(np.float32)}
    logged = pl.Series(folded.propensity.astype(np.float64)).round_sig_figs(LOGGED_FIGURES).to_numpy()
    columns |= {"propensity": _known(logged.astype(np.float32)), "own": folded.own, "quantile": _known(quantile)}
    columns |= {"position": pa.array(folded.position.astype(np.int32), mask=folded.position < 1)}
    return pa.table(columns | {"scroll_s": _known(folded.scroll_s.astype(np.float32))})


def pairs(viewer: NDArray[np.integer], video: NDArray[np.integer]) -> Ints:
    """Viewer and video as one number."""
    return viewer.astype(np.int64) << 32 | video


@dataclass(frozen=True)
class _Folded:
    """One entry per pair: its lines put together. `done` says what was done by kind, refusals among it.

    `position` is 0 and `scroll_s` NaN where there is none.
    """

    viewer: NDArray[np.int32]
    video: NDArray[np.int32]
    plays: Ints
    watched_ms: Ints
    duration_ms: Ints
    completion: Floats
    rewatched: Bools
    done: dict[str, Bools]
    propensity: NDArray[np.float32]
    own: Bools
    position: Ints
    scroll_s: Floats


def _fold(lines: Lines, placed: Placed, own: Ints, duration_ms: Ints) -> _Folded:
    order = np.lexsort((lines.at_ms, pairs(lines.viewer, lines.video)))
    lines, placed = lines.take(order), placed.take(order)
    pair = pairs(lines.viewer, lines.video)
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    play = lines.kind == KIND["play"]
    watched = np.where(play, lines.watched_ms, 0).astype(np.int64)
    plays, watched_ms = _reduce(np.add, play.astype(np.int64), first), _reduce(np.add, watched, first)
    duration = duration_ms[lines.video[first]]
    kinds = (*DONE, "not_interested", "report")
    once = {kind: _reduce(np.logical_or, lines.kind == KIND[kind], first) for kind in kinds}
    in_session = _first_where(placed.position > 0, first)
    return _Folded(
        viewer=lines.viewer[first],
        video=lines.video[first],
        plays=plays,
        watched_ms=watched_ms,
        duration_ms=duration,
        completion=np.minimum(1.0, _reduce(np.maximum, watched, first) / duration),
        rewatched=(plays > 0) & ((watched_ms >= 2 * duration) | _again(lines, duration_ms, first)),
        done=once | {kind: _last_is(lines, kind, undone, first) for kind, undone in UNDONE.items()},
        propensity=_reduce(np.fmin, lines.propensity, first),
        own=np.isin(pair[first], own),
        position=np.append(placed.position, 0)[in_session],
        scroll_s=np.append(placed.scroll_s, np.nan)[in_session],
    )


def _again(lines: Lines, duration_ms: Ints, first: Ints) -> Bools:
    """Whether a play later than the pair's first one was at least half through."""
    play = lines.kind == KIND["play"]
    half = play & (2 * lines.watched_ms.astype(np.int64) >= duration_ms[lines.video])
    return _reduce(np.add, half.astype(np.int64), first) > np.append(half, False)[_first_where(play, first)]


def _first_where(wanted: Bools, first: Ints) -> Ints:
    """The place of each group's first entry that is wanted; behind the end where there is none."""
    return _reduce(np.minimum, np.where(wanted, np.arange(len(wanted)), len(wanted)), first)


def _last_is(lines: Lines, kind: str, undone: str, first: Ints) -> Bools:
    """Whether what was last done of the two is `kind`."""
    either = np.isin(lines.kind, (KIND[kind], KIND[undone]))
    last = _reduce(np.maximum, np.where(either, np.arange(len(either)), -1), first)
    return np.where(last >= 0, np.append(lines.kind, -1)[last] == KIND[kind], False)


def _quantile(folded: _Folded, frozen: pa.Table) -> NDArray[np.float32]:
    """Where the watch time stands among those of videos that last as long; NaN where nothing says so."""
    of_length, watched = watch_norms.places(folded.duration_ms, folded.watched_ms)
    ranks = frozen["quantile"].to_numpy().astype(np.float32)
    found = ranks[of_length * watch_norms.BINS + watched]
    return np.where((folded.plays > 0) & ~folded.own, found, np.float32(np.nan))


def _marks(folded: _Folded, quantile: NDArray[np.float32], settings: Views) -> dict[str, Bools]:
    watched_s = folded.watched_ms / 1000
    acted = np.logical_or.reduce([folded.done[kind] for kind in DONE])
    bound_s = np.minimum(settings.skip_max_s, settings.skip_max_share * (folded.duration_ms / 1000))
    short = (folded.plays > 0) & (watched_s < bound_s)
    finished = (folded.completion >= settings.completion_good) & (watched_s >= settings.min_good_watched_s)
    enjoyed = acted | finished | (quantile >= np.float32(settings.quantile_good))
    disliked = folded.done["not_interested"] | folded.done["report"]
    return {"skipped": short & ~acted & ~folded.own, "good": ~short & enjoyed & ~disliked & ~folded.own}


def _points(folded: _Folded, marks: dict[str, Bools], settings: Views) -> Floats:
    relative = np.log1p(folded.duration_ms / 1000) / np.log1p(settings.length_reference_s)
    length = np.where(folded.plays > 0, np.clip(relative, settings.length_min, settings.length_max), 1.0)
    earned = settings.points_rewatch * folded.rewatched + settings.points_completion * folded.completion * length
    for kind in ("share", "comment", "like", "follow", "save"):  # in the order in which Spark adds them
        earned = earned + getattr(settings, f"points_{kind}") * folded.done[kind]
    return np.select(
        [folded.own, folded.done["report"], folded.done["not_interested"], marks["good"], marks["skipped"]],
        [0.0, settings.points_report, settings.points_not_interested, earned, settings.points_skip],
        0.0,
    )


def _known(values: NDArray[np.floating]) -> pa.Array:
    """NaN is null."""
    return pa.array(values, mask=np.isnan(values))


def _reduce(by: np.ufunc, values: NDArray[np.generic], first: Ints) -> NDArray[np.generic]:
    return by.reduceat(values, first) if len(first) else values[:0]
