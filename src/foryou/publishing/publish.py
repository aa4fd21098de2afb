"""Working tables turned into published rows: string ids, reasons as codes, the release on every row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foryou.feeds.reasons import CODES, POPULAR_IN
from foryou.models import matrices
from foryou.publishing import reason_names
from foryou.publishing.reason_names import ReasonNames

_ROWS_A_BLOCK = 2_000


def save_names(
    folder: Path,
    viewer_ids: pa.Table,
    video_ids: pa.Table,
    segments: list[str],
    own: NDArray[np.int32],
    videos: pa.Table,
) -> None:
    """Leaves what workers name things with: ids by dense id, segments, each viewer's place among them, tags, creators.

    `viewer_ids` and `video_ids` have one name for each dense id; `videos` is what `reason_names.save` asks for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in (("viewer", viewer_ids), ("video", video_ids)):
        pq.write_table(table.sort_by(name).select([f"{name}_id"]), folder / f"{name}_names.parquet")
    pq.write_table(pa.table({"segment": segments}), folder / "segments.parquet")
    matrices.share(folder, {"own_segments": own})
    reason_names.save(folder, videos, video_ids.num_rows)


def candidates(part: int, files: list[str], folder: Path, day: date, release_id: str) -> Iterator[pa.Table]:
    """Rows of the published `candidates` from one file of the working table."""
    viewers, videos = _names(folder, "viewer"), _names(folder, "video")
    for rows in _blocks(files[part]):
        fields = {
            "video_id": _dictionary(rows["videos"], videos),
            "score": rows["scores"].combine_chunks().flatten(),
            "sources": rows["sources"].combine_chunks().flatten(),
        }
        yield _published(viewers.take(rows["viewer"]), rows["videos"], fields, "viewer_id", day, release_id)


def feeds(part: int, files: list[str], folder: Path, day: date, release_id: str) -> Iterator[pa.Table]:
    """Rows of the published `feeds` from one file of the working table."""
    viewers, videos = _names(folder, "viewer"), _names(folder, "video")
    segments = pq.read_table(folder / "segments.parquet")["segment"].combine_chunks()
    own = matrices.shared(folder, "own_segments")
    named = ReasonNames.open(folder, videos, segments)
    for rows in _blocks(files[part]):
        lengths = np.diff(rows["videos"].combine_chunks().offsets.to_numpy())
        segment = np.repeat(own[rows["viewer"].to_numpy()], lengths)
        codes = rows["reasons"].combine_chunks().flatten().to_numpy()
        objects = rows["objects"].combine_chunks().flatten().to_numpy()
        about = rows["videos"].combine_chunks().flatten().to_numpy()
        fields = {
            "video_id": _dictionary(rows["videos"], videos),
            "score": rows["scores"].combine_chunks().flatten(),
            "sources": rows["sources"].combine_chunks().flatten(),
            "reason": pa.DictionaryArray.from_arrays(
                pa.array(named.places(codes, objects, about, segment)), named.names
            ),
            "reason_value": rows["values"].combine_chunks().flatten(),
            "propensity": _drawn(rows["propensities"].combine_chunks().flatten()),
        }
        yield _published(viewers.take(rows["viewer"]), rows["videos"], fields, "viewer_id", day, release_id)


def similar(
    rows: pa.Table,
    video_ids: pa.Table,
    shown: NDArray[np.bool_],
    for_all: NDArray[np.bool_],
    day: date,
    release_id: str,
) -> pa.Table:
    """The published `similar`, sorted by video id, of the videos that may be shown.

    Since nobody knows who asks, a video for every age has neighbours for every age only.
    """
    names = video_ids.sort_by("video")["video_id"].combine_chunks()
    rows = _for_every_age(rows.filter(pa.array(shown[rows["video"].to_numpy()])), for_all)
    rows = rows.take(pa.compute.sort_indices(names.take(rows["video"].combine_chunks())))
    fields = {
        "video_id": names.take(rows["videos"].combine_chunks().flatten()),
        "score": rows["scores"].combine_chunks().flatten(),
    }
    return _published(names.take(rows["video"]), rows["videos"], fields, "video_id", day, release_id)


