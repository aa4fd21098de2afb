"""Times the final list beside a plain one: `python -m tests.benchmarks.bench_feeds`, on one thread.

The reference is marginal relevance as one would write it in numpy, without any rule: after each video the cosines of
all candidates with it in one product. Candidates are of the viewer's few topics, as they are in a night. Times are of
the CPU, the least of some rounds taken in turn, for 200,000 viewers; parts of a night run on as many cores as there
are.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from foryou import settings
from foryou.feeds import final_list, rules
from foryou.feeds.rules import Lists, Past, Videos
from foryou.tables import KEPT
from tests.benchmarks.bench_topk import least

ALL_VIEWERS, DIMENSIONS, TOPICS, NOTHING = 200_000, 32, 40, 1e9


def catalogue(videos: int, rng: np.random.Generator) -> tuple[Videos, NDArray[np.float32]]:
    """Videos of 40 topics, by creators and with sounds of falling popularity; and their vectors of unit length."""
    topic = rng.integers(0, TOPICS, videos)
    vectors = rng.standard_normal((TOPICS, DIMENSIONS))[topic] + 0.8 * rng.standard_normal((videos, DIMENSIONS))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    creator, sound = (videos // 6 * rng.random(videos) ** 2 for _ in range(2))
    labels = np.stack([topic, sound, creator], axis=1).astype(np.int32)
    return Videos(np.arange(videos, dtype=np.int32), labels, rules.whole(unit)), unit


def candidates(viewers: int, each: int, of: Videos, rng: np.random.Generator) -> Lists:
    """Half of everybody's candidates are of three topics."""
    by_topic = np.argsort(of.labels[:, 0], kind="stable")
    videos = len(by_topic)
    liked = rng.integers(0, TOPICS, (viewers, 3))
    own = np.empty((viewers, each), np.int32)
    for row in range(viewers):
        near = (liked[row, rng.integers(0, 3, 2 * each)] + rng.random(2 * each)) * (videos / TOPICS)
        both = np.concatenate([by_topic[near.astype(np.int64)], rng.integers(0, videos, 2 * each)])
        own[row] = rng.permutation(np.unique(both))[:each]
    scores = -np.sort(-rng.standard_normal((viewers, each), dtype=np.float32), axis=1)
    kept = rng.integers(0, videos, (len(KEPT), viewers, 20)).astype(np.int32)
    return Lists(own, scores, kept, np.ones(viewers, np.float32))


def plain(lists: Lists, unit: NDArray[np.float32], length: int, variety: float) -> None:
    """Marginal relevance, viewer by viewer."""
    for own, scores in zip(lists.own, lists.scores, strict=True):
        vectors, nearest = unit[own], np.zeros(own.size, np.float32)
        worth = (scores - scores.mean()) / scores.std()
        for _ in range(length):
            best = int(np.argmax(worth - variety * nearest))
            worth[best] = -NOTHING
            nearest = np.maximum(nearest, vectors @ vectors[best])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--viewers", type=int, default=2_000)
    arguments.add_argument("--videos", type=int, default=50_000)
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    rng, told = np.random.default_rng(0), settings.load().feeds
    of, unit = catalogue(chosen.videos, rng)
    own, wanted = rules.of_settings(told), rules.kept_places(told)
    past = Past(
        rng.integers(0, chosen.videos, (chosen.viewers, rules.places_before(told))).astype(np.int32),
        np.zeros(chosen.viewers + 1, np.int64),
        np.empty(0, np.int32),
        np.empty(0, np.float32),
    )
    for each in (200, 500):
        lists = candidates(chosen.viewers, each, of, rng)
        sample = Lists(lists.own[:200], lists.scores[:200], lists.kept[:, :200], lists.known[:200])
        with threadpool_limits(1, user_api="blas"):
            seconds = least(
                {
                    "plain numpy, no rules": lambda sample=sample: plain(sample, unit, told.length, told.variety),
                    "final_list.fill": lambda lists=lists: final_list.fill(lists, wanted, past, of, own),
                    "its rules alone": lambda lists=lists: final_list.fill(
                        lists, wanted, past, of, own._replace(variety=0.0)
                    ),
                },
                chosen.rounds,
            )
        print(f"\n{told.length} places from {each} candidates, {ALL_VIEWERS:,} viewers, one thread")
        reference = seconds["plain numpy, no rules"] / len(sample.own)
        for name, spent in seconds.items():
            a_viewer = spent / (len(sample.own) if name.startswith("plain") else chosen.viewers)
            print(f"  {name:<24}{a_viewer * ALL_VIEWERS:8.1f} s   speed x {reference / a_viewer:.1f}")


if __name__ == "__main__":
    main()
