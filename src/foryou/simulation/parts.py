"""Parts of the system that a simulation can do without: what each is, and the settings or steps that leave it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from foryou.errors import ContractBroken
from foryou.settings import Settings


@dataclass(frozen=True)
class Part:
    """`settings` by section are what they are without the part; `steps` are not run then.

    `cannot_help` names the world of the neutral set in which it has nothing to work with.
    """

    doc: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    cannot_help: str = ""


PARTS = {
    "content": Part(
        "what videos are about: neighbours of what was liked",
        {"candidates": {"weight_similar": 0.0}},
        ("build_content",),
        "tags_say_nothing",
    ),
    "negatives": Part(
        "skips, refusals and reports count against a taste",
        {"views": {"points_skip": 0.0, "points_not_interested": 0.0, "points_report": 0.0}},
        cannot_help="one_taste",
    ),
    "popular": Part("what the segment watches, within the blend", {"candidates": {"weight_popular": 0.0}}),
    "following": Part("places for new videos of creators followed", {"feeds": {"following_places": ()}}),
    "trends": Part("places for what a country talks about", {"feeds": {"trending_places": ()}}),
    "exploration": Part(
        "places for videos under test", {"feeds": {"exploring_places": ()}}, cannot_help="nothing_new"
    ),
}


def without(settings: Settings, name: str) -> tuple[Settings, tuple[str, ...]]:
    """The settings without the part, and the steps that are not run. Raises ContractBroken if there is no such part."""
    if name not in PARTS:
        raise ContractBroken(
            "simulation",
            wanted="a part that can be left out: " + ", ".join(PARTS),
            found=name,
            next_step="name one of them after --without",
        )
    part = PARTS[name]
    changed = {section: replace(getattr(settings, section), **values) for section, values in part.settings.items()}
    return replace(settings, **changed), part.steps
