"""Video statistics: what is known of a video after few and after many viewers, and where sessions end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, optimize, special

from foryou import tables
from foryou.catalogue import video_stats
from rows import arrow_rows

SECONDS = 1000
COUNTS = video_stats.EXITS[3:]


def watched(video, viewers, good, first=0):
    """So many viewers of a video, the first of them watching it well."""
    return [{"viewer": first + n, "video": video, "good": n < good} for n in range(viewers)]


def left(video, sessions, exits, new=(0, 0), device="phone", country="US"):
    counts = dict(zip(COUNTS, (sessions, exits, *new), strict=True))
    return {"video": video, "device_class": device, "country": country} | counts


def exits_of(*rows):
    return arrow_rows(tables.EXITS, *rows, only=video_stats.EXITS)


def stats(settings, met, durations_s, exits=(), posts=()):
    """`{video: row}`; `durations_s` are the catalogue, by video."""
    videos = [
        {"video": video, "video_id": f"v{video}", "duration_ms": seconds and int(seconds * SECONDS)}
        for video, seconds in durations_s.items()
    ]
    built = video_stats.build(
        arrow_rows(tables.INTERACTIONS, *met),
        arrow_rows(tables.POSTS, *posts),
        exits_of(*exits),
        arrow_rows(tables.VIDEOS, *videos),
        settings,
    ).to_pylist()
    assert [row["video"] for row in built] == sorted(durations_s)
    return {row["video"]: row for row in built}


def quantile(good, other, share):
    """The quantile of Beta(good, other), by integrating its density."""

    def below(x):
        density = integrate.quad(lambda t: t ** (good - 1) * (1 - t) ** (other - 1), 0, x)[0]
        return density / special.beta(good, other) - share

    return optimize.brentq(below, 0, 1)


def test_quality_is_the_lower_tenth_of_the_posterior(chosen):
    settings = replace(chosen.video_stats, prior_viewers=10.0, quality_quantile=0.1)
    found = stats(settings, watched(0, 30, 12), {0: 20, 1: 20})
    prior = 12 / 30  # the only video that anybody judged
    assert (found[0]["viewers"], found[0]["good"]) == (30, 12)
    assert found[0]["quality"] == pytest.approx(quantile(10 * prior + 12, 10 * (1 - prior) + 18, 0.1), rel=1e-5)
    assert found[1]["quality"] == pytest.approx(quantile(10 * prior, 10 * (1 - prior), 0.1), rel=1e-5)


def test_a_bucket_of_lengths_has_the_mean_of_its_videos_drawn_to_that_of_all(chosen):
    settings = replace(chosen.video_stats, prior_viewers=10.0)
    met = watched(0, 90, 45) + watched(1, 10, 1) + watched(2, 10, 9)
    found = stats(settings, met, {0: 20, 1: 20, 2: 40})
    weights = {0: 0.9, 1: 0.5, 2: 0.5}  # n / (n + 10)
    rates = {0: 0.5, 1: 0.1, 2: 0.9}
    everywhere = sum(weights[v] * rates[v] for v in weights) / sum(weights.values())
    short = (0.9 * 0.5 + 0.5 * 0.1 + 10 * everywhere) / (0.9 + 0.5 + 10)
    above = {0: (45 + 10 * short) / 100 - short, 1: (1 + 10 * short) / 20 - short}
    assert found[0]["z"] / found[1]["z"] == pytest.approx(above[0] / above[1], rel=1e-5)
    assert np.mean([row["z"] ** 2 for row in found.values()]) == pytest.approx(1, rel=1e-5)


def test_of_equal_shares_the_surer_one_is_better_and_a_lucky_first_watch_is_not_praised(chosen):
    met = watched(0, 400, 200) + watched(1, 4, 2) + watched(2, 1, 1) + watched(3, 400, 80)
    found = stats(chosen.video_stats, met, dict.fromkeys(range(5), 20))
    quality = [found[video]["quality"] for video in range(5)]
    assert quality[0] > quality[2] > quality[1] > quality[4] > 0


@pytest.mark.parametrize("seed", range(3))
def test_more_good_watches_never_lower_quality_and_bounds_hold(chosen, seed):
    draw = np.random.default_rng(seed)
    viewers = draw.integers(1, 60, 8)
    good = [int(draw.integers(0, count)) for count in viewers]

    def quality(more):
        met = [
            row for v, count in enumerate(viewers) for row in watched(v, int(count), good[v] + (more if v == 0 else 0))
        ]
        return stats(chosen.video_stats, met, dict.fromkeys(range(8), 20))

    before, after = quality(0), quality(1)
    assert after[0]["quality"] > before[0]["quality"]
    assert all(0 <= row["quality"] <= 1 and 0 <= row["exit_rate"] <= 1 for row in after.values())


def test_who_posted_a_video_is_no_viewer_of_it(chosen):
    met = watched(0, 5, 5) + watched(1, 5, 5)
    found = stats(chosen.video_stats, met, {0: 20, 1: 20}, posts=[{"viewer": 4, "video": 0}, {"viewer": 1, "video": 7}])
    assert (found[0]["viewers"], found[1]["viewers"]) == (4, 5)


def test_exit_rates_are_drawn_to_the_platforms(chosen):
    settings = replace(chosen.video_stats, prior_sessions=10.0)
    shown = [left(0, 90, 9, (4, 4)), left(0, 20, 2, (4, 2), "tablet", "GB"), left(1, 30, 17), left(9, 60, 12)]
    found = stats(settings, [], {0: 20, 1: None, 2: 20}, shown)
    everywhere = 28 / 140  # video 9 is not in the catalogue
    assert found[0]["exit_rate"] == pytest.approx((11 + 10 * everywhere) / 120, rel=1e-6)
    assert found[1]["exit_rate"] == pytest.approx((17 + 10 * everywhere) / 40, rel=1e-6)
    assert found[2]["exit_rate"] == pytest.approx(everywhere, rel=1e-6)
    assert found[0]["new_exit_rate"] == pytest.approx(6 / 8, rel=1e-6)
    assert (found[0]["sessions"], found[0]["exits"]) == (110, 11)


def test_the_order_of_rows_does_not_matter_and_nothing_at_all_is_nothing(chosen):
    met = watched(0, 30, 12) + watched(1, 9, 1, 30) + watched(5, 3, 3)
    durations = {0: 20, 1: 3, 2: None, 5: 900}
    some = [left(0, 9, 1), left(5, 7, 2)]
    turned = dict(reversed(durations.items()))
    assert stats(chosen.video_stats, met, durations, some) == stats(chosen.video_stats, met[::-1], turned, some[::-1])
    assert stats(chosen.video_stats, [], {}) == {}
    assert stats(chosen.video_stats, [], {3: None})[3]["exit_rate"] == 0


def test_exit_rates_by_device_and_country_leave_small_numbers_out_but_count_them(chosen):
    settings = replace(chosen.video_stats, prior_sessions=10.0, min_sessions=20)
    shown = [left(0, 30, 3), left(1, 10, 3), left(0, 15, 2, device=None), left(1, 45, 12, country="GB")]
    built = video_stats.exit_rates(exits_of(*shown), settings).to_pylist()
    found = {(row["device_class"], row["country"]): (row["sessions"], row["exits"]) for row in built}
    assert found == {
        ("*", "*"): (100, 20),
        ("*", "GB"): (45, 12),
        ("*", "US"): (55, 8),
        ("phone", "*"): (85, 18),
        ("phone", "GB"): (45, 12),
        ("phone", "US"): (40, 6),
    }
    rates = {(row["device_class"], row["country"]): row["rate"] for row in built}
    assert rates["phone", "GB"] == pytest.approx((12 + 10 * 0.2) / 55, rel=1e-6)
    assert video_stats.exit_rates(exits_of(), settings).num_rows == 0