def _for_every_age(rows: pa.Table, for_all: NDArray[np.bool_]) -> pa.Table:
    lists = rows["videos"].combine_chunks()
    place = np.repeat(np.arange(rows.num_rows), np.diff(lists.offsets.to_numpy()))
    kept = for_all[lists.flatten().to_numpy()] | ~for_all[rows["video"].to_numpy()[place]]
    left = np.bincount(place[kept], minlength=rows.num_rows)
    offsets = pa.array(np.concatenate([[0], np.cumsum(left)]).astype(np.int32))
    cut = {
        name: pa.ListArray.from_arrays(offsets, rows[name].combine_chunks().flatten().filter(pa.array(kept)))
        for name in ("videos", "scores")
    }
    return pa.table({"video": rows["video"], **cut}).filter(pa.array(left > 0))


def popular(rows: pa.Table, video_ids: pa.Table, day: date, release_id: str) -> pa.Table:
    """The published `popular`, sorted by segment and rank."""
    names = video_ids.sort_by("video")["video_id"].combine_chunks()
    rows = rows.sort_by([("segment", "ascending"), ("rank", "ascending")])
    return pa.table(
        {
            "day": pa.array([day] * rows.num_rows, pa.date32()),
            "release_id": [release_id] * rows.num_rows,
            "segment": rows["segment"],
            "rank": rows["rank"],
            "video_id": names.take(rows["video"]),
            "score": rows["score"],
            "reason": pa.compute.binary_join_element_wise(CODES[POPULAR_IN], rows["segment"], ":"),
        }
    )


def starters(rows: pa.Table, video_ids: pa.Table, day: date, release_id: str) -> pa.Table:
    """The published `starters`, sorted by segment, path and slot."""
    names = video_ids.sort_by("video")["video_id"].combine_chunks()
    rows = rows.sort_by([(name, "ascending") for name in ("segment", "path", "slot")])
    return pa.table(
        {
            "day": pa.array([day] * rows.num_rows, pa.date32()),
            "release_id": pa.array([release_id] * rows.num_rows, pa.string()),
            **{name: rows[name] for name in ("segment", "path", "slot")},
            "video_id": names.take(rows["video"]),
            "topic": rows["topic"],
            "score": rows["score"],
            "reason": pa.array(["starting"] * rows.num_rows, pa.string()),
        }
    )


def _published(
    ids: pa.Array, lists: pa.ChunkedArray, fields: dict[str, pa.Array], key: str, day: date, release_id: str
) -> pa.Table:
    items = pa.ListArray.from_arrays(
        lists.combine_chunks().offsets, pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
    )
    return pa.table(
        {
            "day": pa.array([day] * len(ids), pa.date32()),
            "release_id": pa.array([release_id] * len(ids)).dictionary_encode(),
            key: ids,
            "items": items,
        }
    )


def _blocks(file: str) -> Iterator[pa.Table]:
    for batch in pq.ParquetFile(file).iter_batches(batch_size=_ROWS_A_BLOCK):
        yield pa.Table.from_batches([batch])


def _names(folder: Path, of: str) -> pa.Array:
    return pq.read_table(folder / f"{of}_names.parquet", memory_map=True)[f"{of}_id"].combine_chunks()


def _dictionary(lists: pa.ChunkedArray, names: pa.Array) -> pa.DictionaryArray:
    """Names of the flattened ids: as a dictionary, so that no name is copied per item."""
    return pa.DictionaryArray.from_arrays(lists.combine_chunks().flatten(), names)


def _drawn(propensities: pa.Array) -> pa.Array:
    """Null where nothing was drawn."""
    return pa.compute.if_else(pa.compute.greater(propensities, 0), propensities, pa.scalar(None, pa.float32()))
