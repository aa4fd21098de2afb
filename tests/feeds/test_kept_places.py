"""Places of a feed beside the same rules in plain Python."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from foryou.feeds import places
from foryou.tables import KEPT


def filled(own, kept, wanted, known, copy_of):
    """One viewer's feed as (list, video) pairs; list 0 is the viewer's own."""
    lists, used, feed, due = [list(own), *map(list, kept)], set(), [], 0.0
    for turn in wanted:
        first = 1 + turn if turn >= 0 and any(copy_of[video] not in used for video in lists[1 + turn]) else 0
        if not first:
            due += 1 - known
            if due >= 1 - 1e-9:
                due, first = due - 1, 1 + places.STARTING
        for asked in (first, 0, 1 + places.STARTING):
            fresh = [video for video in lists[asked] if copy_of[video] not in used]
            if fresh:
                lists[asked] = fresh[1:]
                used.add(copy_of[fresh[0]])
                feed.append((asked, fresh[0]))
                break
        else:
            break
    return feed


def padded(rng, rows, width, videos):
    """Lists of different lengths without repeats, padded with -1."""
    lists = np.stack([rng.choice(videos, width, replace=False) for _ in range(rows)]).astype(np.int32)
    lists[np.arange(width) >= rng.integers(0, width + 1, rows)[:, None]] = -1
    return lists


def test_feeds_agree_with_the_rules_in_plain_python(chosen):
    rng = np.random.default_rng(5)
    rows, videos = 60, 40
    own = padded(rng, rows, 15, videos)
    kept = np.stack([padded(rng, rows, 6, videos) for _ in KEPT])
    copy_of = np.minimum(np.arange(videos), rng.integers(0, videos, videos)).astype(np.int32)
    wanted = places.kept_places(replace(chosen.feeds, length=12))
    known = rng.choice([0.0, 0.3, 0.5, 1.0], rows).astype(np.float32)
    source, place = places.fill(own, kept, wanted, known, copy_of)
    for row in range(rows):
        told = [
            (int(s), int(own[row, p] if s == 0 else kept[s - 1, row, p]))
            for s, p in zip(source[row], place[row], strict=True)
            if s >= 0
        ]
        expected = filled(
            own[row][own[row] >= 0], [lists[row][lists[row] >= 0] for lists in kept], wanted, known[row], copy_of
        )
        assert told == expected


def test_places_beyond_the_length_of_a_feed_are_not_kept(chosen):
    kept = {"following_places": (3,), "exploring_places": (5, 10), "trending_places": (6, 7)}
    wanted = places.kept_places(replace(chosen.feeds, length=6, **kept))
    assert wanted.tolist() == [-1, -1, 0, -1, 2, 1]
