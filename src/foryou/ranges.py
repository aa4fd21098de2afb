"""What a setting's number may be, by the setting's name: a negative half-life or a share of NaN stops before the night.

Rules go by the word that names the unit, so that a new setting has its range as soon as it has its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

_ABOVE_0 = 1e-9
_MANY = 1e9

_RULES: tuple[tuple[str, float, float], ...] = (
    (r".*\.seed", 0, 2**31 - 1),
    (r"spark\.driver_memory_gb", 1, 10_000),
    (r"views\.points_.*", -_MANY, _MANY),
    (r"events\.max_rows_share", 1, _MANY),  # of the median of recent days
    (r"events\.max_watched_hours", 1, 500),  # milliseconds must fit into 31 bits
    (r"factors\.regularization_share|cold_factors\.held_out_share", _ABOVE_0, 0.999),
    (r".*_share|.*_share_of_videos|.*quantile.*|.*posterior.*|.*_chance|.*_rate|.*min_quality", 0, 1),
    (r"views\.completion_good|viewer_controls\.fading_from", 0, 1),
    (r".*_percent", _ABOVE_0, 100),
    (r".*\.weight_.*|.*\.penalty_re.*|.*_slope|.*_taste|.*\.skip_max_s|.*\.min_z", 0, _MANY),
    (r"feeds\.(variety|passed_over)", 0, _MANY),  # in deviations of the viewer's scores
    (r"feeds\.(category_places|varied_places|.*_gap|.*_most)", 1, 10_000),
    (r".*half_life_days", _ABOVE_0, 3_650),
    (r".*\.(lookback|hidden|entry|push|revival)_days", 0, 3_650),
    (r".*_days", 1, 3_650),
    (r".*_weeks", 1, 520),
    (r".*factors\.factors|.*iterations", 1, 4_096),
    (r".*\.(length|kept_length|kept_pool|trending_length)|.*_places", 1, 10_000),
    (r".*\.(always_allowed_rejected|max_extensions|explored|reranked|similar_recent|copy_min_letters|steps)", 0, _MANY),
)
"""Patterns of `section.setting` with the least and the greatest value; the first that fits holds.

Of others, whole numbers count something and are at least 1, and fractions are above 0.
"""

_AT_MOST = (
    ("feeds.length", "candidates.length"),
    ("candidates.kept_length", "candidates.kept_pool"),
    ("views.length_min", "views.length_max"),
    ("creators.authority_min", "creators.authority_max"),
    ("events.min_recent_days", "events.recent_days"),
)
"""The first of each two is at most the second."""

_KEPT_PLACES = ("feeds.following_places", "feeds.trending_places", "feeds.exploring_places")
_MASTER = r"local(\[(\*|[1-9]\d{0,3})(,[1-9]\d?)?\])?|yarn|(spark|k8s)://\S+"


def broken(name: str, value: Any) -> str | None:
    """What is wanted of a setting (`section.setting`) that has a value out of its range, else None."""
    if isinstance(value, str):
        return None if name != "spark.master" or re.fullmatch(_MASTER, value) else "local[N], yarn, spark:// or k8s://"
    if isinstance(value, tuple):
        return next((wanted for each in value if (wanted := broken(name, each))), None)
    kind = type(value)
    least, most = _range(name, kind)
    if (kind is int or math.isfinite(value)) and least <= value <= most:
        return None
    return f"{'above 0' if least == _ABOVE_0 else f'at least {least:,}'} and at most {most:,.10g}"


def at_odds(values: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
    """What is wanted of two settings that do not go together, and what they are; None if all do."""

    def told(name: str) -> Any:
        section, _, setting = name.partition(".")
        return values[section][setting]

    for low, high in _AT_MOST:
        if told(low) > told(high):
            return f"{low} at most {high}", f"{told(low)} and {told(high)}"
    looks = (told("distribution.impressions"), told("distribution.active_percent"))
    if len({len(each) for each in looks}) > 1 or not all(map(_rising, looks)):
        return "distribution.impressions and distribution.active_percent rising, of one length", f"{looks}"
    kept = [place for name in _KEPT_PLACES for place in told(name)]
    twice = sorted({place for place in kept if kept.count(place) > 1})
    if twice:
        return f"each place once in {', '.join(_KEPT_PLACES)}", f"{twice} twice"
    return None


def _range(name: str, kind: type) -> tuple[float, float]:
    found = ((least, most) for pattern, least, most in _RULES if re.fullmatch(pattern, name))
    return next(found, (1 if kind is int else _ABOVE_0, _MANY))


def _rising(numbers: Sequence[float]) -> bool:
    return all(a <= b for a, b in pairwise(numbers))
