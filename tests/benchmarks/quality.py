"""How good the lists of each program are: against the world's truth, and on the day that nobody has seen.

Truth: the mean probability of a good watch over a viewer's first 20 and 100 videos, by the world's `affinity`; what
cannot be shown that day (taken down, not for this viewer's age) and places left empty count 0. And the same of the
first 20 places watched in one sitting, since in these worlds, too, people tire of one topic.
Held-out day: recall and NDCG of good watches of videos that were known by then and not seen before. The log shows
what the world's own policy chose to show, so recall rewards imitating that policy, popularity above all; the truth
does not.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from foryou.sources.world import Truth, open_truth
from foryou.sources.world_sessions import FURTHER_DOWN, MOST_OF_TOPIC, SAME_TOPIC
from foryou.sources.world_truth import sigmoid
from tests.benchmarks import listed
from tests.benchmarks.listed import DEPTH, Ints, Lists
from tests.benchmarks.watch import Say
from tests.benchmarks.worlds import Size

JUDGED, BEST_JUDGED, SEED = 4_000, 500, 5
DEPTHS = (20, DEPTH)


def judge(size: Size, landing: Path, work: Path, programs: Collection[str], say: Say) -> dict[str, Any]:
    """One entry per ranking of these programs in `work`; all measures are means over the same viewers."""
    truth = open_truth(landing)
    db = listed.database(truth, size, work)
    say("quality: reading the log")
    listed.read_log(db, landing, size)
    rankings = listed.rankings(work, programs)
    found: dict[str, Any] = {}
    for name, (files, items, length) in rankings.items():
        say(f"quality: {name}")
        listed.load(db, name, files, items)
        found[name] = listed.faults(db, name, length)
    viewers = _viewers(db, list(rankings), truth)
    lists = {name: listed.top(db, name, viewers) for name in rankings} | _references(db, truth, viewers, size.days)
    goods = _goods(db, viewers)
    db.close()
    (work / "quality.duckdb").unlink(missing_ok=True)
    known = truth.showable(size.days)
    for name, rows in lists.items():
        values = _expected(truth, viewers, rows, known) | _held_out(goods, rows)
        found[name] = found.get(name, {}) | {measure: round(value, 5) for measure, value in values.items()}
    return {"viewers": len(viewers), "held_out_viewers": len(goods), "rankings": found}


def _viewers(db: duckdb.DuckDBPyConnection, names: list[str], truth: Truth) -> Ints:
    """Up to `JUDGED` people whom every program serves and who had a good watch before."""
    query = "SELECT viewer FROM met " + " ".join(f"SEMI JOIN list_{name} USING (viewer)" for name in names)
    served = np.sort(listed.columns(db, query)["viewer"])
    people = served[~truth.robot[served]]
    chosen = np.random.default_rng(SEED).choice(people, min(JUDGED, len(people)), replace=False)
    return np.sort(chosen)


def _references(db: duckdb.DuckDBPyConnection, truth: Truth, viewers: Ints, day: int) -> dict[str, Lists]:
    """Popularity (good watchers of a week), chance, and the best there could be, all unseen and showable."""
    seen = listed.pairs(db, "seen", viewers)
    popular = listed.columns(db, "SELECT video FROM popular ORDER BY good_watchers DESC, video")["video"]
    rng = np.random.default_rng(SEED)
    chance, best = np.full((2, len(viewers), DEPTH), -1, np.int64)
    pool = np.flatnonzero(truth.showable(day))
    liked = np.full((len(viewers), DEPTH), -1, np.int64)
    for row, viewer in enumerate(viewers):
        had = seen.get(viewer, np.empty(0, np.int64))
        liked[row] = _padded(popular[~np.isin(popular, had)])
        chance[row] = _padded(rng.choice(pool, min(len(pool), 400), replace=False))
        if row < BEST_JUDGED:
            best[row] = _best(truth, viewer, pool[~np.isin(pool, had)])
    return {"popularity": liked, "chance": chance, "best_possible": best}


def _best(truth: Truth, viewer: int, pool: Ints) -> Lists:
    odds = truth.affinities(np.array([viewer]))[0, pool] * ~(truth.adult[pool] & truth.minor[viewer])
    return _padded(pool[np.argsort(-odds)[:DEPTH]])


def _padded(videos: Ints) -> Ints:
    row = np.full(DEPTH, -1, np.int64)
    row[: min(len(row), len(videos))] = videos[: len(row)]
    return row


def _goods(db: duckdb.DuckDBPyConnection, viewers: Ints) -> dict[int, Ints]:
    """By row in `viewers`: the held-out day's good watches."""
    row_of = {int(viewer): row for row, viewer in enumerate(viewers)}
    return {row_of[viewer]: videos for viewer, videos in listed.pairs(db, "goods", viewers).items()}


def _expected(truth: Truth, viewers: Ints, lists: Lists, known: NDArray[np.bool_]) -> dict[str, float]:
    """`truth@k`: mean probability of a good watch over the first k places; `se` is its standard error.

    `sitting@20`: the same of the first 20, each less what the world takes off for the place and for videos of its topic
    that came before.
    """
    some = np.flatnonzero((lists >= 0).any(axis=1))
    rows, who = lists[some], viewers[some]
    chances = truth.affinity(who, np.maximum(rows, 0))
    allowed = (rows >= 0) & known[rows] & ~(truth.adult[rows] & truth.minor[who][:, None])
    chances = np.where(allowed, chances, 0.0)
    found = {f"truth@{k}": float(chances[:, :k].mean()) for k in DEPTHS}
    found["sitting@20"] = float(_in_one_sitting(truth.topic[rows[:, :20]], allowed[:, :20], chances[:, :20]).mean())
    return found | {"truth@100_se": float(chances.mean(axis=1).std() / np.sqrt(max(1, len(some))))}


def _in_one_sitting(topics: Ints, shown: NDArray[np.bool_], chances: NDArray[np.floating]) -> NDArray[np.floating]:
    """The chances [lists, places] when the places are watched one after another; 0 where nothing is shown."""
    places = np.arange(topics.shape[1])
    same = (topics[:, :, None] == topics[:, None, :]) & shown[:, None, :] & (places[:, None] > places)
    tired = SAME_TOPIC * np.minimum(same.sum(axis=2), MOST_OF_TOPIC) + FURTHER_DOWN * (places + 1)
    some = np.clip(chances, 1e-9, 1 - 1e-9)
    return np.where(shown, sigmoid(np.log(some / (1 - some)) - tired), 0)


def _held_out(goods: dict[int, Ints], lists: Lists) -> dict[str, float]:
    """`recall@k` over min(k, good watches) and `ndcg@k`, means over viewers with a good watch that day."""
    if not goods or (lists[list(goods)] < 0).all(axis=1).any():
        return {}
    hits = np.stack([np.isin(lists[row], videos) for row, videos in goods.items()])
    counts = np.array([len(videos) for videos in goods.values()])
    gain = 1 / np.log2(np.arange(2, DEPTH + 2))
    ideal = np.cumsum(gain)
    found = {}
    for k in DEPTHS:
        found[f"recall@{k}"] = float((hits[:, :k].sum(axis=1) / np.minimum(counts, k)).mean())
        found[f"ndcg@{k}"] = float((hits[:, :k] @ gain[:k] / ideal[np.minimum(counts, k) - 1]).mean())
    return found
