"""What the views of a video under test say: its good watches by distinct viewers against the bar of its kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import betainc

from foryou.settings import Distribution

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

COLUMNS = ["viewer", "video", "day", "good", "own", "duration_ms", "propensity"]
"""What is read of `views`."""

GROUPS = 4
FOUND = ("too_little", "better", "better_in_groups", "undecided", "worse")

_BUCKETS = 12
_UNKNOWN = _BUCKETS - 1
_BAR_VIEWS = 100
"""What the rate of everything weighs in the bar of one kind, in views: a kind of few views has no bar of its own."""


@dataclass(frozen=True)
class Evidence:
    """What the views of a video in its stage say; arrays [videos] or [videos, 1 + groups], the whole first.

    `impressions` counts distinct viewers and days, `viewers` and `good` distinct viewers; `bar` is the good rate of
    other videos of the same durations, shown in the same ways.
    """

    impressions: NDArray[np.int64]
    viewers: NDArray[np.int64]
    good: NDArray[np.int64]
    bar: Floats

    def posterior(self, settings: Distribution) -> Floats:
        """P(rate > bar): Beta posterior, its prior worth `prior_viewers` viewers at the bar; groups lean on the whole.

        A group's prior is the video's overall posterior mean, at `prior_viewers`: without evidence of its own it says
        nothing new.
        """
        m = settings.prior_viewers
        bar = np.clip(self.bar, 1e-3, 1 - 1e-3)[:, None]
        mean = (self.good[:, :1] + m * bar) / (self.viewers[:, :1] + m)
        prior = np.concatenate([bar, np.repeat(np.minimum(mean, bar), GROUPS, axis=1)], axis=1)
        a, b = self.good + m * prior, self.viewers - self.good + m * (1 - prior)
        return 1 - betainc(a, b, np.broadcast_to(bar, a.shape))

    def posteriors(self, prior: Floats, settings: Distribution) -> tuple[Floats, Floats]:
        """Alpha and beta [videos, 1 + groups] of the Beta posteriors of the rates, `prior` [videos] the mean before.

        It is worth `prior_viewers`; so is, for each group, the posterior mean of the whole.
        """
        m = settings.prior_viewers
        mean = (self.good[:, :1] + m * prior[:, None]) / (self.viewers[:, :1] + m)
        prior = np.concatenate([prior[:, None], np.repeat(mean, GROUPS, axis=1)], axis=1)
        return self.good + m * prior, self.viewers - self.good + m * (1 - prior)


def room(views: pa.Table, tested: pa.ChunkedArray) -> int:
    """How many views the places kept for tests give a day: of the day's `views` those of `tested` that were drawn.

    At least one a viewer of the day, who came by the first of those places: as long as the feeds of a lake are not what
    people watch, the few views that something else drew would leave all these places to a handful of videos.
    """
    drawn = pc.and_(pc.is_valid(views["propensity"]), pc.is_in(views["video"], tested.combine_chunks()))
    return max(pc.sum(drawn).as_py() or 0, pc.count_distinct(views["viewer"]).as_py())


def gather(views: pa.Table, group: Ints, videos: Ints, since: Ints) -> Evidence:
    """The evidence on each of `videos`: the views after its day `since` (days since 1970), the viewer's own left out.

    `views` hold the window's days; `group` has each viewer's by dense id, -1 for none: such a view counts in the whole.
    """
    views = views.filter(pa.compute.invert(views["own"]))
    viewer, video = views["viewer"].to_numpy(), views["video"].to_numpy()
    bar = _bars(views)
    place_of = np.full(1 + max(video.max(initial=-1), videos.max(initial=-1)), -1, np.int32)
    place_of[videos] = np.arange(len(videos))
    place = place_of[video]
    late = views["day"].cast(pa.int32()).to_numpy() > np.append(since, 0)[place]
    used = np.flatnonzero((place >= 0) & late)
    place, own_group = place[used], group[viewer[used]]
    impressions = _by_group(place, own_group, len(videos))
    pair, first = np.unique(place.astype(np.int64) << 32 | viewer[used], return_index=True)
    good = np.zeros(len(pair), bool)
    good[np.searchsorted(pair, place.astype(np.int64) << 32 | viewer[used])[views["good"].to_numpy()[used]]] = True
    of, of_group = (pair >> 32).astype(np.int32), own_group[first]
    bars = np.bincount(place, bar[used], minlength=len(videos)) / np.maximum(1, impressions[:, 0])
    usual = bar.mean() if len(bar) else 0.0
    return Evidence(
        impressions=impressions,
        viewers=_by_group(of, of_group, len(videos)),
        good=_by_group(of[good], of_group[good], len(videos)),
        bar=np.where(impressions[:, 0] > 0, bars, usual),
    )


def _bars(views: pa.Table) -> Floats:
    """Of each view the good rate of its kind: explored or not, and how long the video lasts (powers of two seconds)."""
    seconds = pa.compute.fill_null(views["duration_ms"], 0).to_numpy() / 1000
    bucket = np.where(seconds > 0, np.clip(np.log2(np.maximum(seconds, 1)), 0, _UNKNOWN - 1), _UNKNOWN).astype(np.int64)
    kind = bucket + _BUCKETS * pa.compute.is_valid(views["propensity"]).to_numpy().astype(np.int64)
    good = views["good"].to_numpy()
    count, well = np.bincount(kind, minlength=2 * _BUCKETS), np.bincount(kind, good, minlength=2 * _BUCKETS)
    usual = good.mean() if len(good) else 0.0
    return ((well + _BAR_VIEWS * usual) / (count + _BAR_VIEWS))[kind]


def _by_group(place: Ints, group: Ints, height: int) -> NDArray[np.int64]:
    """Counts [height, 1 + groups]: all, then those of each group."""
    whole = np.bincount(place, minlength=height)[:, None]
    grouped = group >= 0
    cell = place[grouped].astype(np.int64) * GROUPS + group[grouped]
    return np.hstack([whole, np.bincount(cell, minlength=height * GROUPS).reshape(height, GROUPS)]).astype(np.int64)


def targets(stage: int, active_viewers: int, settings: Distribution) -> int:
    """Impressions that a stage under test (0 to 3) wants: its number, or its share of the active viewers if less."""
    return max(1, min(settings.impressions[stage], round(settings.active_percent[stage] / 100 * active_viewers)))


def judge(evidence: Evidence, wanted: NDArray[np.int64], settings: Distribution) -> tuple[Ints, Mask, Floats]:
    """For each video the place in `FOUND`, the groups it is better in [videos, groups], and the overall posterior.

    Bonferroni: of the error that is allowed, half goes to the whole and half to the groups together, so that an
    average video passes no more often for having groups.
    """
    error = 1 - settings.min_posterior
    posterior = evidence.posterior(settings)
    enough = evidence.impressions[:, 0] >= wanted
    better = posterior[:, 0] > 1 - error / 2
    enough_of_group = evidence.impressions[:, 1:] >= settings.min_group_impressions
    groups = (posterior[:, 1:] > 1 - error / 2 / GROUPS) & enough_of_group
    # What most dislike goes on while one group seems to like it.
    liked_by_some = (posterior[:, 1:] > 1 - settings.max_posterior_of_worse).any(axis=1)
    worse = (posterior[:, 0] < settings.max_posterior_of_worse) & ~liked_by_some
    found = np.select([~enough, better, groups.any(axis=1), worse], [0, 1, 2, 4], FOUND.index("undecided"))
    return found.astype(np.int32), groups, posterior[:, 0]
