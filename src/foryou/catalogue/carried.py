"""What videos carry, tags and sounds, as a sparse matrix: so that counts of videos become counts of tags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

TAG, SOUND = 0, 1


@dataclass(frozen=True)
class Carried:
    """`on` [things, videos by dense id] is 1 where a video carries a thing; each thing has its kind and its name."""

    kinds: NDArray[np.int64]
    names: pa.Array
    on: sparse.csr_matrix

    def of_kind(self, kind: int) -> Carried:
        return self.only(np.flatnonzero(self.kinds == kind))

    def only(self, things: NDArray[np.int64]) -> Carried:
        return Carried(self.kinds[things], self.names.take(pa.array(things)), self.on[things])

    def pairs(self, videos: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Place in `videos` and thing, for every thing of every one of them."""
        by_video = self.on.T.tocsr()
        start, count = by_video.indptr[videos].astype(np.int64), np.diff(by_video.indptr)[videos]
        place = np.repeat(np.arange(len(videos)), count)
        within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        return place, by_video.indices[start[place] + within].astype(np.int64)


def of_videos(videos: pa.Table, height: int) -> Carried:
    """The tags and sounds of `videos` (`video`, `tags`, `sound_id`); dense ids are below `height`."""
    video = videos["video"].to_numpy()
    tags = videos["tags"].combine_chunks()
    tagged = video[pc.list_parent_indices(tags).to_numpy()]
    has_sound = videos["sound_id"].is_valid()
    parts = [_carried(tags.flatten(), tagged, height)]
    parts.append(_carried(videos["sound_id"].filter(has_sound).combine_chunks(), video[has_sound.to_numpy()], height))
    kinds = np.repeat([TAG, SOUND], [len(names) for names, _ in parts])
    names = pa.concat_arrays([names for names, _ in parts])
    return Carried(kinds, names, sparse.vstack([on for _, on in parts], format="csr", dtype=np.int64))


def _carried(names: pa.Array, video: NDArray[np.int32], height: int) -> tuple[pa.Array, sparse.csr_matrix]:
    known = names.is_valid()
    coded = names.filter(known).dictionary_encode()
    thing = coded.indices.to_numpy()
    ones = np.ones(len(thing), np.int64)
    on = sparse.csr_matrix(
        (ones, (thing, video[known.to_numpy(zero_copy_only=False)])), shape=(len(coded.dictionary), height)
    )
    on.data[:] = 1  # a tag that comes twice counts once
    return coded.dictionary, on
