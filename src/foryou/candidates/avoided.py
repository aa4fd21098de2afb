"""What a viewer does not want to see: muted, blocked, or tired of; and how what was refused comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.models import matrices
from foryou.models.matrices import Rows
from foryou.models.topk import Floats, Ints
from foryou.settings import ViewerControls

Numbers = NDArray[np.integer]

OF_CONTROL = {"mute_sound": "sound", "mute_tag": "tag", "mute_creator": "creator", "block_creator": "creator"}
"""What the target of a control is the name of."""


@dataclass(frozen=True)
class Avoided:
    """Targets are numbered creators, sounds and tags that some viewer avoids.

    `hidden` and `faded` have a row of targets per viewer, the values of `faded` being logarithms of multipliers;
    `about` has a row per target: the videos by it, with it or tagged with it.
    """

    hidden: Rows
    faded: Rows
    about: Rows

    def of(self, viewers: NDArray[np.int32]) -> Rows:
        """The videos that each of these viewers must not be shown."""
        return matrices.through(self.hidden.of(viewers), self.about)

    def fading(self, viewers: NDArray[np.int32]) -> Rows:
        """The videos that stand back for each of these viewers, with the logarithm of each multiplier."""
        return matrices.through(self.faded.of(viewers), self.about)


def build(
    held: pa.Table, tired: pa.Table, videos: pa.Table, height: int, day: date, settings: ViewerControls
) -> Avoided:
    """From `viewer_controls` and `fatigue` of the day and the catalogue (video, creator_id, sound_id, tags).

    `height` is the number of viewers. A target that no video has is there all the same, with an empty row.
    """
    muted = held.filter(pc.is_in(held["kind"], pa.array([*OF_CONTROL])))
    kinds = pa.array([OF_CONTROL[kind] for kind in muted["kind"].to_pylist()], pa.string())
    age_days = (day - date(1970, 1, 1)).days - tired["since"].cast(pa.int32()).to_numpy()
    multipliers = multiplier(age_days, settings)
    asked = pa.concat_arrays([_key(kinds, muted["target"]), _key(tired["kind"], tired["name"])])
    viewer = np.concatenate([muted["viewer"].to_numpy(), tired["viewer"].to_numpy()])
    names = asked.unique()
    target = pc.index_in(asked, names).to_numpy(zero_copy_only=False).astype(np.int32)
    factor = np.concatenate([np.zeros(len(muted)), multipliers])
    hides, fades = factor == 0, (factor > 0) & (factor < 1)
    return Avoided(
        hidden=_rows(viewer[hides], target[hides], None, height),
        faded=_rows(viewer[fades], target[fades], np.log(factor[fades]), height),
        about=_about(videos, names),
    )


def multiplier(age_days: NDArray[np.integer], settings: ViewerControls) -> NDArray[np.float64]:
    """By days since a refusal: 0 while it is hidden, then evenly from `fading_from` to 1 over `fading_days`."""
    faded_days = age_days - settings.hidden_days
    rising = settings.fading_from + (1 - settings.fading_from) * faded_days / settings.fading_days
    return np.where(faded_days < 0, 0.0, np.minimum(rising, 1.0))


def fade(ids: Ints, scores: Floats, sources: Ints, fading: Rows, n_videos: int) -> tuple[Ints, Floats, Ints]:
    """The lists with `score + log(multiplier)`, in the order of these scores; of several multipliers the least counts.

    On a standardised score this is what a multiplier means: as a factor it would raise a negative one (DESIGN §7).
    """
    if not len(fading.indices):
        return ids, scores, sources
    scores = scores.copy()
    _add(ids, scores, fading.indptr, fading.indices, fading.values, np.zeros(n_videos, np.float32))
    order = np.lexsort((ids, -scores), axis=1)
    return tuple(np.take_along_axis(part, order, axis=1) for part in (ids, scores, sources))  # type: ignore[return-value]


@numba.njit(cache=True)
def _add(ids, scores, indptr, indices, values, loss):  # type: ignore[no-untyped-def]
    for row in range(ids.shape[0]):
        for i in range(indptr[row], indptr[row + 1]):
            loss[indices[i]] = min(loss[indices[i]], values[i])
        for place in range(ids.shape[1]):
            if ids[row, place] >= 0:
                scores[row, place] += loss[ids[row, place]]
        for i in range(indptr[row], indptr[row + 1]):
            loss[indices[i]] = 0


def _about(videos: pa.Table, names: pa.Array) -> Rows:
    lists = videos["tags"].combine_chunks()
    tagged = videos["video"].take(pc.list_parent_indices(lists))
    of = [
        (videos["video"], _key("creator", videos["creator_id"])),
        (videos["video"], _key("sound", videos["sound_id"])),
        (tagged, _key("tag", pc.list_flatten(lists))),
    ]
    video = np.concatenate([part.to_numpy() for part, _ in of])
    target = pc.index_in(pa.concat_arrays([key for _, key in of]), names, skip_nulls=True)
    known = pc.is_valid(target)
    return _rows(target.filter(known).to_numpy(), video[known.to_numpy(zero_copy_only=False)], None, len(names))


def _key(kind: pa.ChunkedArray | pa.Array | str, name: pa.ChunkedArray | pa.Array) -> pa.Array:
    joined = pc.binary_join_element_wise(kind, name, ":")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _rows(row: Numbers, column: Numbers, value: NDArray[np.float64] | None, height: int) -> Rows:
    i, j = (pa.chunked_array([pa.array(part, pa.int32())]) for part in (row, column))
    return matrices.rows(i, j, None if value is None else pa.chunked_array([pa.array(value, pa.float32())]), height)
