"""Settings: typed sections, read from `conf/base.yaml` and files that hold only what differs."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from foryou import ranges
from foryou.errors import ContractBroken

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"


@dataclass(frozen=True)
class Spark:
    master: str
    driver_memory_gb: int
    shuffle_partitions: int


@dataclass(frozen=True)
class Catalogue:
    max_rejected_share: float
    min_rows_share: float
    min_rows_compared: int


@dataclass(frozen=True)
class Controls:
    max_rejected_share: float
    always_allowed_rejected: int


@dataclass(frozen=True)
class Events:
    lookback_days: int
    max_rejected_share: float
    min_rows_share: float
    max_rows_share: float
    recent_days: int
    min_recent_days: int
    max_watched_hours: int
    max_plays_a_minute: int

    def __post_init__(self) -> None:
        _refuse_outside("events", self, {"max_plays_a_minute": (1, None)})


@dataclass(frozen=True)
class Views:
    """Bounds of the three bands and the points of a viewer-video-day (DESIGN §7)."""

    completion_good: float
    min_good_watched_s: float
    skip_max_s: float
    skip_max_share: float
    length_reference_s: float
    length_min: float
    length_max: float
    points_rewatch: float
    points_completion: float
    points_share: float
    points_follow: float
    points_comment: float
    points_save: float
    points_like: float
    points_skip: float
    points_not_interested: float
    points_report: float
    quantile_good: float
    norm_days: int
    min_norm_views: int
    session_gap_min: int
    new_viewer_days: int
    first_videos: int

    def __post_init__(self) -> None:
        falling = (
            self.points_rewatch,
            self.points_completion,
            self.points_share,
            self.points_comment,
            self.points_like,
            0.0,
            self.points_skip,
            self.points_not_interested,
            self.points_report,
        )
        beside = (self.points_follow, self.points_save)
        in_order = all(a >= b for a, b in pairwise(falling)) and all(self.points_rewatch >= a >= 0 for a in beside)
        if not in_order or self.points_completion * self.length_max > self.points_rewatch:
            raise ContractBroken(
                "settings",
                wanted="rewatch >= completion (even of a long video) >= share >= comment >= like >= 0 >= skip "
                ">= not_interested >= report, and follow and save between rewatch and 0",
                found=f"{falling}, follow and save {beside}, length_max {self.length_max}",
                next_step="mend the points in the section `views`",
            )
        bounds = {"quantile_good": (0.5, 1.0), "norm_days": (1, 366), "session_gap_min": (1, 720)}
        counts = ("min_norm_views", "new_viewer_days", "first_videos")
        _refuse_outside("views", self, bounds | dict.fromkeys(counts, (1, None)))


@dataclass(frozen=True)
class ViewerControls:
    """How long what a viewer was not interested in stays away, and how it comes back (DESIGN §7)."""

    hidden_days: int
    fading_days: int
    fading_from: float
    max_tag_share: float


@dataclass(frozen=True)
class Interactions:
    window_days: int
    half_life_days: float


@dataclass(frozen=True)
class Content:
    weight_tags: float
    weight_caption: float
    weight_category: float
    weight_sound: float
    weight_creator: float
    weight_language: float
    weight_tone: float
    weight_visual: float
    weight_audio: float
    dense_dimensions: int
    embedding_dimensions: int
    max_share_of_videos: float
    neighbours: int
    copy_min_letters: int
    copy_max_chance: float


@dataclass(frozen=True)
class VideoStats:
    prior_viewers: float
    quality_quantile: float
    exit_window_days: int
    prior_sessions: float
    min_sessions: int


@dataclass(frozen=True)
class Trends:
    window_days: int
    min_days: int
    min_viewers: int
    min_views: int
    min_watchers: int
    min_posters: int
    min_z: float
    min_rise: float
    floor_share: float
    length: int
    videos_a_trend: int
    trending_length: int


@dataclass(frozen=True)
class Creators:
    """What credibility is made of, and how far it moves a video (DESIGN §7)."""

    window_days: int
    weight_engagement: float
    weight_activity: float
    weight_quality_trend: float
    weight_reach: float
    prior_viewers: float
    active_weeks: int
    recent_days: int
    prior_videos: float
    penalty_days: int
    penalty_rejected: float
    penalty_reported: float
    max_penalty_reported: float
    prior_reporters: float
    first_videos: int
    authority_slope: float
    authority_min: float
    authority_max: float
    multiplier_min: float
    multiplier_max: float
    rising_ratio: float
    rising_min_views: int
    min_audience: int
    clusters: int
    rising_tags: int

    def __post_init__(self) -> None:
        weights = (self.weight_engagement, self.weight_activity, self.weight_quality_trend, self.weight_reach)
        if min(weights) < 0 or abs(sum(weights) - 1) > 1e-9 or self.weight_reach > 0.1:
            raise ContractBroken(
                "settings",
                wanted="weights of credibility of at least 0 that add up to 1, that of followers (`reach`) at most .1",
                found=f"{weights}",
                next_step="mend the weights in the section `creators`",
            )
        if not 0 < self.multiplier_min <= 1 <= self.multiplier_max:
            raise ContractBroken(
                "settings",
                wanted="0 < multiplier_min <= 1 <= multiplier_max",
                found=f"{self.multiplier_min}, {self.multiplier_max}",
                next_step="mend the bounds in the section `creators`",
            )


@dataclass(frozen=True)
class Evaluation:
    max_viewers: int
    baseline_days: int
    baseline_prior_views: float
    baseline_likes: int
    new_viewer_videos: int
    new_video_days: int
    slice_countries: int
    min_slice_viewers: int
    exploration_days: int
    min_effective_views: int
    gate_loss_share: float
    gate_slice_loss_share: float
    gate_chance: float
    seed: int


@dataclass(frozen=True)
class Reranker:
    days: int
    max_viewers: int
    min_rows: int
    max_weight: float
    trees: int
    leaves: int
    min_leaf_rows: int
    learning_rate: float
    account_share: float
    seed: int


SOLVERS = ("ials", "implicit")


@dataclass(frozen=True)
class Factors:
    factors: int
    iterations: int
    warm_iterations: int
    regularization_share: float
    frequency_power: float
    alpha: float
    solver: str
    max_norm_ratio: float
    seed: int

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise _broken(f"factors.solver as one of {', '.join(SOLVERS)}", _told(self.solver))


@dataclass(frozen=True)
class Clusters:
    video_clusters: int
    viewer_clusters: int
    viewer_groups: int
    min_points: int
    iterations: int
    label_words: int
    label_min_count: int
    label_min_share: float
    seed: int


@dataclass(frozen=True)
class Profiles:
    prior_strength: float
    categories: int
    near_clusters: int
    language_min_share: float
    max_strength: float


@dataclass(frozen=True)
class ColdFactors:
    regularization: float
    iterations: int
    held_out_share: float
    max_viewers: int
    min_viewers: int
    seed: int


@dataclass(frozen=True)
class Popular:
    window_days: int
    half_life_days: float
    length: int
    min_viewers: int


@dataclass(frozen=True)
class Distribution:
    impressions: tuple[int, ...]
    active_percent: tuple[float, ...]
    entry_days: int
    min_posterior: float
    max_posterior_of_worse: float
    prior_viewers: float
    min_group_impressions: int
    max_extensions: int
    max_test_days: int
    revival_days: int
    push_days: int
    push_half_life_days: float
    push_deviations: float
    seed: int


@dataclass(frozen=True)
class Starters:
    min_viewers: int
    min_quality: float
    min_clusters: int
    max_exit_rate: float
    steps: int
    min_variant_viewers: int
    variant_prior_viewers: float


@dataclass(frozen=True)
class Candidates:
    length: int
    reranked: int
    block_viewers: int
    similar_recent: int
    kept_length: int
    kept_pool: int
    explored: int
    exploring_taste: float
    exploring_even_share: float
    exploring_thompson_share: float
    seed: int
    trending_within: int
    following_days: int
    enough_events: int
    weight_factors: float
    weight_content: float
    content_weight_days: int
    weight_popular: float
    lead_min_deviations: float


@dataclass(frozen=True)
class Feeds:
    length: int
    following_places: tuple[int, ...]
    trending_places: tuple[int, ...]
    exploring_places: tuple[int, ...]
    reason_min_finished: int
    reason_min_viewers: int
    reason_new_days: int
    variety: float
    varied_places: int
    category_share: float
    category_places: int
    sound_gap: int
    creator_gap: int
    sound_most: int
    creator_most: int
    lookback_days: int
    passed_over: float


@dataclass(frozen=True)
class Fairness:
    new_creator_days: int


@dataclass(frozen=True)
class Publishing:
    min_served_share: float
    max_emptier_share: float


@dataclass(frozen=True)
class Settings:
    """All sections. Two equal `digest`s mean that a night was asked for with the same settings."""

    spark: Spark
    catalogue: Catalogue
    controls: Controls
    events: Events
    views: Views
    viewer_controls: ViewerControls
    interactions: Interactions
    content: Content
    video_stats: VideoStats
    trends: Trends
    creators: Creators
    evaluation: Evaluation
    reranker: Reranker
    factors: Factors
    clusters: Clusters
    profiles: Profiles
    cold_factors: ColdFactors
    popular: Popular
    distribution: Distribution
    starters: Starters
    candidates: Candidates
    feeds: Feeds
    fairness: Fairness
    publishing: Publishing

    def digest(self) -> str:
        """Twelve hex digits over everything that can change a table; how Spark is run cannot."""
        told = {name: section for name, section in asdict(self).items() if name != "spark"}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def load(*extra: Path | str) -> Settings:
    """The settings of `conf/base.yaml`, overlaid by each extra file in turn.

    An extra file is a path or the bare name of a file in `conf/` (`ci` for `conf/ci.yaml`). Raises ContractBroken
    for a file that is missing or not YAML, an unknown section or setting, and a value of another type or out of range.
    """
    merged = _read(CONF / "base.yaml")
    for path in map(file_of, extra):
        given = _read(path)
        _refuse_unknown(path, given, merged)
        merged = {section: values | given.get(section, {}) for section, values in merged.items()}
    return from_mapping(merged)


def _refuse_unknown(path: Path, given: Mapping[str, Mapping[str, Any]], base: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises ContractBroken, with what may have been meant, for names that `base` does not have."""
    known = dict.fromkeys(given, base) | {f"{s}.{n}": base[s] for s in given if s in base for n in given[s]}
    unknown = [name for name, among in known.items() if name.rpartition(".")[2] not in among]
    if unknown:
        name, among = unknown[0].rpartition(".")[2], known[unknown[0]]
        meant = difflib.get_close_matches(name, among, n=1)
        raise _broken(
            f"names of sections and settings that conf/base.yaml has, in {path}",
            f"unknown {unknown}",
            f"mend the file{f'; {meant[0]} may be meant' if meant else ''}",
        )


