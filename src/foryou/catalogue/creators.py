"""How creators do: credibility, authority, stage, audience; and how far that moves a video's place (DESIGN §7)."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.catalogue import audiences, penalties
from foryou.catalogue.roster import Given, Roster
from foryou.settings import Creators

_UNITS = 1_000_000
"""Completions are added as whole millionths: a sum of floats would depend on the order of the rows."""

_EPOCH = date(1970, 1, 1)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def build(given: Given, day: date, settings: Creators) -> pa.Table:
    """One row per creator of the catalogue, by id, and per one who has left while a penalty has not faded.

    credibility = `.4 engagement + .3 activity + .2 quality trend + .1 reach - penalty`, within [0, 1]:

    - engagement: `r / (r + R)`, r the creator's good watches per viewer and video (drawn to R as by m viewers), R the
      platform's: .5 is usual;
    - activity: of the last twelve weeks, the share with an upload that was not rejected;
    - quality trend: `.5 + .5 d / (1 + |d|)`, d by how much the mean z (`video_stats`) of the videos of the last weeks
      lies above that of older ones, times `n / (n + m)` with the fewer of the two: .5 is steady;
    - reach: the share of creators with fewer followers, so that nobody's ten million weigh more than a tenth.

    penalty = for rejected videos + for reports (`penalties`), at most 1. authority = `1 + slope · mean z`, within its
    bounds, of the first five videos that were not rejected, the mean times `n / (n + m)`; once watched by fewer than
    the night before, they keep what they had. multiplier: its logarithm goes evenly from that of `multiplier_min` to
    that of `multiplier_max` while credibility x authority goes from 0 to the most that it can be.

    stage: `dormant` without an upload in `recent_days`, else `new` with fewer than `first_videos` videos, else
    `rising` where a week's share of the platform's views is `rising_ratio` times the week's before, else `established`.
    """
    roster = Roster.of_night(given, day)
    videos = roster.number(roster.counts)
    viewers, good = (roster.add(counts).astype(np.int64) for counts in (roster.viewers, roster.good))
    numbers, lists = _penalty(given, roster, videos, viewers, day, settings)
    usual = good.sum() / max(1, viewers.sum())
    good_rate = (good + settings.prior_viewers * usual) / (viewers + settings.prior_viewers)
    followers = _followers(given.follows, roster.names)
    parts = {
        "engagement": good_rate / (good_rate + usual) if usual else np.full(len(videos), 0.5),
        "activity": _activity(roster, settings.active_weeks),
        "quality_trend": _quality_trend(roster, settings),
        "reach": np.searchsorted(np.sort(followers), followers) / max(1, len(followers)),
    }
    credibility = np.clip(
        sum(getattr(settings, f"weight_{name}") * part for name, part in parts.items()) - numbers["penalty"], 0, 1
    )
    authority, rests_on = _authority(given.before, roster, settings)
    numbers |= parts | {
        "good_rate": good_rate,
        "exits_a_video": roster.add(roster.exits) / np.maximum(1, videos),
        "credibility": credibility,
        "authority": authority,
        "multiplier": multiplier(credibility, authority, settings),
    }
    lists |= _audience(given, roster, settings)
    rows = pa.table(
        {"creator_id": roster.names, "videos": videos.astype(np.int32), "followers": followers}
        | {"stage": _stages(given.views, roster, videos, day, settings), "completion": _completion(given.views, roster)}
        | {"authority_viewers": rests_on.astype(np.int32)}
        | {name: column.astype(np.float32) for name, column in numbers.items()}
        | lists
    )
    here = pc.is_in(rows["creator_id"], given.videos["creator_id"].unique().drop_null())
    return rows.filter(pc.or_(here, pc.greater(rows["penalty"], 0.0)))


def multiplier(credibility: Floats, authority: Floats, settings: Creators) -> Floats:
    """Between the two bounds, evenly in its logarithm, by credibility x authority over the most that it can be."""
    low, high = np.log(settings.multiplier_min), np.log(settings.multiplier_max)
    return np.exp(low + (high - low) * credibility * authority / settings.authority_max)


def log_multipliers(creators: pa.Table, videos: pa.Table, height: int) -> NDArray[np.float32]:
    """What to add to a video's comparable score, by dense id below `height`; 0 for videos without a known creator.

    `creators` has `creator_id`, `multiplier`; `videos` has `video`, `creator_id`.
    """
    row = pc.fill_null(pc.index_in(videos["creator_id"], creators["creator_id"].combine_chunks()), -1).to_numpy()
    found = np.zeros(height, np.float32)
    found[videos["video"].to_numpy()] = np.append(np.log(creators["multiplier"].to_numpy()), np.float32(0))[row]
    return found


def _penalty(
    given: Given, roster: Roster, videos: Ints, viewers: Ints, day: date, settings: Creators
) -> tuple[dict[str, Floats], dict[str, pa.Array]]:
    """The columns about penalties: numbers, and what the next night has to know."""
    of, days = roster.of[given.videos["video"].to_numpy()], settings.penalty_days
    known = penalties.remembered(given.before, roster.names)
    found = penalties.rejected(given.videos, of, known, not given.before.num_rows, day, days)
    bad = given.views["video"].to_numpy()[given.views["points"].to_numpy() <= given.reported]
    reporters = roster.add(np.bincount(bad, minlength=len(roster.of))).astype(np.int64)
    fresh = penalties.for_reports(reporters, viewers, settings)
    was, on, left = penalties.held(fresh, given.before, roster.names, day, days)
    offsets = pa.array(np.searchsorted(found.creator, np.arange(len(roster.names) + 1)).astype(np.int32))
    lists = {
        "rejected": pa.ListArray.from_arrays(offsets, pa.array(found.video.astype(np.int32))),
        "rejected_on": pa.ListArray.from_arrays(offsets, pa.array(found.on.astype(np.int32)).cast(pa.date32())),
        "reported_on": pa.array(on.astype(np.int32), mask=left == 0).cast(pa.date32()),
    }
    penalty = np.minimum(1.0, penalties.for_rejected(found, videos, day, settings) + left)
    return {"penalty": penalty, "report_penalty": np.where(left == 0, 0.0, was)}, lists


def _followers(follows: pa.Table, names: pa.Array) -> Ints:
    counted = follows["creator_id"].value_counts()
    row = pc.fill_null(pc.index_in(names, counted.field("values")), -1).to_numpy()
    return np.append(counted.field("counts").to_numpy(), 0)[row].astype(np.int64)


def _activity(roster: Roster, weeks: int) -> Floats:
    recent = roster.counts & (roster.age_days >= 0) & (roster.age_days < 7 * weeks)
    week = np.unique(roster.of[recent] * weeks + roster.age_days[recent] // 7) // weeks
    return np.bincount(week, minlength=len(roster.names)) / weeks


def _quality_trend(roster: Roster, settings: Creators) -> Floats:
    watched = roster.counts & (roster.viewers > 0) & (roster.age_days >= 0)
    young = roster.age_days < settings.recent_days
    groups = (watched & young, watched & ~young)
    (new, new_z), (old, old_z) = ((roster.number(group), roster.add(roster.z, group)) for group in groups)
    fewer = np.minimum(new, old)
    rise = np.where(fewer > 0, new_z / np.maximum(new, 1) - old_z / np.maximum(old, 1), 0.0)
    rise *= fewer / (fewer + settings.prior_videos)
    return 0.5 + 0.5 * rise / (1 + np.abs(rise))


def _authority(before: pa.Table, roster: Roster, settings: Creators) -> tuple[Floats, Ints]:
    """The authority of each creator, and on how many viewers it rests."""
    first = _first(roster, settings.first_videos)
    seen = first & (roster.viewers > 0)
    number, viewers = roster.number(seen), roster.add(roster.viewers, first).astype(np.int64)
    mean = roster.add(roster.z, seen) / (number + settings.prior_videos)
    fresh = np.clip(1 + settings.authority_slope * mean, settings.authority_min, settings.authority_max)
    row = pc.fill_null(pc.index_in(roster.names, before["creator_id"].combine_chunks()), -1).to_numpy()
    rested = np.append(before["authority_viewers"].to_numpy().astype(np.int64), 0)[row]
    kept = rested > viewers
    return np.where(kept, np.append(before["authority"].to_numpy(), 1.0)[row], fresh), np.maximum(rested, viewers)


def _first(roster: Roster, most: int) -> NDArray[np.bool_]:
    """Each creator's first videos that count: the earliest uploads, of one day those of the lower id."""
    video = np.flatnonzero(roster.counts & (roster.age_days >= 0))
    order = video[np.lexsort((video, -roster.age_days[video], roster.of[video]))]
    of = roster.of[order]
    found = np.zeros(len(roster.of), bool)
    found[order[np.arange(len(of)) - np.searchsorted(of, of) < most]] = True
    return found


