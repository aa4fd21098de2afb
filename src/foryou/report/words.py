"""The report's words: what a reason, a measure, a state or a number is called when people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REJECTED = {
    "unreadable": "not a line of JSON, or a field of another type or in another case",
    "bad_event_id": "no event id, or one that is not plain",
    "bad_viewer_id": "neither viewer nor device, or an id that is not plain",
    "unknown_kind": "a kind of event that the contract does not know",
    "bad_video_id": "no video id where one is needed, or one that is not plain",
    "bad_creator_id": "a creator id that is not plain",
    "bad_time": "no time, or one that cannot be read",
    "outside_days": "happened before the lookback or after the day",
    "bad_watched": "time watched is missing, negative or absurd",
    "bad_duration": "duration is negative or absurd",
    "bad_position": "position is negative",
    "bad_release_id": "a release id that is not plain",
    "bad_propensity": "propensity is not a probability",
    "duplicate": "an event id that was there before",
    "unknown_video": "a video that the catalogue has never had",
    "too_fast": "more plays a minute than a person can start",
}

LEADS = {
    "like_you": "watched to the end by people of like taste",
    "similar_to": "similar to something liked lately",
    "popular_in": "popular in the viewer’s segment",
    "following": "new from a creator the viewer follows",
    "trending": "on the rise in the viewer’s country",
    "exploring": "under test, to find out whom it is for",
    "starting": "a good start for who is hardly known",
}

FAIRNESS = {
    "exposure": "share of the places in all feeds",
    "gini": "0 if all are shown as often, near 1 if one takes all places",
    "topic_entropy_bits": "how many topics a feed spreads over: 2 bits are four equal topics",
    "most_frequent_topic_share": "share of a feed that its first topic takes",
    "relaxed": "share of the places that break this rule of lists, as nothing else was left",
    "videos_for_adults_shown_to_minors": "must be 0; who is not known to be grown up counts as a minor",
}

MEASURES = {
    "auc_exposed": "how often a good watch ranks above another video that the same viewer was shown; 0.5 is chance",
    "recall": "share of a viewer’s good watches of the day that stand in the first {k}",
    "ndcg": "recall that counts a hit more the higher it stands in the first {k}; 1 is perfect",
    "cold_auc": "how often a good watch of such a video ranks above another one by the same viewer; 0.5 is chance",
    "cold_recall": "share of a viewer’s good watches of such videos that stand in the first {k} of them",
    "content_weight": "what a video is about weighs as much as this beside who watches it",
    "map": "share of good watches among the videos down to each one in the first {k}, on average; 1 is perfect",
    "hit_rate": "share of viewers with a good watch in the first {k}",
    "coverage": "share of the videos that stand in anybody’s first {k}",
    "novelty": "how little known the first {k} are: a bit more is a video that half as many viewers met",
    "diversity": "how unlike the first {k} are in what they are about: 0 is one thing, 1 nothing in common",
    "gini": "how unevenly the places are shared out: 0 if all videos stand as often, near 1 if one takes all",
}

MEASURE_ORDER = (
    "auc_exposed",
    "recall",
    "ndcg",
    "map",
    "hit_rate",
    "coverage",
    "novelty",
    "diversity",
    "gini",
    "cold_auc",
    "cold_recall",
)

NEITHER = ("coverage", "novelty", "diversity", "gini")
"""More of these is neither better nor worse."""

STATES = {
    "ok": "The night is published and nothing had to give way.",
    "degraded": "The night is published, but it had to fall back on something.",
    "refused": "The night was stopped on purpose: what came in was not good enough to publish.",
    "failed": "The night stopped before it was done.",
    "unfinished": "Not every step of the night has run yet.",
}


def measure(name: str) -> str:
    """One line on what a measure such as `recall@20` tells; empty for one we have no words for."""
    kind, _, k = name.partition("@")
    return MEASURES.get(kind, "").format(k=k or "list")


def measure_place(name: str) -> tuple[int, int, str]:
    """Sorts measures: the one to trust first, then by kind and length."""
    kind, _, k = name.partition("@")
    known = MEASURE_ORDER.index(kind) if kind in MEASURE_ORDER else len(MEASURE_ORDER)
    return known, int(k) if k.isdigit() else 0, name


def plain(name: str) -> str:
    """`build_events` as `build events`."""
    return name.replace("_", " ")


def number(value: float | None) -> str:
    """`12,345`, `0.713`; a dash for nothing."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def short_number(value: float) -> str:
    """`950`, `12 k`, `1.3 M`: for axes."""
    for size, unit in ((1_000_000_000, " G"), (1_000_000, " M"), (1_000, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def percent(share: float | None) -> str:
    """`2.1 %`; a dash for nothing. What is not quite nothing or not quite all does not read `0 %` or `100 %`."""
    if share is None:
        return "–"
    if 0 < share < 0.0005:
        return "< 0.05 %"
    if 0.9995 < share < 1:
        return "> 99.95 %"
    return f"{100 * share:.1f} %"


def seconds(value: float | None) -> str:
    """`0.4 s`, `42 s`, `3 min 05 s`; a dash for nothing."""
    if value is None:
        return "–"
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def noted(value: Any) -> str:
    """A figure of the journal as people write it; a mapping as `this 3, that 4`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(str(name))} {noted(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(noted(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
