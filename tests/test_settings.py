"""Settings: what is refused, what overlays what, and that each number has its reason."""

import math
import re
from dataclasses import asdict
from typing import get_type_hints

import pytest
import yaml

from foryou import settings
from foryou.errors import ContractBroken

BASE = yaml.safe_load((settings.CONF / "base.yaml").read_text(encoding="utf-8"))


def changed(section: str, **values: object) -> dict[str, dict[str, object]]:
    return BASE | {section: BASE[section] | values}


def refusal(values: dict[str, dict[str, object]]) -> str:
    with pytest.raises(ContractBroken) as refused:
        settings.from_mapping(values)
    return str(refused.value)


def test_base_holds_every_setting():
    assert set(asdict(settings.load())) == set(BASE)


@pytest.mark.parametrize("name", ["local", "ci", "cluster"])
def test_every_shipped_file_overlays_base(name):
    overlay = yaml.safe_load((settings.CONF / f"{name}.yaml").read_text(encoding="utf-8"))
    loaded = asdict(settings.load(name))
    for section, values in overlay.items():
        assert {key: loaded[section][key] for key in values} == values


def test_a_later_file_wins_and_leaves_the_rest_alone(tmp_path):
    (tmp_path / "mine.yaml").write_text("factors: {factors: 8}")
    loaded = settings.load("ci", tmp_path / "mine.yaml")
    assert loaded.factors.factors == 8
    assert loaded.factors.iterations == settings.load("ci").factors.iterations
    assert loaded.factors.alpha == settings.load().factors.alpha


def test_an_unknown_setting_is_refused_by_its_name():
    assert "unknown ['half_live_days']" in refusal(changed("interactions", half_live_days=14))


def test_an_unknown_section_is_refused_by_its_name():
    assert "unknown ['interaction']" in refusal(BASE | {"interaction": {}})


def test_a_missing_setting_is_refused_by_its_name():
    without = {key: value for key, value in BASE["factors"].items() if key != "alpha"}
    assert "missing ['alpha']" in refusal(BASE | {"factors": without})


def test_a_missing_section_is_refused_by_its_name():
    assert "missing ['feeds']" in refusal({name: part for name, part in BASE.items() if name != "feeds"})


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("factors", "factors", "64"),
        ("factors", "factors", 64.0),
        ("factors", "factors", True),
        ("factors", "alpha", "20"),
        ("factors", "alpha", None),
        ("interactions", "window_days", [28]),
        ("spark", "master", 2),
    ],
)
def test_a_value_of_another_type_is_refused(section, name, value):
    assert f"{section}.{name} as" in refusal(changed(section, **{name: value}))


def test_a_whole_number_will_do_for_a_fraction():
    assert settings.from_mapping(changed("factors", alpha=20)).factors.alpha == 20.0


NUMBERS = sorted(
    (section, name)
    for section, part in BASE.items()
    for name, value in part.items()
    if type(value) in (int, float) or isinstance(value, list)
)


@pytest.mark.parametrize(("section", "name"), NUMBERS)
def test_no_number_is_infinite_or_beyond_all_sense(section, name):
    kind, many = get_type_hints(get_type_hints(settings.Settings)[section])[name], isinstance(BASE[section][name], list)
    whole = kind in (int, tuple[int, ...])
    for value in (-(10**12), 10**12, 10**5_000) if whole else (math.nan, math.inf, -math.inf, -1e12, 1e12, 10**400):
        assert f"{section}.{name} " in refusal(changed(section, **{name: [value] if many else value}))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("interactions.half_life_days", 0, "above 0 and at most 3,650"),
        ("interactions.window_days", 0, "at least 1 and at most 3,650"),
        ("events.max_rejected_share", 1.1, "at least 0 and at most 1"),
        ("events.min_rows_share", -0.1, "at least 0 and at most 1"),
        ("distribution.active_percent", [5, 15, 40, 101], "above 0 and at most 100"),
        ("feeds.exploring_places", [5, 0], "at least 1"),
        ("candidates.block_viewers", 0, "at least 1"),
        ("factors.seed", -1, "at least 0"),
        ("video_stats.prior_viewers", 0, "above 0"),
        ("spark.master", "local[0]", "local[N]"),
        ("spark.driver_memory_gb", 0, "at least 1"),
        ("feeds.length", 201, "feeds.length at most candidates.length"),
        ("feeds.exploring_places", [5, 8], "each place once in feeds.following_places"),
        ("feeds.exploring_places", [5, 5], "each place once in feeds.following_places"),
        ("distribution.impressions", [200, 1000], "of one length"),
        ("distribution.impressions", [200, 100, 1000, 2000], "rising"),
    ],
)
def test_a_number_out_of_its_range_is_refused_with_the_range(name, value, words):
    section, _, setting = name.partition(".")
    told = refusal(changed(section, **{setting: value}))
    assert words in told and name in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("events.lookback_days", 0),
        ("events.max_rows_share", 9),
        ("views.points_skip", -3),
        ("spark.master", "local[*]"),
    ],
)
def test_a_number_at_the_edge_of_its_range_is_taken(name, value):
    section, _, setting = name.partition(".")
    assert asdict(settings.from_mapping(changed(section, **{setting: value})))[section][setting] == value


