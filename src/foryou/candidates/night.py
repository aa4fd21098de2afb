"""What the candidate sources of a night score with: arrays that the driver leaves and every worker maps."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.candidates.avoided import Avoided
from foryou.models import matrices
from foryou.models.matrices import Rows
from foryou.tables import EVERYWHERE, ladder


@dataclass(frozen=True)
class Night:
    """Arrays by dense id: viewer arrays have a row for every viewer id, video arrays one for every video id.

    `viewers` are those to serve, in the order of their names. Factors and contents are of one scale
    (`taste.of_one_scale`): the sum of both dot products is a viewer's taste for a video, and `scales` [viewers, 2] is
    what the viewer's own vectors were multiplied with for it. `hidden`, `faded` and `about`
    are what viewers avoid (`avoided.py`). `liked` has each viewer's newest liked videos with their strengths, `similar`
    each video's neighbours, `popular` each segment's list; `segments` gives each viewer's row in `popular`. `follows`
    has the creators that each viewer follows, by number, and `new_of_creator` each one's new videos. `trending` has
    each country's list, and `countries` each viewer's row there. `log_multipliers` is what a video's creator adds to
    its blended score. `known` is the share of a feed that goes to the viewer's own candidates.

    `wide` says which videos may stand outside exploration places; `tests` are those that may only stand there, with
    `test_room`, `test_logs` and `test_newness` (`exploring.Tests`) and each viewer's `groups`; `seed` [1] draws them.
    `starting` has what each segment starts with, a row for each of `popular`.
    """

    viewers: NDArray[np.int32]
    viewer_factors: NDArray[np.float32]
    video_factors: NDArray[np.float32]
    has_factors: NDArray[np.bool_]
    viewer_contents: NDArray[np.float32]
    video_contents: NDArray[np.float32]
    scales: NDArray[np.float32]
    seen: Rows
    hidden: Rows
    faded: Rows
    about: Rows
    liked: Rows
    similar: Rows
    popular: Rows
    segments: NDArray[np.int32]
    follows: Rows
    new_of_creator: Rows
    trending: Rows
    countries: NDArray[np.int32]
    log_multipliers: NDArray[np.float32]
    known: NDArray[np.float32]
    shown: NDArray[np.bool_]
    for_all: NDArray[np.bool_]
    adult: NDArray[np.bool_]
    wide: NDArray[np.bool_]
    tests: NDArray[np.int32]
    test_room: NDArray[np.float32]
    test_logs: NDArray[np.float32]
    test_newness: NDArray[np.float32]
    groups: NDArray[np.int32]
    seed: NDArray[np.uint64]
    starting: Rows

    @classmethod
    def open(cls, folder: Path) -> Night:
        """The night as `save` left it, mapped; `Rows` fields are recognised by their three files."""
        names = [field.name for field in fields(cls)]
        read: dict[str, Any] = {
            name: matrices.shared_rows(folder, name)
            if (folder / f"{name}_indptr.npy").exists()
            else matrices.shared(folder, name)
            for name in names
        }
        return cls(**read)

    @property
    def avoided(self) -> Avoided:
        return Avoided(self.hidden, self.faded, self.about)

    def left_out(self, viewers: NDArray[np.int32]) -> Rows:
        """The videos that no list of these viewers may hold: seen, muted, blocked, lately refused."""
        return matrices.beside(self.seen.of(viewers), self.avoided.of(viewers))

    def save(self, folder: Path) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Rows):
                matrices.share_rows(folder, field.name, value)
            else:
                matrices.share(folder, {field.name: value})


def newest_liked(interactions: pa.Table, each: int, height: int) -> Rows:
    """Each viewer's `each` newest liked videos with their strengths; equal days go by strength, then by id."""
    liked = interactions.filter(pc.greater(interactions["strength"], 0.0))
    viewer, video = liked["viewer"].to_numpy(), liked["video"].to_numpy()
    strength = liked["strength"].to_numpy()
    day = liked["last_day"].cast(pa.int32()).to_numpy()
    # Two keys sort twice as fast as four. A positive float and its bits have one order.
    newest_first = viewer.astype(np.int64) << 32 | (day.max(initial=0) - day)
    strongest_first = (-strength.view(np.int32).astype(np.int64)) << 32 | video
    order = np.lexsort((strongest_first, newest_first))
    first = np.diff(viewer[order], prepend=-1) != 0
    starts = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    newest = order[np.arange(len(order)) - starts < each]
    return matrices.rows(
        pa.chunked_array([viewer[newest]]),
        pa.chunked_array([video[newest]]),
        pa.chunked_array([strength[newest]]),
        height,
    )


def popular_rows(popular: pa.Table) -> tuple[list[str], Rows]:
    """The segments, sorted, and a row of scores for each."""
    names = sorted(set(popular["segment"].to_pylist()) | {EVERYWHERE})
    place = pc.index_in(popular["segment"], pa.array(names))
    return names, matrices.rows(place, popular["video"], popular["score"], len(names))


def trending_rows(trending: pa.Table) -> tuple[list[str], Rows]:
    """The countries, `*` first, and a row of scores for each."""
    names = sorted({*trending["country"].to_pylist(), "*"})
    place = pc.index_in(trending["country"], pa.array(names))
    return names, matrices.rows(place, trending["video"], trending["score"], len(names))


