"""What the reasons of a feed rest on, and which of them each video is given."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foryou.feeds import finished, reasons
from foryou.models import matrices
from foryou.models.matrices import Rows
from foryou.settings import Feeds
from foryou.tables import KEPT, PARTS, SOURCES

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_POPULAR = 1 << SOURCES.index("popular")
_CODE_OF_KEPT = np.array([reasons.CODES.index(name) for name in KEPT], np.int32)


@dataclass(frozen=True)
class Grounds:
    """Arrays by dense id: of viewers, of videos, and of tags by their numbers.

    `finished` has the videos that each viewer watched well inside the window, with how far each counts; `tags` each
    video's tags in the order of its own list, with their weight in its content vector, 0 for one that tells nothing.
    `tastes` are the viewers' tastes for content and `vectors` the videos' embeddings: a content score is the dot
    product of two rows, of which a tag's part is weight x (taste . its row of `tag_directions`).

    `hidden` and `about` name what viewers muted, blocked or refused lately, and the videos that this is about. `adult`,
    `shown` and `for_all` tell who may be shown what. `liked_by_many`: enough people watched it well. `praised`: its
    creator's videos do better than others. `new`, `video_country` and `viewer_country` (-1: unknown) say what is new
    where. `rising` has the tags that rise in each country, with their z, and `rising_in` each viewer's row there.
    """

    finished: Rows
    tags: Rows
    tag_directions: Floats
    tastes: Floats
    vectors: Floats
    hidden: Rows
    about: Rows
    adult: Flags
    shown: Flags
    for_all: Flags
    liked_by_many: Flags
    praised: Flags
    new: Flags
    video_country: Ints
    viewer_country: Ints
    rising: Rows
    rising_in: Ints

    @classmethod
    def open(cls, folder: Path) -> Grounds:
        """As `save` left them, mapped."""
        return cls(**{field.name: _shared(folder, field.name) for field in fields(cls)})

    def save(self, folder: Path) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Rows):
                matrices.share_rows(folder, f"of_{field.name}", value)
            else:
                matrices.share(folder, {f"of_{field.name}": value})

    def speakers(self, viewers: Ints) -> Rows:
        """What each of these viewers finished and may be reminded of: may be shown to them, and is not hidden."""
        own = self.finished.of(viewers)
        viewer = np.repeat(np.arange(len(viewers)), np.diff(own.indptr))
        kept = np.where(self.adult[viewers][viewer], self.shown[own.indices], self.for_all[own.indices])
        hidden = np.sort(matrices.through(self.hidden.of(viewers), self.about).pairs())
        place = np.searchsorted(hidden, own.pairs())
        kept &= np.append(hidden, -1)[place] != own.pairs()
        indptr = np.concatenate([[0], np.cumsum(np.bincount(viewer[kept], minlength=len(viewers)))])
        return Rows(indptr.astype(np.int64), own.indices[kept], own.values[kept])


def _shared(folder: Path, name: str) -> Any:
    if (folder / f"of_{name}_indptr.npy").exists():
        return matrices.shared_rows(folder, f"of_{name}")
    return matrices.shared(folder, f"of_{name}")


@dataclass(frozen=True)
class Placed:
    """The places of some viewers' feeds, [viewers, places]: the video, -1 for none; the list that it came from, 0 for
    the viewer's own candidates and 1 + n for the n-th of `tables.KEPT`; its blended score; and of an own candidate the
    bits of its sources, its leading part and by how many hundredths that leads."""

    videos: Ints
    source: NDArray[np.int8]
    scores: Floats
    bits: Ints
    leads: Ints
    leads_by: Ints


def told(of: Grounds, viewers: Ints, placed: Placed, settings: Feeds) -> tuple[Ints, Ints, Floats]:
    """Each place's reason (a number of `reasons.CODES`), its object and its value, each [viewers, places].

    A reason is only given where it is true: people who watch alike only where enough of them watched the video well,
    a tag only where the viewer finished several videos with it that may still be shown to them and that they do not
    hide, a creator only one who does better than others. Where the leading part has no such ground, the viewer's own
    past is asked, and then what is popular.
    """
    own = placed.source == 0
    video = np.maximum(placed.videos, 0)
    by_factors = own & (placed.leads == PARTS.index("factors")) & of.liked_by_many[video]
    by_creator = own & (placed.leads == PARTS.index("creator"))
    popular = own & (placed.bits & _POPULAR != 0)
    fresh = _new_here(of, viewers, video)
    codes = np.full(video.shape, reasons.YOUR_TASTE, np.int32)
    objects = np.full(video.shape, -1, np.int32)
    values = np.where(own, placed.leads_by / 100, placed.scores).astype(np.float32)

    by_popular = popular & (placed.leads == PARTS.index("popular"))
    asked = own & ~by_factors & ~by_popular & ~(by_creator & (fresh | of.praised[video]))
    kinds, found, counts = _speaking(of, viewers, placed.videos, asked, settings.reason_min_finished)
    codes[popular] = reasons.POPULAR_IN
    for kind, code in ((finished.TAG, reasons.FINISHED_TAG), (finished.VIDEO, reasons.SIMILAR_TO)):
        codes[kinds == kind] = code
    speaks = kinds != finished.NOTHING
    objects[speaks], values[speaks] = found[speaks], counts[speaks]
    codes[by_factors] = reasons.LIKE_YOU
    codes[by_creator & of.praised[video]] = reasons.CREATOR
    codes[by_creator & fresh] = reasons.NEW_IN
    _kept(of, viewers, placed, fresh, codes, objects, values)
    return codes, objects, values


def _new_here(of: Grounds, viewers: Ints, video: Ints) -> Flags:
    """Which videos are new and of the viewer's own country."""
    country = of.viewer_country[viewers][:, None]
    same: Flags = of.new[video] & (country >= 0) & (of.video_country[video] == country)
    return same


