"""What one arm's days of watching amount to: a row a night, and a row over all nights.

The shares are left as their two counts, so that nights and seeds can be added up before anything is divided.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from foryou.simulation.watching import Answers, Visits
from foryou.sources.world_days import World, member
from foryou.sources.world_truth import sigmoid

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Row = dict[str, float]

CLEAR, PRIOR_VIEWS = 0.95, 10
"""A new video is found when the posterior says with that probability that it is better than the average one; the prior
weighs ten views of the average rate."""
BEST_SHARE = 0.25
"""The good ones among the new videos: the best quarter by the mean of all viewers' true odds."""
TIERS = (("small", 0.0, 0.5), ("middle", 0.5, 0.9), ("large", 0.9, 1.0))
"""Creators by their followers before the first night."""
FEWEST_PLAYS = 10
"""A viewer with fewer plays has no mix of topics to speak of."""


@dataclass(frozen=True)
class Setting:
    """What the measures of one world hold against: when the nights began, and what is true."""

    world: World
    first_day: int
    met: NDArray[np.bool_]
    tier: Ints
    base_rate: float
    good_new: NDArray[np.bool_]

    @classmethod
    def of(cls, world: World, first_day: int, last_day: int, met: NDArray[np.bool_], followers: Ints) -> Setting:
        """`met` [viewers]: who had watched before the first night; `followers` [creators].

        New are videos that could first be listed on `first_day` or later, before `last_day`.
        """
        mean = mean_affinity(world)
        new = (world.videos.uploaded_day >= first_day - 1) & (world.videos.flagged_until < last_day)
        good = np.zeros(len(new), bool)
        if new.any():
            good = new & (mean >= np.quantile(mean[new], 1 - BEST_SHARE))
        rank = (np.argsort(np.argsort(followers, kind="stable"), kind="stable") + 0.5) / max(1, len(followers))
        tier = np.searchsorted([bound for _, _, bound in TIERS[:-1]], rank, side="right")
        return cls(world, first_day, met, tier, float(mean.mean()), good)


def mean_affinity(world: World) -> Floats:
    """For each video the mean over viewers of the true probability of a good watch, on the first day."""
    return sigmoid((world.taste @ world.videos.appeal.T).astype(np.float64)).mean(axis=0)


@dataclass
class Record:
    """The days of one arm so far; `seen` are all pairs ever shown, as viewer * videos + video, ascending."""

    setting: Setting
    seen: Ints
    nights: list[Row] = field(default_factory=list)
    plays: list[tuple[Ints, Ints, NDArray[np.bool_]]] = field(default_factory=list)

    def add(self, number: int, visits: Visits, earlier: Ints, answers: Answers) -> None:
        """One day; `earlier` [viewers] counts the sessions of each since the first night."""
        world, plays = self.setting.world, answers.plays
        pair = plays.viewer * len(world.videos) + plays.video
        fresh = np.unique(pair)
        again = len(pair) - len(fresh) + int(member(fresh, self.seen).sum())
        odds = np.einsum("nd,nd->n", world.taste_on(number)[plays.viewer], world.videos.appeal[plays.video])
        row = {
            "night": len(self.nights) + 1,
            "sessions": len(visits.sessions.viewer),
            "slots": len(visits),
            "plays": len(plays),
            "good": int(plays.good.sum()),
            "affinity": float(sigmoid(odds.astype(np.float64)).sum()),
            "watched_s": float((plays.watched_ms + plays.again_ms).sum() / 1000),
            "repeats": again,
        }
        self.nights.append(row | self._of_new_viewers(visits, earlier, answers))
        self.seen = np.sort(np.concatenate([self.seen, fresh]), kind="stable")
        self.plays.append((plays.viewer, plays.video, plays.good))

    def _of_new_viewers(self, visits: Visits, earlier: Ints, answers: Answers) -> Row:
        """First and second sessions of those who had never watched before the first night."""
        who = visits.sessions.viewer
        ordinal = np.where(self.setting.met[who], -1, earlier[who] + visits.turn)
        plays, last = answers.plays, np.zeros(len(who), np.int64)
        np.maximum.at(last, plays.session, plays.position)
        bored = np.zeros(len(who), bool)
        bored[plays.session[answers.bored]] = True
        first, second = ordinal == 0, (ordinal == 1)[plays.session]
        return {
            "first_sessions": int(first.sum()),
            "first_exits": int((first & bored).sum()),
            "first_plays": int((ordinal == 0)[plays.session].sum()),
            "first_good": int(plays.good[(ordinal == 0)[plays.session]].sum()),
            "second_plays": int(second.sum()),
            "second_good": int(plays.good[second].sum()),
        }

    def total(self) -> Row:
        """All nights together: the sums of the rows, and what only shows over time."""
        summed = {name: float(sum(row[name] for row in self.nights)) for name in self.nights[0] if name != "night"}
        viewer, video, good = (np.concatenate([day[place] for day in self.plays]) for place in range(3))
        return summed | self._found(video, good) | self._mix(viewer, video)

    def _found(self, video: Ints, good: NDArray[np.bool_]) -> Row:
        """Good new videos found, and the impressions that went into those until they were."""
        wanted = self.setting.good_new
        base = self.setting.base_rate
        found = spent = 0
        of_new = np.flatnonzero(wanted[video])
        for one in np.flatnonzero(wanted):
            outcomes = good[of_new[video[of_new] == one]]
            needed = impressions_until_clear(outcomes, base)
            found += needed is not None
            spent += len(outcomes) if needed is None else needed
        new = self.setting.world.videos.uploaded_day >= self.setting.first_day - 1
        return {"good_new": int(wanted.sum()), "found": found, "spent": spent, "new_plays": int(new[video].sum())}

    def _mix(self, viewer: Ints, video: Ints) -> Row:
        videos, topics = self.setting.world.videos, self.setting.world.parameters.topics
        counts = np.zeros((len(self.setting.met), topics))
        np.add.at(counts, (viewer, videos.topic[video]), 1)
        counts = counts[counts.sum(axis=1) >= FEWEST_PLAYS]
        share = counts / counts.sum(axis=1, keepdims=True)
        entropy = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
        plays = np.bincount(self.setting.tier[videos.creator[video]], minlength=len(TIERS))
        mixed = {"mixed_viewers": len(counts), "entropy": float(entropy.sum())}
        mixed |= {f"plays_{name}": int(plays[place]) for place, (name, _, _) in enumerate(TIERS)}
        return mixed | {"videos_played": len(np.unique(video))}


def impressions_until_clear(good: NDArray[np.bool_], base: float) -> int | None:
    """After how many impressions the posterior is clear that the rate lies above `base`; None if it never is."""
    goods, shown = np.cumsum(good), np.arange(1, len(good) + 1)
    above = 1 - betainc(PRIOR_VIEWS * base + goods, PRIOR_VIEWS * (1 - base) + shown - goods, base)
    clear = np.flatnonzero(above > CLEAR)
    return int(clear[0]) + 1 if len(clear) else None
