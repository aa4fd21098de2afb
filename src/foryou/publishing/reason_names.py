"""Reasons as other services read them: a code and, behind a colon, the id or name of what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foryou.feeds import reasons
from foryou.feeds.reasons import CODES
from foryou.models import matrices

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ReasonNames:
    """`names` has every reason there can be, each once: the codes alone, then those of each code with its objects,
    from `starts` on. `tags` [tags of all videos in their order] are numbers, of each video from `tag_starts` on;
    `creators` and `countries` [videos] are numbers, -1 where unknown."""

    names: pa.Array
    starts: dict[int, int]
    tag_starts: NDArray[np.int64]
    tags: NDArray[np.int32]
    creators: NDArray[np.int32]
    countries: NDArray[np.int32]

    @classmethod
    def open(cls, folder: Path, videos: pa.Array, segments: pa.Array) -> ReasonNames:
        """What `save` left, beside the names of `videos` by dense id and of `segments`."""
        tags, creators, countries = (
            pq.read_table(folder / f"reason_{name}.parquet")["name"].combine_chunks()
            for name in ("tags", "creators", "countries")
        )
        objects = {
            reasons.SIMILAR_TO: videos,
            reasons.POPULAR_IN: segments,
            reasons.FINISHED_TAG: tags,
            reasons.TRENDING: tags,
            reasons.FOLLOWING: creators,
            reasons.CREATOR: creators,
            reasons.NEW_IN: countries,
        }
        parts = [pa.array(CODES), *(pc.binary_join_element_wise(CODES[code], of, ":") for code, of in objects.items())]
        starts = np.cumsum([len(part) for part in parts])
        shared = (matrices.shared(folder, f"reason_{name}") for name in ("tag_starts", "tags", "creators", "countries"))
        return cls(pa.concat_arrays(parts), dict(zip(objects, starts.tolist(), strict=False)), *shared)

    def places(self, codes: Ints, objects: Ints, videos: Ints, segments: Ints) -> NDArray[np.int32]:
        """Where each item's reason stands among the names; an object that is not known leaves the code alone.

        codes, objects and videos as the working table of feeds has them, segments as places in theirs.
        """
        at = self.tag_starts[videos] + np.maximum(objects, 0)
        tag = np.append(self.tags, -1)[np.minimum(at, len(self.tags))]
        number = {
            reasons.SIMILAR_TO: objects,
            reasons.POPULAR_IN: segments,
            reasons.FINISHED_TAG: tag,
            reasons.TRENDING: np.where(objects >= 0, tag, -1),
            reasons.FOLLOWING: self.creators[videos],
            reasons.CREATOR: self.creators[videos],
            reasons.NEW_IN: self.countries[videos],
        }
        places = codes.astype(np.int32)
        for code, numbers in number.items():
            named = (codes == code) & (numbers >= 0)
            places[named] = self.starts[code] + numbers[named]
        return places


def save(folder: Path, videos: pa.Table, height: int) -> None:
    """Leaves what `ReasonNames.open` reads, from the catalogue: `video`, `tags`, `creator_id`, `country`."""
    ordered = videos.sort_by("video")
    video, lists = ordered["video"].to_numpy(), ordered["tags"].combine_chunks()
    lengths = np.zeros(height, np.int64)
    lengths[video] = pc.fill_null(lists.value_lengths(), 0).to_numpy()
    arrays = {"reason_tag_starts": np.concatenate([[0], np.cumsum(lengths)])}
    arrays["reason_tags"] = _coded(folder, "tags", lists.flatten())
    for name, column in (("creators", "creator_id"), ("countries", "country")):
        arrays[f"reason_{name}"] = np.full(height, -1, np.int32)
        arrays[f"reason_{name}"][video] = _coded(folder, name, ordered[column].combine_chunks())
    matrices.share(folder, arrays)


def _coded(folder: Path, name: str, texts: pa.Array) -> NDArray[np.int32]:
    """The number of each text, -1 for null; leaves the texts by their numbers."""
    coded = texts.dictionary_encode()
    pq.write_table(pa.table({"name": coded.dictionary}), folder / f"reason_{name}.parquet")
    return pc.fill_null(coded.indices, -1).to_numpy().astype(np.int32)
