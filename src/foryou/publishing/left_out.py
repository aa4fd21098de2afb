"""Why a video is not in somebody's feed: everything that stands in its way, as the night's tables have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.publishing.pair import Pair, carries

Finding = dict[str, Any]
"""`code`, and what its words need."""

Ids = Sequence[str]
Score = Mapping[str, Any] | None


def findings(pair: Pair, feed: Ids, candidates: Sequence[str], score: Mapping[str, Any] | None) -> list[Finding]:
    """All that is known to stand in the way, what can never be helped first; never empty.

    feed and candidates are ids in their order, score what `contributions.of_score` told. What a viewer tires of may be
    hidden or only stand back: in the second case others fit better, too.
    """
    firm = [*_not_shown(pair), *_seen(pair), *_muted(pair), *_under_test(pair), *_copies(pair, feed)]
    tired = _tired(pair)
    if firm or (tired and not (pair.about and pair.about["video_id"] in candidates)):
        return firm + tired
    return [*tired, _outranked(pair, feed, candidates, score)]


def _not_shown(pair: Pair) -> list[Finding]:
    about = pair.about
    if about is None:
        return [{"code": "not_in_catalogue" if pair.catalogue is not None else "not_kept", "day": pair.working.day}]
    found = []
    if not about["shown"]:
        found.append({"code": "not_shown", "moderation": about["moderation"], "status": about["status"]})
    elif not about["for_all"] and not pair.adult:
        found.append({"code": "adults_only"})
    return found


def _seen(pair: Pair) -> list[Finding]:
    both = (pc.field("viewer") == pair.viewer) & (pc.field("video") == pair.video)
    rows = pair.working.rows_so_far(tables.SEEN, ["viewer"], both)
    days = sorted(rows["day"].to_pylist()) if rows is not None else []
    return [{"code": "seen", "day": days[-1]}] if days else []


def _muted(pair: Pair) -> list[Finding]:
    """What the viewer mutes or blocks."""
    return [
        {"code": "muted", "control": control["kind"], "target": control["target"], "day": control["since"].date()}
        for control in pair.controls
        if _is_about(pair, control["of"], control["target"])
    ]


def _tired(pair: Pair) -> list[Finding]:
    """What the viewer was lately not interested in."""
    rows = pair.of_viewer(tables.FATIGUE, ["kind", "name", "since"])
    return [
        {"code": "tired", "kind": row["kind"], "name": row["name"], "day": row["since"]}
        for row in (rows.to_pylist() if rows is not None else [])
        if _is_about(pair, row["kind"], row["name"])
    ]


def _is_about(pair: Pair, kind: str, name: str) -> bool:
    if pair.catalogue is None:
        return False
    own = pair.catalogue.filter(pc.equal(pair.catalogue["video"], pair.video))
    return bool(carries(own, kind, name).any())


def _under_test(pair: Pair) -> list[Finding]:
    rows = pair.of_video(tables.DISTRIBUTION, ["stage", "decision", "reason"])
    told = rows.to_pylist() if rows is not None else []
    return [{"code": "under_test", **row} for row in told if row["stage"] != "wide"]


def _copies(pair: Pair, feed: Ids) -> list[Finding]:
    """Another copy of the video that stands in the feed."""
    groups = pair.working.rows(tables.CONTENT, ["video", "near_copy_of"])
    if groups is None or pair.catalogue is None:
        return []
    own = groups.filter(pc.equal(groups["video"], pair.video))["near_copy_of"]
    if not len(own):
        return []
    same = groups.filter(pc.equal(groups["near_copy_of"], own[0]))["video"]
    ids = pair.catalogue.filter(pc.is_in(pair.catalogue["video"], same.combine_chunks()))["video_id"].to_pylist()
    return [{"code": "copy", "video_id": other, "place": feed.index(other) + 1} for other in ids if other in feed]


def _outranked(pair: Pair, feed: Ids, candidates: Sequence[str], score: Mapping[str, Any] | None) -> Finding:
    """Other videos fit better: by its place among the candidates, else by what its score would be; or a rule of the
    feed, such as one on creators, found no room for one that fits as well."""
    assert pair.about is not None
    video_id, told = pair.about["video_id"], score or {"score": None, "least": None}
    if not feed and not candidates:
        return {"code": "no_list"}
    if video_id not in candidates:
        return {"code": "no_candidate", "score": told["score"], "bar": told["least"]}
    bar = _bar(pair, feed)
    above = told["score"] is not None and bar is not None and told["score"] > bar
    known = {"place": candidates.index(video_id) + 1, "of": len(candidates), "score": told["score"], "bar": bar}
    return {"code": "no_room" if above else "below_the_end", **known}


def _bar(pair: Pair, feed: Ids) -> float | None:
    """The score of the last of the viewer's own candidates that is in the feed."""
    row = pair.of_viewer(tables.CANDIDATES, ["videos", "scores"])
    if row is None or row.num_rows == 0 or pair.catalogue is None:
        return None
    shown = pair.catalogue.filter(pc.is_in(pair.catalogue["video_id"], pa.array(feed, pa.string())))["video"]
    videos, scores = (row[name][0].values.to_numpy() for name in ("videos", "scores"))
    listed = np.isin(videos, shown.to_numpy())
    return float(scores[listed].min()) if listed.any() else None
