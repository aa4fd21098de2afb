"""What rises: tags and sounds that are watched, and tags that are posted, more than in the weeks before (DESIGN §7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.catalogue import carried
from foryou.catalogue.carried import TAG, Carried
from foryou.settings import Trends

VIEWS = ["viewer", "video", "day"]
"""What is read of `views`."""

VIDEOS = ["video", "tags", "sound_id", "creator_id", "country", "uploaded_at", "shown", "for_all"]
"""What is read of `videos`."""

EVERY = "*"

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Log:
    """One entry for each time that somebody met, or posted, a video: arrays of one length.

    `ago`: days before the night's; `place`: number of the country, `places - 1` for all others; `actor`: who.
    """

    ago: Ints
    place: Ints
    actor: Ints
    video: Ints
    places: int

    def on(self, ago: int) -> Log:
        chosen = self.ago == ago
        return Log(self.ago[chosen], self.place[chosen], self.actor[chosen], self.video[chosen], self.places)

    def counts(self, height: int) -> Ints:
        """Entries [place, video]; the last place counts all of them."""
        key = self.place * height + self.video
        found = np.bincount(key, minlength=self.places * height).reshape(self.places, height)
        found[-1] = found.sum(axis=0)
        return found


@dataclass(frozen=True)
class Rising:
    """What rises: arrays of one length; `thing` is its row in what videos carry."""

    place: Ints
    thing: Ints
    count: Ints
    share: Floats
    mean: Floats
    z: Floats


def build(views: pa.Table, viewers: pa.Table, videos: pa.Table, day: date, settings: Trends) -> pa.Table:
    """One row per rising tag, sound or challenge of a country, and of all of them together (`*`).

    Tags and sounds by their share of the day's views in the country of the viewer; challenges, which are tags, by
    their share of the day's uploads in the country of the upload (videos not shown are left out). `views` holds the
    days of the window and the night's. With the share p of the day's n, and mean and variance of the days before:

        z = (p - mean) / sqrt(variance + p·(1 - p) / n + floor²)

    Listed are those of at least `min_z` and `min_rise` times the mean that were watched `min_views` times by
    `min_watchers` viewers (challenges: posted by `min_posters` creators). A country with fewer than `min_viewers`
    viewers that day counts in `*` only, and so does who has no country. Needs `min_days` days before; nothing depends
    on other nights.
    """
    height = 1 + max((pc.max(table["video"]).as_py() or 0) for table in (views, videos))
    places = _places(views, viewers, day, settings.min_viewers)
    of_videos = carried.of_videos(videos, height)
    tags = of_videos.of_kind(TAG)
    fewest = (settings.min_views, settings.min_watchers)
    watched = _rising(_watched(views, viewers, places, day), of_videos, *fewest, settings)
    posted = _rising(_posted(videos, places, day), tags, settings.min_posters, settings.min_posters, settings)
    kinds = pa.array(["tag", "sound"]).take(pa.array(of_videos.kinds[watched.thing]))
    challenges = pa.array(["challenge"] * len(posted.thing), pa.string())
    rows = [_rows(watched, kinds, of_videos, places), _rows(posted, challenges, tags, places)]
    return _ranked(pa.concat_tables(rows), settings.length)


def places_of(country: pa.ChunkedArray, places: list[str]) -> Ints:
    """The number of each country among `places`; that of the last of them, `*`, for all that are not there."""
    known = pc.index_in(country, pa.array(places[:-1], pa.string()))
    return pc.fill_null(known, len(places) - 1).to_numpy().astype(np.int64)


def viewers_places(viewers: pa.Table, places: list[str], height: int) -> Ints:
    """The same of each viewer's country, by dense id below `height`."""
    found = np.full(height, len(places) - 1)
    known = viewers.filter(pc.less(viewers["viewer"], height))
    found[known["viewer"].to_numpy()] = places_of(known["country"], places)
    return found


def ranks(group: Ints) -> NDArray[np.int32]:
    """Places from 1 within stretches of equal numbers, which rise."""
    return (1 + np.arange(len(group)) - np.searchsorted(group, group)).astype(np.int32)


def _places(views: pa.Table, viewers: pa.Table, day: date, fewest: int) -> list[str]:
    """The countries with enough viewers on the day, sorted, and `*`."""
    today = views.filter(pc.equal(views["day"], day))
    active = np.unique(today["viewer"].to_numpy())
    sizes = viewers.filter(pc.is_in(viewers["viewer"], pa.array(active)))["country"].drop_null().value_counts()
    large = [str(size["values"]) for size in sizes.to_pylist() if size["counts"] >= fewest]
    return [*sorted(large), EVERY]


