"""What spoils a log: robots and loopers, duplicates, corrupt records, broken lines."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from foryou.sources.world_catalogue import Videos
from foryou.sources.world_lines import Lines, join, lines_of
from foryou.sources.world_parameters import DAY_MS
from foryou.sources.world_policy import SURFACES

Ints = npt.NDArray[np.int64]

PLAYS_OF_A_ROBOT, PLAYS_OF_A_LOOPER = 300, 80


def robot_lines(
    count: int, robots: Ints, pool: Ints, videos: Videos, day_start_ms: int, rng: np.random.Generator
) -> Lines:
    """About `count` plays by machines: half by robots that give each video of a creator a second and a bit,
    half by loopers that leave one video running."""
    if not len(robots) or count < 20:
        return lines_of("play", np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
    pieces = []
    for share, size, looping in ((0.5, PLAYS_OF_A_ROBOT, False), (0.5, PLAYS_OF_A_LOOPER, True)):
        wanted = int(count * share)
        runs = -(-wanted // size)
        run = np.arange(wanted) // size
        turn = np.arange(wanted) % size
        target = rng.choice(pool, runs)[run]
        same_creator = pool[np.argsort(videos.creator[pool], kind="stable")]
        place = np.searchsorted(videos.creator[same_creator], videos.creator[target])
        video = target if looping else same_creator[(place + turn) % len(pool)]
        watched = videos.duration_ms[video] if looping else np.full(wanted, 1_000)
        start = day_start_ms + rng.integers(0, DAY_MS // 4, runs)[run]
        pace = np.minimum(watched + 250, DAY_MS // 2 // size)
        viewer = robots[run % len(robots)]
        pieces.append(
            lines_of(
                "play",
                start + turn * pace,
                viewer,
                video,
                watched_ms=watched,
                surface=SURFACES.index("profile" if looping else "for_you"),
            )
        )
    return join(pieces)


def duplicates(
    today: pl.DataFrame, yesterday: pl.DataFrame | None, count: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Exact copies of lines under their own ids: four in five of today's, sent again within a minute, the rest
    of yesterday's, sent again at any hour of today."""
    if not count or not today.height:
        return today.clear()
    old = count // 5 if yesterday is not None and yesterday.height else 0
    again = today[rng.integers(0, today.height, count - old)]
    again = again.with_columns(pl.col("at_ms") + pl.Series(rng.integers(1, 60_000, again.height)))
    if not old or yesterday is None:
        return again
    stale = yesterday[rng.integers(0, yesterday.height, old)]
    hours = pl.Series(rng.choice(today["at_ms"].to_numpy(), old))
    return pl.concat([again, stale.with_columns(hours.alias("at_ms"))])


def corrupt(today: pl.DataFrame, day: date, count: int, rng: np.random.Generator) -> pl.DataFrame:
    """Copies of lines under new ids, each spoiled in one of the ways that real logs know."""
    if not count or not today.height:
        return today.clear()
    plays = today.filter(pl.col("kind") == "play")
    source = plays if plays.height else today
    fresh = source[rng.integers(0, source.height, count)].with_columns(
        event_id=pl.lit(f"e{day}-x") + pl.int_range(count).cast(pl.String).str.zfill(7)
    )
    # A small day holds only some of the ways: each begins elsewhere in the list.
    ways = _ways(day)
    first = int(rng.integers(0, len(ways)))
    ways = ways[first:] + ways[:first]
    pieces = [
        fresh.gather_every(len(ways), number).with_columns(way) for number, way in enumerate(ways) if number < count
    ]
    return pl.concat(pieces)


def _ways(day: date) -> list[pl.Expr]:
    """One expression per way to spoil a record."""
    text = {
        "event_id": (None, "", "e" * 10_000),
        "happened_at": ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday", None),
        "viewer_id": ("", "../../etc/passwd", "u\x00\x07\n1", "u😀1", "u'; DROP TABLE viewers; --"),
        "kind": ("swipe", "PLAY", None),
        "video_id": (None, "", "v-unknown"),
    }
    numbers = {"watched_ms": (-5_000, 10**12), "duration_ms": (-1, 0, 10**12)}
    spoiled = [pl.lit(value, pl.String).alias(name) for name, values in text.items() for value in values]
    spoiled += [pl.lit(value, pl.Int64).alias(name) for name, values in numbers.items() for value in values]
    tomorrow = pl.col("happened_at").str.replace(str(day), str(date.fromordinal(day.toordinal() + 2)), literal=True)
    nobody = pl.when(False).then("viewer_id").alias("viewer_id")
    return [*spoiled, tomorrow, nobody]


def broken_lines(today: pl.DataFrame, count: int, rng: np.random.Generator) -> list[bytes]:
    """Lines that are no JSON, or JSON that does not say what it should: cut, empty, wrong case, other types."""
    if not count or not today.height:
        return []
    sample = today[rng.integers(0, today.height, count)].drop("at_ms")
    texts = sample.write_ndjson().splitlines()
    first = int(rng.integers(0, 8))
    return [_break(text, (first + number) % 8).encode() for number, text in enumerate(texts)]


def _break(text: str, way: int) -> str:
    """One line, spoiled in one of eight ways (0 to 7)."""
    ways = (
        text[: len(text) // 2],
        text.replace('"kind"', '"Kind"'),
        text.replace('"watched_ms":', '"watched_ms":1e400,"was":'),
        text.replace('"watched_ms":', '"watched_ms":NaN,"was":'),
        text + text,
        text.replace('"position":', '"position":"first","was":'),
        "<html>502 Bad Gateway</html>",
        "[" + text,
    )
    return ways[way]