@pytest.mark.parametrize(
    "points",
    [
        {"points_rewatch": 9},
        {"points_completion": 5},
        {"points_share": 3},
        {"points_comment": 1},
        {"points_like": -1},
        {"points_skip": 1},
        {"points_not_interested": -1},
        {"points_report": -5},
        {"length_max": 1.5},
        {"points_follow": -1},
        {"points_save": 11},
    ],
    ids=str,
)
def test_points_in_another_order_are_refused(points):
    assert "rewatch >= completion" in refusal(changed("views", **points))


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("views", "quantile_good", 1.1),
        ("views", "quantile_good", float("nan")),
        ("views", "norm_days", 0),
        ("views", "session_gap_min", 1_440),
        ("views", "first_videos", 0),
        ("events", "max_plays_a_minute", 0),
    ],
)
def test_a_bound_that_makes_no_sense_is_refused(section, name, value):
    assert f"{section}.{name} " in refusal(changed(section, **{name: value}))


SHAPES = {
    "cut": "a: [1",
    "list": "- 1\n- 2",
    "no section": "factors: 3",
    "words": "just words",
    "null byte": "\x00",
    "number as section": "1: {factors: 8}",
    "number as name": "factors: {1: 8, factors: 8}",
    "null as name": "factors: {~: 8}",
    "a name twice": "factors: {factors: 8, factors: 9}",
    "a section twice": "factors: {factors: 8}\nfactors: {alpha: 2}",
    "deep": "factors: " + "[" * 10_000,
    "5,000 digits": f"factors: {{factors: {'9' * 5_000}}}",
    "a date that is none": "factors: {factors: 2026-99-99}",
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ContractBroken, match=r"bad\.yaml"):
        settings.load(tmp_path / "bad.yaml")


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(ContractBroken, match=r"nothing at .*none\.yaml"):
        settings.load(tmp_path / "none.yaml")


def test_a_value_that_would_fill_the_memory_when_told_is_refused_in_a_line(tmp_path):
    levels = [f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9) or 1}]" for n in range(1, 30)]
    text = "\n".join(["factors:", "  l0: &l0 [1]", *levels, "  factors: *l29", ""])
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ContractBroken):
        settings.load(tmp_path / "bad.yaml")
    assert len(refusal(changed("factors", factors=[[[[[["deep"] * 99] * 99] * 99] * 99] * 99] * 99))) < 1_000
    assert "thousands of digits" in refusal(changed("factors", seed=16**5_000))


@pytest.mark.parametrize("name", ["x" * 300, "a\x00b", "/" + "y/" * 3_000, "\udcff"])
def test_what_can_be_no_file_is_refused(name):
    with pytest.raises(ContractBroken, match="nothing at"):
        settings.load(name)


def test_a_file_cannot_run_code(tmp_path):
    (tmp_path / "bad.yaml").write_text(f"factors: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']")
    with pytest.raises(ContractBroken):
        settings.load(tmp_path / "bad.yaml")
    assert not (tmp_path / "made").exists()


def test_the_digest_follows_what_changes_a_table_and_nothing_else():
    digest = settings.from_mapping(BASE).digest()
    assert settings.from_mapping(changed("factors", alpha=21.0)).digest() != digest
    assert settings.from_mapping(changed("spark", driver_memory_gb=9)).digest() == digest
    assert re.fullmatch("[0-9a-f]{12}", digest)


def test_every_number_in_base_has_its_reason_beside_it():
    lines = (settings.CONF / "base.yaml").read_text(encoding="utf-8").splitlines()
    values = [line for line in lines if re.match(r"  \w+:", line)]
    assert len(values) == sum(len(section) for section in BASE.values())
    assert [line for line in values if not re.search(r"  +# \w", line)] == []
