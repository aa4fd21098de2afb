"""Which videos may be shown at all, which only to grown-ups, and which are copies of one another."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

SHOWN_MODERATION = ("auto_ok", "human_ok")
ADULT_YEARS = 18


def of_videos(videos: pa.Table) -> pa.Table:
    """The same rows with `shown`, `for_all` and `copy_of`: the lowest dense id among the videos of the same hash."""
    passed = pc.is_in(videos["moderation"], pa.array(SHOWN_MODERATION))
    shown = pc.and_(passed, pc.equal(videos["status"], "live"))
    found = videos.append_column("shown", shown)
    found = found.append_column("for_all", pc.and_(shown, pc.equal(videos["audience"], "all")))
    return found.append_column("copy_of", _copy_of(videos))


def _copy_of(videos: pa.Table) -> pa.ChunkedArray:
    least = videos.group_by("content_hash").aggregate([("video", "min")])
    place = pc.index_in(videos["content_hash"], least["content_hash"].combine_chunks())
    return pc.if_else(pc.is_valid(videos["content_hash"]), least["video_min"].take(place), videos["video"])


def grown_up(age_bands: pa.ChunkedArray) -> pa.ChunkedArray:
    """True for age bands such as `18-24` or `35+` that begin at 18 or later; an unknown age is not grown up."""
    youngest = pc.struct_field(pc.extract_regex(age_bands, r"^(?P<youngest>\d{1,3})"), "youngest")
    return pc.fill_null(pc.greater_equal(youngest.cast(pa.int32()), ADULT_YEARS), False)
