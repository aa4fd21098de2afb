"""Tables of what viewers asked for, as of a day."""

from __future__ import annotations

from foryou.contract import Column, Table
from foryou.tables.words import DAY, HELD_KINDS, TIRED_KINDS, VIEWER, text

VIEWER_CONTROLS = Table(
    "viewer_controls",
    "What viewers have asked of their feeds, as of a day: of contradictory controls the later.",
    "one viewer and control in force",
    (
        DAY,
        VIEWER,
        text("kind", "What holds; `reset` for ever after, as to what was before it.", HELD_KINDS, required=True),
        text("target", "The sound, tag or creator it is about; empty where the control is about none.", required=True),
        Column("since", "timestamp", "Since when (UTC); of a reset the last moment that is forgotten.", required=True),
    ),
    key=("viewer", "kind", "target"),
    keep_days=30,
)

FATIGUE = Table(
    "fatigue",
    "What viewers are tired of, as of a day: all about videos that they were not interested in or reported.",
    "one viewer and creator, sound or tag, until it is forgotten",
    (
        DAY,
        VIEWER,
        text("kind", "What the name is of.", TIRED_KINDS, required=True),
        text("name", "The creator, sound or tag.", required=True),
        Column("since", "date", "The last day on which the viewer said so.", required=True),
    ),
    key=("viewer", "kind", "name"),
    keep_days=30,
)
