"""Tables promised to other services: string ids, one release at a time."""

from __future__ import annotations

from foryou.contract import Column, Table
from foryou.tables.words import DAY, RELEASE_ID, SEGMENT, SOURCE_BITS, STARTERS_SEGMENT, VIDEO_ID, VIEWER_ID, text

_ITEM = "video_id string, score float"
_BLENDED = (
    "`score` adds up, over the sources, how many standard deviations the video lies above the mean of this viewer's "
    "own list: it may be negative, and compares videos of one viewer, not viewers."
)

PUBLISHED_CANDIDATES = Table(
    "candidates",
    "Up to 200 candidates per viewer, best first, for services that rank themselves.",
    "one viewer",
    (
        DAY,
        RELEASE_ID,
        VIEWER_ID,
        Column("items", f"array<struct<{_ITEM}, sources int>>", f"Best first. {_BLENDED} {SOURCE_BITS}", required=True),
    ),
    key=("viewer_id",),
    partition=(),
    published=True,
)

PUBLISHED_FEEDS = Table(
    "feeds",
    "The list of each viewer in serving order, with reasons.",
    "one viewer",
    (
        DAY,
        RELEASE_ID,
        VIEWER_ID,
        Column(
            "items",
            f"array<struct<{_ITEM}, sources int, reason string, reason_value float, propensity float>>",
            "In serving order, which is not that of `score`: lists are varied. `reason` is a code with its object; "
            "`propensity` is null outside exploration. "
            f"{_BLENDED} {SOURCE_BITS}",
            required=True,
        ),
    ),
    key=("viewer_id",),
    partition=(),
    published=True,
)

PUBLISHED_POPULAR = Table(
    "popular",
    "What to show to someone unknown, by segment.",
    "one rank of one segment",
    (
        DAY,
        RELEASE_ID,
        SEGMENT,
        Column("rank", "int", "From 1.", required=True, at_least=1),
        VIDEO_ID,
        Column(
            "score",
            "float",
            "Good watches by distinct viewers, halved every two days: another scale than that of `feeds`.",
            required=True,
        ),
        text("reason", "A code with its object: `popular_in:US:en`.", required=True),
    ),
    key=("segment", "rank"),
    partition=(),
    published=True,
)

PUBLISHED_SIMILAR = Table(
    "similar",
    "Videos alike in content.",
    "one video",
    (
        DAY,
        RELEASE_ID,
        VIDEO_ID,
        Column("items", f"array<struct<{_ITEM}>>", "Nearest first; score is a cosine.", required=True),
    ),
    key=("video_id",),
    partition=(),
    published=True,
)

PUBLISHED_STARTERS = Table(
    "starters",
    "Slates of eight for someone unknown, and where what they watch leads: a service walks it, nothing is computed.",
    "one slot of one slate of one segment",
    (
        DAY,
        RELEASE_ID,
        STARTERS_SEGMENT,
        text(
            "path",
            "Topics watched well so far: empty, `cooking`, `cooking>pets`; a `>` in a name is `›`.",
            required=True,
        ),
        Column("slot", "int", "From 1 to 8.", required=True, at_least=1, at_most=8),
        VIDEO_ID,
        text("topic", "What it is about: watched well, the next slate's step.", required=True),
        text("reason", "The code `starting`.", required=True),
        Column("score", "float", "The video's quality.", required=True, at_least=0, at_most=1),
    ),
    key=("segment", "path", "slot"),
    partition=(),
    published=True,
)

RELEASES = Table(
    "releases",
    "The pointer: which versions of the published tables belong together, and which release is live. The newest "
    "version of a table need not be live: read the one that `tables` names here.",
    "one release",
    (
        RELEASE_ID,
        DAY,
        text("state", "Exactly one release is live.", ("live", "retired", "refused"), required=True),
        text("status", "Whether the night had to fall back on something.", ("ok", "degraded"), required=True),
        Column("published_at", "timestamp", "When it was published (UTC).", required=True),
        Column("contract_version", "int", "Version of this contract.", required=True),
        text("model_version", "The model behind it."),
        Column("tables", "map<string,bigint>", "The Delta version of each published table.", required=True),
        Column("counts", "map<string,bigint>", "The rows of each published table.", required=True),
    ),
    key=("release_id",),
    partition=(),
    published=True,
)

CONTRACT_VERSION = 1
"""Raised when a published column changes its meaning or goes; new columns do not raise it."""

PUBLISHED = (PUBLISHED_CANDIDATES, PUBLISHED_FEEDS, PUBLISHED_POPULAR, PUBLISHED_SIMILAR, PUBLISHED_STARTERS)
