"""Parts of the system that a simulation can do without: what each is, and the settings or steps that leave it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from foryou.settings import Content, Settings


@dataclass(frozen=True)
class Part:
    """`settings` by section are what they are without the part; `steps` are not run then.

    `cannot_help` names the world of the neutral set in which it has nothing to work with; what is popular always has.
    """

    doc: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    cannot_help: str = ""


HARDLY: Mapping[str, Any] = {"points_skip": 0.0, "points_not_interested": -0.001, "points_report": -0.001}
"""What was refused stays told apart by its points: what viewers tire of is looked for by them."""

BLIND: Mapping[str, Any] = {field.name: 0.0 for field in fields(Content) if field.name.startswith("weight_")}

FREE: Mapping[str, Any] = {"category_share": 1.0, "sound_gap": 1, "creator_gap": 1, "sound_most": 10_000} | {
    "creator_most": 10_000
}
"""No rule of a list that may be relaxed."""

PARTS = {
    "distribution": Part(
        "new videos are let out in stages: without it they reach feeds like any other",
        steps=("build_distribution",),
        cannot_help="nothing_new",
    ),
    "exploration": Part(
        "places for videos under test: without them nothing new gets past the first stage",
        {"feeds": {"exploring_places": ()}},
        cannot_help="nothing_new",
    ),
    "starters": Part(
        "slates for newcomers: without them they get what is popular",
        {"candidates": {"enough_events": 1}},
        ("build_starters",),
        "nobody_new",
    ),
    "trends": Part(
        "places for what a country talks about", {"feeds": {"trending_places": ()}}, cannot_help="nothing_new"
    ),
    "creators": Part(
        "credibility and authority of creators",
        {"creators": {"multiplier_min": 1.0, "multiplier_max": 1.0}},
        cannot_help="equal_creators",
    ),
    "negatives": Part("skips, refusals and reports count against a taste", {"views": HARDLY}, cannot_help="one_taste"),
    "content": Part(
        "what videos are about: half of every score, neighbours of what was liked, factors of unwatched videos",
        {"content": BLIND},
        cannot_help="tags_say_nothing",
    ),
    "following": Part(
        "places for new videos of creators followed", {"feeds": {"following_places": ()}}, cannot_help="equal_creators"
    ),
    "variety": Part(
        "lists that do not repeat themselves, and do not bring up again what was passed over: without it best first",
        {"feeds": {"variety": 0.0, "lookback_days": 0, **FREE}},
        cannot_help="tags_say_nothing",
    ),
    "reranker": Part(
        "trees that put the first candidates in order, where they tell better than the blend",
        {"candidates": {"reranked": 0}},
    ),
    "popular": Part("what the segment watches, within the blend", {"candidates": {"weight_popular": 0.0}}),
}


def without(settings: Settings, name: str) -> tuple[Settings, tuple[str, ...]]:
    """The settings without the part, and the steps that are not run. Raises ValueError if there is no such part."""
    if name not in PARTS:
        raise ValueError(f"there is no part {name!r} to leave out, only " + ", ".join(PARTS))
    part = PARTS[name]
    changed = {section: replace(getattr(settings, section), **values) for section, values in part.settings.items()}
    return replace(settings, **changed), part.steps
