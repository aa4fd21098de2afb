"""Grounds of reasons in which nothing speaks for anything: a test gives only what matters to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from foryou.feeds.grounds import Grounds
from foryou.models import matrices
from foryou.models.matrices import Rows


def rows_of(entries: dict[int, dict[int, float]], height: int) -> Rows:
    """`{row: {column: value}}` as `Rows`."""
    triples = [(row, column, value) for row, columns in entries.items() for column, value in columns.items()]
    row, column, value = zip(*triples, strict=True) if triples else ((), (), ())
    typed = ((row, pa.int32()), (column, pa.int32()), (value, pa.float32()))
    return matrices.rows(*(pa.chunked_array([pa.array(part, kind)]) for part, kind in typed), height)


def lists_of(lists: dict[int, list[int]], height: int) -> Rows:
    """`{video: [tags]}` as `Rows` in the order given, every tag with weight 1."""
    each = [lists.get(row, []) for row in range(height)]
    flat = np.array([tag for row in each for tag in row], np.int32)
    return Rows(np.cumsum([0, *map(len, each)]).astype(np.int64), flat, np.ones(len(flat), np.float32))


def grounds(viewers: int, videos: int, n_tags: int = 8, width: int = 2, **given: Any) -> Grounds:
    """All may be shown to everybody, everybody's taste and every video is the same, nobody finished anything."""
    plain = {
        "finished": rows_of({}, viewers),
        "tags": lists_of({}, videos),
        "tag_directions": np.ones((n_tags, width), np.float32),
        "tastes": np.ones((viewers, width), np.float32),
        "vectors": np.ones((videos, width), np.float32),
        "hidden": rows_of({}, viewers),
        "about": rows_of({}, 3),
        "adult": np.zeros(viewers, bool),
        "shown": np.ones(videos, bool),
        "for_all": np.ones(videos, bool),
        "liked_by_many": np.ones(videos, bool),
        "praised": np.zeros(videos, bool),
        "new": np.zeros(videos, bool),
        "video_country": np.full(videos, -1, np.int32),
        "viewer_country": np.full(viewers, -1, np.int32),
        "rising": rows_of({}, 1),
        "rising_in": np.zeros(viewers, np.int32),
    }
    assert not set(given) - set(plain)
    return Grounds(**(plain | given))
