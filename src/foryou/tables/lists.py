"""Tables of what is shown, in dense ids."""

from __future__ import annotations

from foryou.contract import Column, Table
from foryou.tables.words import DAY, SEGMENT, SOURCE_BITS, VIDEO, VIEWER

POPULAR = Table(
    "popular",
    "What a segment watches to the end, lately.",
    "one rank of one segment",
    (
        DAY,
        SEGMENT,
        Column("rank", "int", "From 1.", required=True, at_least=1),
        VIDEO,
        Column("score", "float", "Good watches by distinct viewers, halved every two days.", required=True),
    ),
    key=("segment", "rank"),
    keep_days=30,
)

CANDIDATES = Table(
    "candidates",
    "What each viewer might like, from all sources.",
    "one viewer with up to 200 candidates, best first",
    (
        DAY,
        VIEWER,
        Column("videos", "array<int>", "Dense ids, best first.", required=True),
        Column("scores", "array<float>", "The blended score.", required=True),
        Column("sources", "array<int>", SOURCE_BITS, required=True),
        Column("leads", "array<int>", "Number of the source that gave each its highest score.", required=True),
        Column("ranks", "array<int>", "Rank from 1 in the leading source's own list.", required=True),
    ),
    key=("viewer",),
    keep_days=3,
)

FEEDS = Table(
    "feeds",
    "What each viewer is shown next, in serving order.",
    "one viewer with up to 100 videos",
    (
        DAY,
        VIEWER,
        Column("videos", "array<int>", "Dense ids, in serving order.", required=True),
        Column("scores", "array<float>", "The blended score.", required=True),
        Column("sources", "array<int>", SOURCE_BITS, required=True),
        Column("reasons", "array<int>", "Number of the reason code (`feeds/reasons.py`).", required=True),
        Column(
            "objects",
            "array<int>",
            "What the reason is about: a video, a segment; -1 for nothing.",
            required=True,
        ),
        Column("values", "array<float>", "How strongly the reason holds.", required=True),
    ),
    key=("viewer",),
    keep_days=3,
)