def _stages(views: pa.Table, roster: Roster, videos: Ints, day: date, settings: Creators) -> pa.Array:
    ago = (day - _EPOCH).days - views["day"].cast(pa.int32()).to_numpy()
    weeks = [
        roster.add(np.bincount(views["video"].to_numpy()[ago // 7 == week], minlength=len(roster.of)))
        for week in (0, 1)
    ]
    shares = [week / max(1.0, week.sum()) for week in weeks]
    rising = (weeks[0] >= settings.rising_min_views) & (shares[0] >= settings.rising_ratio * shares[1])
    young = roster.counts & (roster.age_days >= 0) & (roster.age_days < settings.recent_days)
    cases = [roster.number(young) == 0, videos < settings.first_videos, rising & weeks[1].any()]
    return pa.array(np.select(cases, ["dormant", "new", "rising"], "established"))


def _completion(views: pa.Table, roster: Roster) -> pa.Array:
    """The mean over the views whose completion is known; null where there is none."""
    known = views.filter(views["completion"].is_valid())
    video = known["video"].to_numpy()
    units = np.rint(known["completion"].to_numpy().astype(np.float64) * _UNITS)
    total = roster.add(np.bincount(video, units, minlength=len(roster.of)))
    number = roster.add(np.bincount(video, minlength=len(roster.of)))
    mean = total / np.maximum(number, 1) / _UNITS
    return pa.array(mean.astype(np.float32), mask=number == 0)


def _audience(given: Given, roster: Roster, settings: Creators) -> dict[str, pa.Array]:
    """The columns about who watches well: one entry for each good watch of the window."""
    good = given.interactions.filter(given.interactions["good"])
    of, viewer = roster.of[good["video"].to_numpy()], good["viewer"].to_numpy()
    of, viewer, number = of[of >= 0], viewer[of >= 0], len(roster.names)
    places = sorted(set(given.trends["country"].to_pylist()) - {"*"})
    shares = audiences.countries(of, viewer, given.viewers, places, number)
    clusters, audience = audiences.clusters(
        of, viewer, given.profiles, number, settings.clusters, settings.min_audience
    )
    rising = audiences.rising_tags(given.trends, places, shares, settings.rising_tags)
    return {"clusters": clusters, "audience": audience, "rising_tags": rising}