def _watched(views: pa.Table, viewers: pa.Table, places: list[str], day: date) -> Log:
    viewer = views["viewer"].to_numpy()
    place = viewers_places(viewers, places, 1 + int(viewer.max(initial=-1)))
    return Log(_ago(views["day"], day), place[viewer], viewer, views["video"].to_numpy(), len(places))


def _posted(videos: pa.Table, places: list[str], day: date) -> Log:
    shown = videos.filter(pc.and_(videos["shown"], videos["uploaded_at"].is_valid()))
    creator = pc.fill_null(shown["creator_id"].combine_chunks().dictionary_encode().indices, -1)
    ago = _ago(shown["uploaded_at"].cast(pa.date32()), day)
    place = places_of(shown["country"], places)
    return Log(ago, place, creator.to_numpy() + 1, shown["video"].to_numpy(), len(places))


def _ago(days: pa.ChunkedArray, day: date) -> Ints:
    return (day - date(1970, 1, 1)).days - days.cast(pa.int32()).to_numpy()


def _rising(log: Log, things: Carried, fewest: int, fewest_actors: int, settings: Trends) -> Rising:
    today = log.on(0)
    many = np.flatnonzero((things.on @ today.counts(things.on.shape[1])[-1]) >= fewest)
    chosen = things.only(many)
    (volume, count, share), *before = [_shares(log.on(ago), chosen) for ago in range(settings.window_days + 1)]
    mean, variance, held = _spread(before)
    noise = share * (1 - share) / np.maximum(volume, 1) + settings.floor_share**2
    z = (share - mean) / np.sqrt(variance + noise)
    rises = (z >= settings.min_z) & (share >= settings.min_rise * mean)
    rises &= (count >= fewest) & (held >= settings.min_days)
    some = np.flatnonzero(rises.any(axis=1))
    rises[some] &= _actors(today, chosen.only(some)) >= fewest_actors
    thing, place = np.nonzero(rises)
    at = (thing, place)
    return Rising(place, many[thing], count[at], share[at], mean[at], z[at])


def _shares(log: Log, things: Carried) -> tuple[Ints, Ints, Floats]:
    """Entries [place], those of each thing [thing, place], and its share of the place's."""
    volume = np.bincount(log.place, minlength=log.places)
    volume[-1] = volume.sum()
    count = things.on @ log.counts(things.on.shape[1]).T
    return volume, count, count / np.maximum(volume, 1)


def _spread(before: list[tuple[Ints, Ints, Floats]]) -> tuple[Floats, Floats, Ints]:
    """Mean and variance of the shares [thing, place] over the days that have any entry, and how many those are."""
    there = [volume > 0 for volume, _, _ in before]
    held = np.sum(there, axis=0)
    mean = sum(share for _, _, share in before) / np.maximum(held, 1)  # no entry, no share
    squares = sum(inside * (share - mean) ** 2 for inside, (_, _, share) in zip(there, before, strict=True))
    return mean, squares / np.maximum(held - 1, 1), held


def _actors(log: Log, things: Carried) -> Ints:
    """How many different actors each thing has [thing, place]."""
    entry, thing = things.pairs(log.video)
    actor, shape = log.actor[entry], (len(things.kinds), log.places)
    found = _distinct(thing * log.places + log.place[entry], actor, shape[0] * shape[1]).reshape(shape)
    found[:, -1] = _distinct(thing, actor, shape[0])
    return found


def _distinct(cell: Ints, actor: Ints, cells: int) -> Ints:
    """How many different actors each of so many cells has."""
    width = 1 + int(actor.max(initial=0))
    return np.bincount(np.unique(cell * width + actor) // width, minlength=cells)


def _rows(rising: Rising, kinds: pa.Array, things: Carried, places: list[str]) -> pa.Table:
    numbers = {name: getattr(rising, name).astype(np.float32) for name in ("share", "mean", "z")}
    names = {
        "country": pa.array(places, pa.string()).take(pa.array(rising.place)),
        "kind": kinds,
        "name": things.names.take(pa.array(rising.thing)),
    }
    return pa.table(names | {"count": rising.count.astype(np.int64)} | numbers)


def _ranked(rows: pa.Table, length: int) -> pa.Table:
    """The first of each country and kind, by z, then by name."""
    by = [("country", "ascending"), ("kind", "ascending"), ("z", "descending"), ("name", "ascending")]
    ordered = rows.sort_by(by)
    group = pc.binary_join_element_wise(ordered["country"], ordered["kind"], " ")
    rank = ranks(group.combine_chunks().dictionary_encode().indices.to_numpy())
    return ordered.append_column("rank", pa.array(rank)).filter(pa.array(rank <= length))
