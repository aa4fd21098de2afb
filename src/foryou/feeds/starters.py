"""Starters: slates of videos for viewers nobody knows, as a table that a service can walk (DESIGN §7, starter slate).

A slate has eight places. The first one of a segment (path empty) is greedy over quality with distinct topics, sounds
and creators. What somebody does with it leads to the next: path `cooking` is for who watched cooking well, four more of
that topic and four of topics not offered yet; `cooking>pets` goes one step further. No video comes twice on a path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.settings import Starters
from foryou.tables import EVERYWHERE, starting_rungs

SLATE, OF_TOPIC = 8, 4


@dataclass(frozen=True)
class Pool:
    """The videos of one segment that a slate may hold, best first: dense ids, and numbers of topics, sounds, creators.

    A video without sound or creator has a number there that no other has.
    """

    videos: NDArray[np.int32]
    quality: NDArray[np.float32]
    topic: NDArray[np.int32]
    sound: NDArray[np.int32]
    creator: NDArray[np.int32]


def fit_to_start(stats: pa.Table, clusters: NDArray[np.int32], height: int, settings: Starters) -> NDArray[np.float32]:
    """The quality of each video by dense id, -1 where the floors keep it from newcomers.

    `stats` are rows of `video_stats`; `clusters` [height] says in how many viewer clusters the video was watched well.
    Floors: distinct viewers, quality, viewer clusters; ceiling: exit rate of new viewers. Unknown exit rates pass.
    """
    quality = np.full(height, -1, np.float32)
    exits = pc.fill_null(stats["new_exit_rate"], 0.0).to_numpy()
    fine = (
        (stats["viewers"].to_numpy() >= settings.min_viewers)
        & (stats["quality"].to_numpy() >= settings.min_quality)
        & (exits <= settings.max_exit_rate)
    )
    video = stats["video"].to_numpy()
    fine &= clusters[video] >= settings.min_clusters
    quality[video[fine]] = stats["quality"].to_numpy()[fine]
    return quality


def clusters_reached(
    viewer: NDArray[np.int32], video: NDArray[np.int32], cluster: NDArray[np.int32], height: int
) -> NDArray[np.int32]:
    """In how many viewer clusters each video was watched well; `viewer` and `video` are pairs of good watches.

    `cluster` has each viewer's by dense id, -1 for none.
    """
    of = cluster[viewer]
    reached = np.zeros((height, 1 + int(of.max(initial=-1))), bool)
    reached[video[of >= 0], of[of >= 0]] = True
    return reached.sum(axis=1, dtype=np.int32)


def pools(
    popular: pa.Table, quality: NDArray[np.float32], videos: pa.Table, topics: NDArray[np.int32]
) -> dict[str, Pool]:
    """Each segment's pool: its popular videos that are fit to start with, by falling quality, then by rank.

    `popular` has `segment`, `rank`, `video`; `videos` has `video`, `sound_id`, `creator_id` and one row per dense id;
    `topics` [videos] numbers topics, -1 for none: such a video teaches nothing about taste and is left out.
    """
    sound, creator = (_numbers(videos, name) for name in ("sound_id", "creator_id"))
    found = {}
    for segment in sorted(set(popular["segment"].to_pylist())):
        listed = popular.filter(pc.equal(popular["segment"], segment))
        video, rank = listed["video"].to_numpy(), listed["rank"].to_numpy()
        fit = (quality[video] >= 0) & (topics[video] >= 0)
        video = video[fit][np.lexsort((rank[fit], -quality[video[fit]]))]
        found[segment] = Pool(video, quality[video], topics[video], sound[video], creator[video])
    return found


def topics(
    videos: pa.Table, of_video: pa.Table, clusters: pa.Table, height: int
) -> tuple[list[str], NDArray[np.int32]]:
    """The names of topics and each video's: its category, else the label of its cluster; -1 if it has neither.

    `videos` has `video` and `category`, `of_video` has `video` and `cluster`, `clusters` has `cluster` and `label`.
    Paths join names by `>`, so a `>` in one is written `›`.
    """
    labels = clusters["label"].combine_chunks().take(_place(of_video["cluster"], clusters["cluster"]))
    named = pc.coalesce(videos["category"], labels.take(_place(videos["video"], of_video["video"])))
    named = pc.replace_substring(named, ">", "›")
    names = pc.unique(named).drop_null()
    found = np.full(height, -1, np.int32)
    found[videos["video"].to_numpy()] = pc.fill_null(pc.index_in(named, names), -1).to_numpy()
    return names.to_pylist(), found


def _place(of: pa.ChunkedArray, among: pa.ChunkedArray) -> pa.Array:
    return pc.index_in(of, among.combine_chunks()).combine_chunks()


def _numbers(videos: pa.Table, name: str) -> NDArray[np.int32]:
    """The column as numbers by dense id; nulls and videos that are not there get numbers of their own."""
    codes = videos[name].combine_chunks().dictionary_encode().indices
    height = 1 + (pc.max(videos["video"]).as_py() or 0)
    numbers = -1 - np.arange(height, dtype=np.int32)
    known = pc.is_valid(codes).to_numpy(zero_copy_only=False)
    numbers[videos["video"].to_numpy()[known]] = codes.drop_null().to_numpy()
    return numbers


def build(pools: dict[str, Pool], names: list[str], settings: Starters) -> pa.Table:
    """One row per segment, path and slot (from 1): the video and its topic; `names` are those of the topics.

    A segment whose first slate cannot be filled has no rows: its newcomers go up the ladder `US:en`, `*:en`, `*:*`.
    Nor has one whose first slate is that of the segment that they come to then: it would hide the variants there.
    """
    rows: list[tuple[str, str, int, int, str, float]] = []
    first: dict[str, list[int]] = {}
    for segment in sorted(pools, key=lambda name: (len(_wider(name)), name)):
        pool = pools[segment]
        slates = _walk(pool, len(names), settings.steps)
        if len(slates[()]) < SLATE and segment != EVERYWHERE:
            continue
        opens = pool.videos[slates[()]].tolist()
        if opens == next((first[name] for name in _wider(segment) if name in first), None):
            continue
        first[segment] = opens
        for path, places in slates.items():
            told = ">".join(names[topic] for topic in path)
            for slot, place in enumerate(places.tolist(), start=1):
                video, topic, quality = pool.videos[place], names[pool.topic[place]], pool.quality[place]
                rows.append((segment, told, slot, int(video), topic, float(quality)))
    kinds = (pa.string(), pa.string(), pa.int32(), pa.int32(), pa.string(), pa.float32())
    columns = zip(*rows, strict=True) if rows else ([] for _ in kinds)
    of = ("segment", "path", "slot", "video", "topic", "score")
    return pa.table({n: pa.array(v, k) for n, v, k in zip(of, columns, kinds, strict=True)})


def _wider(segment: str) -> list[str]:
    """The segments that a reader comes to where this one has no rows, in order."""
    plain, at, variant = segment.partition("@")
    return starting_rungs(plain, [at + variant] if variant else [])[1:]


Path = tuple[int, ...]


def _walk(pool: Pool, topics: int, steps: int) -> dict[Path, NDArray[np.int64]]:
    """Every slate that can be come to in so many steps, by the topics watched on the way: places in the pool."""
    slates: dict[Path, NDArray[np.int64]] = {}
    open_paths: list[Path] = [()]
    while open_paths:
        path = open_paths.pop(0)
        shown = [slates[path[:step]] for step in range(len(path))]
        used = np.zeros(len(pool.videos), bool)
        used[np.concatenate([np.empty(0, np.int64), *shown])] = True
        offered = np.zeros(topics, bool)
        offered[pool.topic[used]] = True
        places = _slate(pool.topic, pool.sound, pool.creator, used, offered, path[-1] if path else -1)
        if not len(places) and path:
            continue
        slates[path] = places
        if len(path) < steps:
            open_paths += [(*path, topic) for topic in dict.fromkeys(pool.topic[places].tolist())]
    return slates


@numba.njit(cache=True)
def _slate(topic, sound, creator, used, offered, watched):  # type: ignore[no-untyped-def]
    """Places of one slate, greedy: four of the topic watched, then topics not offered yet, then any not in the slate.

    No sound and no creator twice; `used` are places shown before on the path.
    """
    chosen = np.full(SLATE, -1, np.int64)
    count = 0
    for turn in range(3):
        for place in range(topic.size):
            if count == (OF_TOPIC if turn == 0 else SLATE):
                break
            if used[place] or (turn == 0) != (topic[place] == watched) or (turn == 1 and offered[topic[place]]):
                continue
            fresh = True
            for other in chosen[:count]:
                same_topic = turn > 0 and topic[other] == topic[place]
                fresh &= not (
                    other == place or same_topic or sound[other] == sound[place] or creator[other] == creator[place]
                )
            if fresh:
                chosen[count] = place
                count += 1
    return chosen[:count]
