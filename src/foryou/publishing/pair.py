"""One viewer and one video in the working tables of a night, and what the viewer may be reminded of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.contract import Table
from foryou.models import matrices
from foryou.publishing.stored import Working

CATALOGUE = [
    *("video", "video_id", "creator_id", "sound_id", "category", "language", "tone", "tags", "caption"),
    *("shown", "for_all", "moderation", "status", "audience"),
]
MUTES = {"mute_sound": "sound", "mute_tag": "tag", "mute_creator": "creator", "block_creator": "creator"}

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Pair:
    """Dense ids of a viewer and a video, as of a night; every table may have gone meanwhile."""

    working: Working
    viewer: int
    video: int

    @cached_property
    def catalogue(self) -> pa.Table | None:
        """The videos of the day by dense id."""
        return self.working.rows(tables.VIDEOS, CATALOGUE)

    @cached_property
    def about(self) -> dict[str, Any] | None:
        """The video's row of the catalogue."""
        if self.catalogue is None:
            return None
        found: list[dict[str, Any]] = self.catalogue.filter(pc.equal(self.catalogue["video"], self.video)).to_pylist()
        return found[0] if found else None

    @cached_property
    def adult(self) -> bool:
        rows = self.of_viewer(tables.VIEWERS, ["adult"])
        return bool(rows is not None and rows.num_rows and rows["adult"][0].as_py())

    @cached_property
    def controls(self) -> list[dict[str, Any]]:
        """What the viewer mutes and blocks, each with the kind of thing that its target names."""
        held = self.of_viewer(tables.VIEWER_CONTROLS, ["kind", "target", "since"])
        rows = held.to_pylist() if held is not None else []
        return [row | {"of": MUTES[row["kind"]]} for row in rows if row["kind"] in MUTES]

    @cached_property
    def met(self) -> pa.Table | None:
        """What the viewer met inside the window, by video: `video`, `strength`, `good`."""
        rows = self.of_viewer(tables.INTERACTIONS, ["video", "strength", "good"])
        return None if rows is None else rows.sort_by("video")

    def of_viewer(self, table: Table, columns: list[str], **of: Any) -> pa.Table | None:
        return self.working.rows(table, columns, pc.field("viewer") == self.viewer, **of)

    def of_video(self, table: Table, columns: list[str], **of: Any) -> pa.Table | None:
        return self.working.rows(table, columns, pc.field("video") == self.video, **of)

    def dense(self, rows: pa.Table, column: str) -> NDArray[np.float32]:
        """Vectors by the dense id of their videos; rows that nothing is known of are zero."""
        ids = [rows["video"], *(known["video"] for known in (self.catalogue, self.met) if known is not None)]
        return matrices.dense_given(rows["video"], rows[column], max(matrices.height(*ids), self.video + 1))

    def nameable(self, videos: pa.Array | pa.ChunkedArray) -> Flags:
        """Which of the videos the viewer may be reminded of: those in the catalogue that may be shown to them today,
        without a creator, sound or tag that they mute or block."""
        assert self.catalogue is not None
        place = pc.index_in(videos, self.catalogue["video"].combine_chunks())
        rows = self.catalogue.take(pc.fill_null(place, 0)) if self.catalogue.num_rows else self.catalogue
        allowed = np.array(place.is_valid()) & np.array(rows["shown" if self.adult else "for_all"], dtype=bool)
        for control in self.controls:
            allowed &= ~carries(rows, control["of"], control["target"])
        return allowed

    def has_tag(self, videos: pa.Array | pa.ChunkedArray, tag: str) -> Flags:
        assert self.catalogue is not None
        rows = self.catalogue.take(pc.index_in(videos, self.catalogue["video"].combine_chunks()))
        return carries(rows, "tag", tag)


def carries(rows: pa.Table, kind: str, name: str) -> Flags:
    """Which videos are by the creator, with the sound or with the tag of that name."""
    if kind != "tag":
        return np.array(pc.fill_null(pc.equal(rows[f"{kind}_id"], name), False), dtype=bool)
    lists = rows["tags"].combine_chunks()
    found = np.zeros(rows.num_rows, bool)
    same = pc.fill_null(pc.equal(pc.list_flatten(lists), name), False)
    found[pc.list_parent_indices(lists).filter(same).to_numpy()] = True
    return found
