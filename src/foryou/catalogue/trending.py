"""The best videos of what rises: what to show to people who want to see it rise."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.catalogue import carried
from foryou.catalogue.carried import SOUND, TAG, Carried
from foryou.catalogue.trends import EVERY, places_of, ranks, viewers_places
from foryou.settings import Trends

Ints = NDArray[np.int64]


def build(
    trends: pa.Table, views: pa.Table, viewers: pa.Table, videos: pa.Table, stats: pa.Table, settings: Trends
) -> pa.Table:
    """One row per country and rank: a video of what rises there, by its quality.

    Of each row of `trends` the best `videos_a_trend` that were watched in that country on the day (`views` holds that
    day) and may be shown to everybody; equal quality goes by lower id. A video that nobody can be sure of is low
    down: `quality` of `stats` is a lower bound.
    """
    height = 1 + max((pc.max(table["video"]).as_py() or 0) for table in (views, videos))
    places = [*sorted({*trends["country"].to_pylist()} - {EVERY}), EVERY]
    of_videos = carried.of_videos(videos.filter(videos["for_all"]), height)
    row, video = _carriers(trends, of_videos)
    place = places_of(trends["country"], places)[row]
    met = _met(views, viewers, places, height)[place, video]
    quality = _by_video(stats, "quality", height)
    row, video = _best(row[met], video[met], quality, settings.videos_a_trend)
    pair = np.unique(places_of(trends["country"], places)[row] * height + video)
    place, video = _best(pair // height, pair % height, quality, settings.trending_length)
    return pa.table(
        {
            "country": pa.array(places, pa.string()).take(pa.array(place)),
            "rank": ranks(place),
            "video": video.astype(np.int32),
            "score": quality[video],
        }
    )


def _carriers(trends: pa.Table, of_videos: Carried) -> tuple[Ints, Ints]:
    """Row of `trends` and video, for every video that carries what rises."""
    found = []
    for kind, kinds in ((TAG, ["tag", "challenge"]), (SOUND, ["sound"])):
        rows = np.flatnonzero(pc.is_in(trends["kind"], pa.array(kinds)).to_numpy())
        own = of_videos.of_kind(kind)
        thing = pc.index_in(trends["name"].take(pa.array(rows)), own.names)
        known = thing.is_valid().to_numpy()
        carriers = own.on[thing.drop_null().to_numpy()].tocoo()
        found.append((rows[known][carriers.row], carriers.col))
    return np.concatenate([row for row, _ in found]), np.concatenate([video for _, video in found]).astype(np.int64)


def _met(views: pa.Table, viewers: pa.Table, places: list[str], height: int) -> NDArray[np.bool_]:
    """Whether a video was watched [place, video]; everywhere, at the last place."""
    viewer = views["viewer"].to_numpy()
    place = viewers_places(viewers, places, 1 + int(viewer.max(initial=-1)))
    found = np.zeros((len(places), height), bool)
    found[place[viewer], views["video"].to_numpy()] = True
    found[-1] = found.any(axis=0)
    return found


def _best(group: Ints, video: Ints, quality: NDArray[np.float32], most: int) -> tuple[Ints, Ints]:
    """The best of each group, best first, equal ones by the lower id."""
    order = np.lexsort((video, -quality[video], group))
    near = ranks(group[order]) <= most
    return group[order][near], video[order][near]


def _by_video(stats: pa.Table, name: str, height: int) -> NDArray[np.float32]:
    found = np.zeros(height, np.float32)
    inside = stats.filter(pc.less(stats["video"], height))
    found[inside["video"].to_numpy()] = inside[name].to_numpy()
    return found