def own_countries(viewers: pa.Table, names: list[str], height: int) -> NDArray[np.int32]:
    """Each viewer's country as a place in `names`, that of `*` if it has no list."""
    found = np.full(height, names.index("*"), np.int32)
    place = pc.fill_null(pc.index_in(viewers["country"], pa.array(names)), names.index("*"))
    found[viewers["viewer"].to_numpy()] = place.to_numpy()
    return found


def own_segments(viewers: pa.Table, names: list[str], height: int) -> NDArray[np.int32]:
    """Each viewer's segment as a place in `names`: the narrowest that has a list."""
    place = {name: row for row, name in enumerate(names)}
    pairs = viewers.group_by(["country", "language"]).aggregate([]).to_pylist()
    found = np.full(height, place[EVERYWHERE], np.int32)
    country, language = (pc.fill_null(viewers[name], "") for name in ("country", "language"))
    for pair in pairs:
        own = next(place[name] for name in ladder(f"{pair['country']}:{pair['language']}") if name in place)
        inside = pc.and_(pc.equal(country, pair["country"] or ""), pc.equal(language, pair["language"] or ""))
        found[viewers["viewer"].filter(inside).to_numpy()] = own
    return found


def flags(ids: pa.ChunkedArray, height: int) -> NDArray[np.bool_]:
    """True at the dense ids named."""
    found = np.zeros(height, bool)
    found[ids.to_numpy()] = True
    return found


def followed(follows: pa.Table, viewer_ids: pa.Table, creators: pa.Array) -> Rows:
    """The creators that each viewer follows, as places in `creators`; those without a video there are left out."""
    place = pc.index_in(follows["viewer_id"], viewer_ids["viewer_id"].combine_chunks())
    creator = pc.index_in(follows["creator_id"], creators)
    both = pc.and_(pc.is_valid(place), pc.is_valid(creator))
    viewer = viewer_ids["viewer"].take(place.filter(both))
    return matrices.rows(viewer, creator.filter(both), None, viewer_ids.num_rows)


def new_of_creators(videos: pa.Table, day: date, days: int) -> tuple[pa.Array, Rows]:
    """The creators of videos, sorted, and of each the videos uploaded within so many days: 1 for today's, less before.

    `videos` holds `video`, `creator_id` and `uploaded_at`.
    """
    made = videos.filter(pc.is_valid(videos["creator_id"]))
    creators = pc.unique(made["creator_id"])
    creators = creators.take(pc.sort_indices(creators))
    age = (day - date(1970, 1, 1)).days - made["uploaded_at"].cast(pa.date32()).cast(pa.int32()).to_numpy()
    new = made.append_column("worth", pa.array(1 - age / days, pa.float32())).filter(pa.array(age < days))
    place = pc.index_in(new["creator_id"], creators)
    return creators, matrices.rows(place, new["video"], new["worth"], len(creators))


def known(interactions: pa.Table, enough: int, height: int) -> NDArray[np.float32]:
    """How much is known of each viewer, 0 to 1: `1 - (1 - met / enough)^4` of the videos met inside the window.

    On a world of 1 M events own lists are as good as the starters for viewers of one or two videos (truth of the first
    8 .45 and .45), clearly better from six on (.51, .45) and much better from eleven on (.54, .45).
    """
    met = np.bincount(interactions["viewer"].to_numpy(), minlength=height)
    return (1 - (1 - np.minimum(1, met / enough)) ** 4).astype(np.float32)


def starting_rows(starters: pa.Table, popular: pa.Table, names: list[str]) -> Rows:
    """For each segment of `names` what it starts with: the first slate of it or of a wider one, then what is popular.

    The slate's scores lie above 1, slot by slot, and those of popular videos below, rank by rank.
    """
    first = starters.filter(pc.equal(starters["path"], ""))
    slates = {
        segment: first.filter(pc.equal(first["segment"], segment)) for segment in set(first["segment"].to_pylist())
    }
    rows: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
    videos, scores = [np.empty(0, np.int32)], [np.empty(0, np.float32)]
    for number, name in enumerate(names):
        own = next((rung for rung in ladder(name) if rung in slates), None)
        listed = popular.filter(pc.equal(popular["segment"], name))
        parts = [(listed["video"].to_numpy(), 1 / (1 + listed["rank"].to_numpy()))]
        if own is not None:
            parts.insert(0, (slates[own]["video"].to_numpy(), 2 - slates[own]["slot"].to_numpy() / 100))
        for video, score in parts:
            rows.append(np.full(len(video), number, np.int32))
            videos.append(video.astype(np.int32))
            scores.append(score.astype(np.float32))
    row, video, score = (pa.chunked_array([np.concatenate(part)]) for part in (rows, videos, scores))
    return matrices.rows(row, video, score, len(names))


def groups(profiles: pa.Table, height: int) -> NDArray[np.int32]:
    """Each viewer's coarse group, -1 for none."""
    found = np.full(height, -1, np.int32)
    found[profiles["viewer"].to_numpy()] = pc.fill_null(profiles["group"], -1).to_numpy()
    return found
