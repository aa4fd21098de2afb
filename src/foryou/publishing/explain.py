"""Why a video stands where it does in somebody's lists, or why it does not stand there: facts, and lines to read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from foryou import settings, tables
from foryou.contract import ID_PATTERN
from foryou.publishing import contributions, explained_words, left_out
from foryou.publishing.pair import Pair
from foryou.publishing.stored import Working

if TYPE_CHECKING:
    from foryou.publishing.reader import Item


def explained(
    lake: Path,
    day: date,
    viewer_id: str,
    video_id: str,
    lists: Mapping[str, Sequence[Item]],
    language: str | None = None,
) -> dict[str, Any]:
    """All that is known of one viewer and one video in the release of a day.

    `lists` are the viewer's published `feeds` and `candidates`. In the answer, `table`, `place`, `score`, `sources`,
    `reason`, `reason_value` and `words` tell where the video stands; `findings` what keeps it out of the feed; `parts`
    what its score is made of (`contributions.of_score`), `factors` and `content` how the two dot products of a taste
    split; each is None where the lake keeps the tables of the day no more. `lines` tells all of it in words.
    """
    working = Working(lake, day)
    viewer, video = (_dense(working, of, name) for of, name in (("viewer", viewer_id), ("video", video_id)))
    told: dict[str, Any] = {"day": day, "viewer_id": viewer_id, "video_id": video_id, "table": None}
    told |= {"reason": "", "findings": [], "parts": None, "factors": None, "content": None}
    if viewer is not None and _opted_out(working, viewer):
        told["findings"] = [{"code": "opted_out"}]
    else:
        told |= _standing(lists, video_id)
        told |= _behind(working, viewer, video, {name: [item.video_id for item in of] for name, of in lists.items()})
    if told["table"] == "feeds":
        told["findings"] = []
    return told | explained_words.told(told, _captions(working), language)


def _standing(lists: Mapping[str, Sequence[Item]], video_id: str) -> dict[str, Any]:
    """Its place in the first of the lists that has it."""
    for name, items in lists.items():
        for place, item in enumerate(items, start=1):
            if item.video_id == video_id:
                told = {"table": name, "place": place, "of": len(items), "score": item.score}
                told |= {"sources": list(item.sources), "reason": item.reason, "reason_value": item.reason_value}
                return told | ({"propensity": item.propensity} if item.propensity is not None else {})
    return {"table": None}


def _behind(
    working: Working, viewer: int | None, video: int | None, lists: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What the working tables know of both."""
    if viewer is None or video is None:
        known = {"viewer": viewer is not None or any(lists.values()), "video": video is not None}
        return {"findings": [{"code": f"unknown_{name}"} for name in known if not known[name]]}
    chosen, pair = settings.load(), Pair(working, viewer, video)
    model = contributions.model(pair)
    parts = contributions.of_score(pair, model, chosen.distribution.push_deviations)
    return {
        "findings": left_out.findings(pair, lists["feeds"], lists["candidates"], parts),
        "parts": parts,
        "factors": contributions.of_factors(pair, model) if model else None,
        "content": contributions.of_content(pair, chosen.profiles.max_strength),
    }


def _dense(working: Working, of: str, name: str) -> int | None:
    """The dense id, if there is one; whatever can be no id has none."""
    if not re.match(ID_PATTERN, name):
        return None
    table = tables.VIEWER_IDS if of == "viewer" else tables.VIDEO_IDS
    rows = working.rows_so_far(table, [of], pc.field(f"{of}_id") == name)
    return rows[of][0].as_py() if rows is not None and rows.num_rows else None


def _opted_out(working: Working, viewer: int) -> bool:
    """As of the newest night, whatever release is asked: what somebody wanted forgotten later is forgotten here too."""
    newest = [*working.days(tables.VIEWER_CONTROLS)][-1:]
    asked = (pc.field("viewer") == viewer) & (pc.field("kind") == "opted_out")
    rows = working.rows(tables.VIEWER_CONTROLS, ["kind"], asked, day=newest[0]) if newest else None
    return bool(rows is not None and rows.num_rows)


def _captions(working: Working) -> dict[str, str]:
    rows = working.rows(tables.VIDEOS, ["video_id", "caption"])
    if rows is None:
        return {}
    return dict(zip(rows["video_id"].to_pylist(), rows["caption"].to_pylist(), strict=True))
