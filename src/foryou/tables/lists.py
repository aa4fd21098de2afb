"""Tables of what is shown, in dense ids."""

from __future__ import annotations

from foryou.contract import Column, Table
from foryou.tables.words import (
    DAY,
    PARTS,
    POLICIES,
    RULE_BITS,
    SEGMENT,
    SOURCE_BITS,
    STARTERS_SEGMENT,
    VIDEO,
    VIEWER,
    text,
)

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

STARTERS = Table(
    "starters",
    "Slates of eight for viewers nobody knows, and where what they watch leads.",
    "one slot of one slate of one segment",
    (
        DAY,
        STARTERS_SEGMENT,
        text(
            "path",
            "Topics watched well so far: empty, `cooking`, `cooking>pets`; a `>` in a name is `›`.",
            required=True,
        ),
        Column("slot", "int", "From 1 to 8.", required=True, at_least=1, at_most=8),
        VIDEO,
        text("topic", "Its category, else the label of its cluster.", required=True),
        Column("score", "float", "The video's quality.", required=True, at_least=0, at_most=1),
    ),
    key=("segment", "path", "slot"),
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
        Column(
            "leads",
            "array<int>",
            "Number of the part of its score that sets each apart most from the viewer's other candidates, from 0: "
            + ", ".join(PARTS)
            + ".",
            required=True,
        ),
        Column("leads_by", "array<int>", "By how many hundredths of a deviation that part exceeds its mean.", True),
        Column(
            "reranked",
            "array<int>",
            "Places of the first of these, from 0, in the reranker's order; null: as they are.",
        ),
        Column("taste_scales", "array<float>", "What dot products of factors, of content, count for in `scores`."),
        Column("known", "float", "Share of the feed that goes to these: 1 for a viewer of many events.", True),
        Column("following", "array<int>", "New videos of creators followed, for the places kept for them.", True),
        Column("trending", "array<int>", "Videos on the rise in the viewer's country.", True),
        Column("exploring", "array<int>", "Videos under test, drawn for the viewer.", True),
        Column("propensities", "array<float>", "With what probability each of `exploring` was drawn.", True),
        *(
            Column(f"propensities_{policy}", "array<float>", f"The same, had it been drawn {how}.", True)
            for policy, how in POLICIES.items()
        ),
        Column("starting", "array<int>", "What the viewer's segment starts with: for who is hardly known.", True),
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
        Column(
            "scores",
            "array<float>",
            "The blended score; in a kept place that of the last own candidate above. It may rise along the list.",
            required=True,
        ),
        Column("sources", "array<int>", SOURCE_BITS, required=True),
        Column("relaxed", "array<int>", RULE_BITS + " Exploration places are bound by none: 0.", required=True),
        Column("reasons", "array<int>", "Number of the reason code (`feeds/reasons.py`).", required=True),
        Column(
            "objects",
            "array<int>",
            "What the reason is about: a video, the place of a tag in the video's own list; -1 for nothing.",
            required=True,
        ),
        Column("values", "array<float>", "How strongly the reason holds.", required=True),
        Column("propensities", "array<float>", "Probability of an exploration place; 0 elsewhere.", required=True),
    ),
    key=("viewer",),
    keep_days=7,
)
