"""The synthetic world: it is fixed by its parameters, keeps the landing contract, and its truth can be learned."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foryou.errors import InputMissing
from foryou.sources.landing import KINDS, LandedDay, check_day, days
from foryou.sources.world import Summary, WorldParameters, generate, open_truth, world_hash

SMALL = WorldParameters(viewers=600, videos=400, days=4, events=24_000, seed=7, dirt_rate=0.006, broken_rate=0.002)
FIELDS = {
    "events": {
        "event_id",
        "happened_at",
        "viewer_id",
        "device_id",
        "kind",
        "video_id",
        "creator_id",
        "watched_ms",
        "duration_ms",
        "pauses",
        "surface",
        "position",
        "propensity",
    },
    "videos": {
        "video_id",
        "creator_id",
        "sound_id",
        "category",
        "tags",
        "caption",
        "language",
        "country",
        "duration_ms",
        "uploaded_at",
        "moderation",
        "status",
        "audience",
        "content_hash",
    },
    "viewers": {
        "viewer_id",
        "device_id",
        "language",
        "country",
        "device_class",
        "age_band",
        "referrer",
        "signed_up_at",
    },
    "follows": {"viewer_id", "creator_id", "since"},
    "controls": {"viewer_id", "kind", "target", "happened_at"},
}
EVENT_TYPES = {
    **dict.fromkeys(FIELDS["events"], pl.String),
    **dict.fromkeys(("watched_ms", "duration_ms", "pauses", "position"), pl.Int64),
    "propensity": pl.Float64,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Summary, Path]:
    out = tmp_path_factory.mktemp("small")
    return generate(SMALL, out), out


def log_lines(landed: LandedDay) -> list[bytes]:
    return [line for path in landed.paths("events") for line in Path(path).read_bytes().split(b"\n")[:-1]]


def clean(landed: LandedDay) -> pl.DataFrame:
    """The events whose ids the world gave itself, each once."""
    good = []
    for line in log_lines(landed):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and set(record) == FIELDS["events"]:
            good.append(record)
    frame = pl.DataFrame([row for row in good if row["position"] != "first"], schema=EVENT_TYPES)
    return frame.filter(pl.col("event_id").str.contains(r"^e\d{4}-\d\d-\d\d-\d{8}$")).unique("event_id")


def every_clean(out: Path) -> pl.DataFrame:
    return pl.concat(clean(check_day(out, day)) for day in days(out)).unique("event_id")


def test_the_log_has_exactly_as_many_lines_as_asked_and_the_manifest_counts_broken_ones(small):
    summary, out = small
    counted = {day: len(log_lines(check_day(out, day))) for day in days(out)}
    assert counted == summary.lines == {day: check_day(out, day).rows("events") for day in days(out)}
    assert summary.events == SMALL.events
    assert days(out) == [SMALL.first_day + timedelta(days=n) for n in range(4)]


def test_the_same_parameters_give_the_same_bytes_and_another_seed_others(small, tmp_path):
    def digests(out: Path) -> list[str]:
        files = sorted(path for path in out.rglob("*") if path.is_file())
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]

    for name, parameters in (("same", SMALL), ("other", replace(SMALL, seed=8))):
        generate(parameters, tmp_path / name)
    assert digests(tmp_path / "same") == digests(small[1])
    assert set(digests(tmp_path / "other")).isdisjoint(digests(small[1]))


def test_the_hash_changes_with_any_parameter():
    assert world_hash(SMALL) == world_hash(replace(SMALL))
    assert len({world_hash(replace(SMALL, **{name: 5})) for name in ("viewers", "seed", "latent", "days")}) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_fields_of_the_contract(small, kind):
    landed = check_day(small[1], SMALL.first_day)
    lines = Path(landed.paths(kind)[0]).read_bytes().split(b"\n")
    assert set(json.loads(lines[0])) == FIELDS[kind]


def test_snapshots_grow_and_end_with_everybody(small):
    landed = [check_day(small[1], day) for day in days(small[1])]
    for kind, total in (("viewers", 600), ("videos", 400)):
        sizes = [day.rows(kind) for day in landed]
        assert sizes == sorted(sizes)
        assert sizes[0] < sizes[-1] == total


def test_videos_change_their_status_and_some_are_uploaded_twice(tmp_path):
    generate(WorldParameters(viewers=50, videos=4_000, days=3, events=3_000), tmp_path)
    videos = pl.read_ndjson(check_day(tmp_path, days(tmp_path)[-1]).paths("videos")[0])
    assert set(videos["moderation"]) == {"auto_ok", "flagged", "human_ok", "rejected"}
    assert set(videos["status"]) == {"live", "private", "deleted"}
    assert set(videos["audience"]) == {"all", "adult"}
    twice = videos.filter(pl.col("content_hash").is_duplicated())
    assert 0.005 < twice.height / videos.height < 0.04
    assert videos["caption"].str.len_chars().min() > 5


def test_lines_land_on_their_day_or_seldom_one_or_two_days_late(small):
    for day in days(small[1]):
        events = clean(check_day(small[1], day))
        moment = events["happened_at"].str.slice(0, 10).str.to_date()
        assert set(moment) <= {day - timedelta(days=late) for late in (0, 1, 2)}
        assert (moment == day).mean() > 0.97


def test_a_person_watches_one_thing_at_a_time(small):
    truth = open_truth(small[1])
    plays = every_clean(small[1]).filter(pl.col("surface") != "profile", kind="play", viewer_id=pl.col("viewer_id"))
    people = plays.filter(~pl.col("viewer_id").is_in(truth.viewer_ids[truth.robot].tolist()))
    people = people.with_columns(at=pl.col("happened_at").str.to_datetime(time_zone="UTC")).sort("viewer_id", "at")
    ends = pl.col("at") + pl.duration(milliseconds=pl.col("watched_ms"))
    overlap = (ends.shift(1).over("viewer_id") > pl.col("at")).fill_null(False)
    assert people.height > 10_000
    assert people.select(overlap.mean()).item() < 0.001


def test_nobody_is_shown_a_video_before_its_upload_and_no_minor_one_for_adults(small):
    out = small[1]
    last = check_day(out, days(out)[-1])
    videos = pl.read_ndjson(last.paths("videos")[0]).select("video_id", "uploaded_at", "audience")
    viewers = pl.read_ndjson(last.paths("viewers")[0]).select("viewer_id", "age_band")
    truth = open_truth(out)
    plays = every_clean(out).filter(kind="play").join(videos, on="video_id").join(viewers, on="viewer_id")
    plays = plays.filter(~pl.col("viewer_id").is_in(truth.viewer_ids[truth.robot].tolist()))
    assert plays.filter(pl.col("happened_at").str.slice(0, 19) < pl.col("uploaded_at").str.slice(0, 19)).is_empty()
    assert plays.filter(age_band="13-17", audience="adult").is_empty()
    assert plays.filter(age_band="13-17").height > 0


def test_before_sign_up_a_line_has_the_device_and_no_viewer(small):
    events = every_clean(small[1])
    viewers = pl.read_ndjson(check_day(small[1], days(small[1])[-1]).paths("viewers")[0])
    assert (events["viewer_id"].is_null() ^ events["device_id"].is_null()).all()
    devices = events.filter(pl.col("viewer_id").is_null()).join(viewers, on="device_id")
    assert devices.height > 10
    assert (devices["happened_at"] < devices["signed_up_at"].str.slice(0, 23)).all()


def test_random_exposures_carry_their_propensity_and_no_others_do(small):
    for day in days(small[1]):
        events = clean(check_day(small[1], day)).filter(kind="play", happened_at=pl.col("happened_at"))
        explored = events.filter(surface="explore")
        assert 0.01 < explored.height / events.height < 0.04
        assert explored["propensity"].is_between(1 / 400, 1 / 200).all()
        assert events.filter(pl.col("surface") != "explore")["propensity"].is_null().all()


def test_the_log_is_spoiled_in_the_ways_that_logs_are(small):
    lines = [line for day in days(small[1]) for line in log_lines(check_day(small[1], day))]
    assert any(b"NaN" in line for line in lines)
    assert any(b"1e400" in line for line in lines)
    assert any(line.count(b"event_id") == 2 for line in lines)
    whole = [line for line in lines if line.startswith(b'{"event_id":') and line.endswith(b"}")]
    text = b"\n".join(whole)
    for spoiled in (b"0001-01-01", b"9999-12-31", b"etc/passwd", b'"watched_ms":-5000', b'"kind":"swipe"'):
        assert spoiled in text, spoiled
    ids = [line[13:36] for line in whole]
    assert 0.002 < 1 - len(set(ids)) / len(ids) < 0.008


def test_some_duplicates_come_a_day_later(small):
    first, second = days(small[1])[:2]
    ids = clean(check_day(small[1], second))["event_id"]
    assert 0 < ids.str.starts_with(f"e{first}").sum() < 40


def test_without_rates_the_log_is_clean(tmp_path):
    rates = dict.fromkeys(("robot_rate", "duplicate_rate", "late_rate", "dirt_rate", "broken_rate"), 0.0)
    generate(WorldParameters(viewers=100, videos=80, days=1, events=2_000, **rates), tmp_path)
    landed = check_day(tmp_path, date(2026, 3, 1))
    assert clean(landed).height == len(log_lines(landed)) == 2_000


def test_actions_are_as_rare_as_in_a_real_log(small):
    shares = small[0].shares
    for name, low, high in (
        ("good", 0.2, 0.4),
        ("long_view", 0.2, 0.4),
        ("like", 0.008, 0.025),
        ("comment", 0.001, 0.006),
        ("share", 0.0002, 0.003),
        ("follow", 0.0002, 0.003),
        ("not_interested", 0.0, 0.001),
    ):
        assert low <= shares[name] <= high, name


def test_affinity_is_how_often_a_random_exposure_is_watched_well(tmp_path):
    parameters = WorldParameters(viewers=800, videos=400, days=2, events=40_000, explore_share=1.0)
    generate(parameters, tmp_path)
    truth = open_truth(tmp_path)
    # Long watches are nearly always complete where the video is long enough to count and short enough to finish.
    plays = every_clean(tmp_path).filter(
        pl.col("duration_ms").is_between(8_000, 60_000),
        pl.col("viewer_id").is_not_null(),
        kind="play",
        surface="explore",
    )
    expected = truth.affinity(
        truth.viewers_at(plays["viewer_id"].to_numpy().astype(str)),
        truth.videos_at(plays["video_id"].to_numpy().astype(str)),
    )
    good = (plays["watched_ms"] >= 0.9 * plays["duration_ms"]).to_numpy()
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        here = (expected >= low) & (expected < high)
        # Satiation and places further down the session take something away from the context-free probability.
        assert 0.6 * expected[here].mean() < good[here].mean() < 1.1 * expected[here].mean()


def test_truth_scores_pairs_and_lists_alike_and_knows_ids(small):
    truth = open_truth(small[1])
    viewers = np.array([3, 5])
    every = truth.affinities(viewers)
    assert every.shape == (2, 400)
    np.testing.assert_allclose(truth.affinity(viewers, np.array([[1, 2], [8, 9]]))[1], every[1, 8:10], rtol=1e-5)
    np.testing.assert_allclose(truth.affinity(viewers, np.array([1, 8])), [every[0, 1], every[1, 8]], rtol=1e-5)
    assert truth.viewers_at(np.array(["u000005", "nobody"])).tolist() == [5, -1]
    assert truth.videos_at(np.array(["v000399", "v999999"])).tolist() == [399, -1]
    assert truth.showable(0).sum() < truth.showable(3).sum() <= 400


def test_taste_is_worth_more_than_popularity_and_popularity_more_than_chance(small):
    truth = open_truth(small[1])
    affinity = truth.affinities(np.flatnonzero(~truth.robot))
    plays = every_clean(small[1]).filter(kind="play")
    videos = truth.videos_at(plays["video_id"].to_numpy().astype(str))
    good = (plays["watched_ms"] >= 0.9 * plays["duration_ms"]).fill_null(False).to_numpy()
    popular = np.argsort(-np.bincount(videos[good], minlength=400))[:20]
    by_taste = np.sort(affinity, axis=1)[:, -20:].mean()
    assert affinity.mean() * 1.1 < affinity[:, popular].mean() < by_taste / 1.5


def test_a_truth_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(InputMissing, match="foryou world"):
        open_truth(tmp_path)


@pytest.mark.parametrize(
    "sizes",
    [
        {"viewers": 1, "videos": 1, "days": 1, "events": 10},
        {"viewers": 10, "videos": 5, "days": 2, "events": 0},
        {"viewers": 40, "videos": 10, "days": 2, "events": 4_000},
        {"viewers": 20, "videos": 3_000, "days": 2, "events": 300, "topics": 1, "countries": 1, "latent": 1},
    ],
)
def test_odd_sizes_give_as_many_lines_as_asked(tmp_path, sizes):
    parameters = WorldParameters(**sizes)
    reported: list[tuple[date, int]] = []
    summary = generate(parameters, tmp_path, lambda day, lines: reported.append((day, lines)))
    assert summary.events == sizes["events"]
    assert dict(reported) == summary.lines


@pytest.mark.parametrize(
    "wrong", [{"viewers": 0}, {"days": 0}, {"topics": 99}, {"dirt_rate": 0.5}, {"explore_share": 2}]
)
def test_parameters_that_make_no_world_are_refused(wrong):
    with pytest.raises(ValueError, match=r"world|rates"):
        WorldParameters(**wrong)


def test_days_start_at_midnight_utc():
    assert SMALL.day_start_ms(1) == datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000