def _speaking(of: Grounds, viewers: Ints, videos: Ints, asked: Flags, fewest: int) -> tuple[Any, Any, Any]:
    own = of.speakers(viewers)
    comparable = of.tastes.shape[1] == of.vectors.shape[1]  # not where nobody has a taste, or no video a vector
    tastes = of.tastes[viewers] if comparable else np.zeros((len(viewers), of.vectors.shape[1]), np.float32)
    return finished.speaking(  # type: ignore[no-any-return]
        videos,
        asked,
        (own.indptr, own.indices, own.values),
        (of.tags.indptr.view(np.ndarray), of.tags.indices.view(np.ndarray), of.tags.values.view(np.ndarray)),
        of.tag_directions.view(np.ndarray),
        of.vectors.view(np.ndarray),
        np.ascontiguousarray(tastes),
        fewest,
    )


def _kept(of: Grounds, viewers: Ints, placed: Placed, fresh: Flags, codes: Ints, objects: Ints, values: Floats) -> None:
    """Fills in the reasons of the places that are kept for something."""
    kept = placed.source > 0
    codes[kept] = _CODE_OF_KEPT[placed.source[kept] - 1]
    codes[kept & (codes == reasons.EXPLORING) & fresh] = reasons.NEW_IN
    rows, places = np.nonzero(kept & (codes == reasons.TRENDING))
    tags = of.tags.of(placed.videos[rows, places])
    at = np.repeat(np.arange(len(rows)), np.diff(tags.indptr))
    found = of.rising.at(of.rising_in[viewers[rows[at]]], tags.indices)
    rise = np.where(found >= 0, np.append(of.rising.values, np.float32(0))[found], 0)
    best = np.lexsort((np.arange(len(at)), -rise, at))
    best = best[np.diff(at[best], prepend=-1) != 0]
    best = best[rise[best] > 0]
    named = (rows[at[best]], places[at[best]])
    objects[named], values[named] = best - tags.indptr[at[best]], rise[best]