def from_mapping(values: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Settings from nested plain values; every setting must be there and in its range, none may be unknown."""
    sections = get_type_hints(Settings)
    _same_names("settings", set(sections), set(values))
    found = Settings(**{name: _section(name, kind, values[name]) for name, kind in sections.items()})
    odds = ranges.at_odds(asdict(found))
    if odds:
        raise _broken(*odds)
    return found


def _section(name: str, kind: Any, values: Mapping[str, Any]) -> Any:
    types = get_type_hints(kind)
    _same_names(name, {field.name for field in fields(kind)}, set(values))
    return kind(**{key: _in_range(f"{name}.{key}", types[key], value) for key, value in values.items()})


def _in_range(name: str, wanted: type, value: Any) -> Any:
    found = _typed(name, wanted, value)
    broken = ranges.broken(name, found)
    if broken:
        raise _broken(f"{name} {broken}", _told(value))
    return found


def _typed(name: str, wanted: type, value: Any) -> Any:
    if wanted is float and type(value) is int and value.bit_length() < 1_000:
        return float(value)
    if wanted in _LISTS and isinstance(value, list):
        return tuple(_typed(name, _LISTS[wanted], each) for each in value)
    if type(value) is not wanted:
        raise _broken(f"{name} as {_words(wanted)}", f"{_told(value)} ({type(value).__name__})")
    return value


def _told(value: Any) -> str:
    """The value in a line, however long or deep it is."""
    short = reprlib.Repr()
    short.maxlevel = 2
    try:
        return short.repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of thousands of digits"


_LISTS = {tuple[int, ...]: int, tuple[float, ...]: float}


def _words(wanted: Any) -> str:
    return f"a list of {_LISTS[wanted].__name__}" if wanted in _LISTS else str(wanted.__name__)


def _same_names(where: str, wanted: set[str], found: set[str]) -> None:
    if wanted == found:
        return
    unknown, missing = sorted(found - wanted, key=str), sorted(wanted - found)
    raise _broken(f"exactly the settings of `{where}` in conf/base.yaml", f"unknown {unknown}, missing {missing}")


def file_of(name: Path | str) -> Path:
    """The settings file that a path or a bare name means, whether or not it is there."""
    path = Path(name)
    there = os.path.exists(path)  # noqa: PTH110 - unlike Path's, it is False for whatever can be no path
    return CONF / f"{name}.yaml" if path.suffix == "" and not there else path


def named() -> list[str]:
    """The files in `conf/` that a bare name means."""
    return sorted(file.stem for file in CONF.glob("*.yaml") if file.stem != "secret")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not os.path.isfile(path):  # noqa: PTH113 - for the same reason
        names, at = ", ".join(named()), str(path)[:200]
        raise _broken("a settings file", f"nothing at {at}", f"give a path, or the name of one in conf/: {names}")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _EachOnce) or {}  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, ValueError, OSError, RecursionError) as error:
        raise _broken(f"YAML in {path}", str(error).replace("\n", " ")) from error
    if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
        raise _broken(f"sections of settings in {path}", "another shape")
    found = [*content, *(name for part in content.values() for name in part)]
    if not all(isinstance(name, str) for name in found):
        raise _broken(f"names of sections and settings in {path}", _told([n for n in found if not isinstance(n, str)]))
    return content


class _EachOnce(yaml.SafeLoader):
    """YAML in which a name stands once: of two, the last would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]} is given twice", node.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def _refuse_outside(name: str, section: Any, bounds: Mapping[str, tuple[float, float | None]]) -> None:
    """Raises ContractBroken for the first setting of a section that lies outside its least and greatest value."""
    for setting, (least, most) in bounds.items():
        value = getattr(section, setting)
        if not (least <= value and (most is None or value <= most)):
            between = f"at least {least}" if most is None else f"between {least} and {most}"
            raise _broken(f"{name}.{setting} {between}", str(value))


def _broken(
    wanted: str, found: str, next_step: str = "compare the file with conf/base.yaml and mend it"
) -> ContractBroken:
    return ContractBroken("settings", wanted=wanted, found=found, next_step=next_step)
