"""Settings: what is refused, what overlays what, and that each number has its reason."""

import re
from dataclasses import asdict

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


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2", "factors: 3", "just words", "\x00"])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ContractBroken, match=r"bad\.yaml"):
        settings.load(tmp_path / "bad.yaml")


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(ContractBroken, match=r"nothing at .*none\.yaml"):
        settings.load(tmp_path / "none.yaml")


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
