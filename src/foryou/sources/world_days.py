"""One day of a synthetic world: who watched what, as a landing day; and what it leaves to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from foryou.sources import world_actions, world_controls, world_dirt, world_policy, world_sessions
from foryou.sources.landing import write_day
from foryou.sources.world_catalogue import Videos
from foryou.sources.world_lines import KIND, KINDS, Lines, join, lines_of, records
from foryou.sources.world_parameters import DAY_MS, WorldParameters
from foryou.sources.world_people import Viewers
from foryou.sources.world_policy import SURFACES

Ints = npt.NDArray[np.int64]

LINES_OF_A_FILE = 240_000
"""About 64 MiB: large enough to read well, small enough to be read in parallel."""
COOLING = 0.75
"""Share of a video's heat (good watches) that it keeps for the next day."""


@dataclass(frozen=True)
class World:
    """What does not change from day to day."""

    parameters: WorldParameters
    viewers: Viewers
    videos: Videos
    taste: npt.NDArray[np.float32]
    later_taste: npt.NDArray[np.float32]
    beliefs: world_policy.Beliefs
    robots: Ints

    def taste_on(self, day: int) -> npt.NDArray[np.float32]:
        """Tastes of a day, [viewers, d]: on the way from the first one to the later one, generosity and tongue kept."""
        turn = self.parameters.drift * day * np.pi / 2
        wanders = self.parameters.topics + self.parameters.latent
        if not turn:
            return self.taste
        taste = self.taste.copy()
        taste[:, :wanders] = np.cos(turn) * taste[:, :wanders] + np.sin(turn) * self.later_taste[:, :wanders]
        return taste


@dataclass
class State:
    """What one day leaves to the next: heat per video, pairs seen (viewer * videos + video, ascending),
    follows as (viewer, creator, since), lines that arrive late, yesterday's records."""

    heat: npt.NDArray[np.float64]
    seen: Ints
    follows: pl.DataFrame
    late: Lines
    yesterday: pl.DataFrame | None = None
    counts: Ints = field(default_factory=lambda: np.zeros(len(KINDS), dtype=np.int64))
    good: int = 0
    long_views: int = 0


def draw_lines(world: World, state: State, number: int, rng: np.random.Generator) -> tuple[Lines, Ints]:
    """The clean log of a day under the logging policy, and the viewers at it; `state` moves on."""
    parameters, start = world.parameters, world.parameters.day_start_ms(number)
    budget = parameters.lines_of_day(number)
    spoiled = sum(spoils(parameters, number))
    shelf = world_policy.set_shelf(world.videos, state.heat, number)
    machines = world_dirt.robot_lines(
        round(budget * parameters.robot_rate), world.robots, shelf.pool, world.videos, start, rng
    )
    posts = post_lines(world, number).take(slice(0, budget // 4))
    room = max(0, budget - spoiled - len(machines) - len(posts) - len(state.late))
    people, late = _people_lines(world, state, shelf, number, room, rng)
    lines = join([people, machines, posts, state.late])
    _move_on(world, state, lines, late)
    return lines, np.unique(people.viewer)


def draw_controls(world: World, number: int, active: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """What the viewers at the log of a day ask of their feeds; of a clean day right after its lines."""
    start = world.parameters.day_start_ms(number)
    return world_controls.draw_controls(number, start, active, world.viewers, world.videos, rng)


def spoils(parameters: WorldParameters, number: int) -> tuple[int, int, int]:
    """How many lines of a day are broken, dirty and sent twice."""
    budget = parameters.lines_of_day(number)
    broken, dirty, twice = (
        round(budget * rate) for rate in (parameters.broken_rate, parameters.dirt_rate, parameters.duplicate_rate)
    )
    return max(broken, min(2, budget // 100)) if parameters.broken_rate else 0, dirty, twice


def write_one_day(world: World, state: State, number: int, day: date, out: Path, rng: np.random.Generator) -> int:
    """Simulate and write one day; `state` moves on. Returns the number of log lines."""
    broken, dirty, twice = spoils(world.parameters, number)
    lines, active = draw_lines(world, state, number, rng)
    today = records(lines, world.viewers, world.videos, f"e{day}")
    spoiled = [world_dirt.duplicates(today, state.yesterday, twice, rng), world_dirt.corrupt(today, day, dirty, rng)]
    raw = world_dirt.broken_lines(today, broken, rng)
    state.yesterday = today[rng.integers(0, max(1, today.height), min(twice, today.height))]
    log = pl.concat([today, *spoiled]).sort("at_ms", maintain_order=True).drop("at_ms")
    tables = {
        "events": log,
        "videos": world.videos.snapshot(number),
        "viewers": world.viewers.frame.head(world.viewers.known(number)),
        "follows": follow_records(world, state.follows),
        "controls": draw_controls(world, number, active, rng),
    }
    write_day(out, day, tables, parts=-(-max(log.height, 1) // LINES_OF_A_FILE), raw_lines={"events": raw})
    return log.height + len(raw)


def _people_lines(
    world: World, state: State, shelf: world_policy.Shelf, number: int, room: int, rng: np.random.Generator
) -> tuple[Lines, Lines]:
    """The day's lines of real people, exactly `room` if there is enough to see, and those that arrive tomorrow.

    More sessions than needed are drawn; whole sessions are then left out (they are in random order).
    """
    start = world.parameters.day_start_ms(number)
    plays = _plays(world, state, shelf, number, room, rng)
    follow_keys = state.follows["viewer"].to_numpy() * len(world.videos) + state.follows["creator"].to_numpy()
    followed = member(plays.viewer * len(world.videos) + world.videos.creator[plays.video], follow_keys)
    lines, session = world_actions.happenings(plays, followed, world.viewers, rng)
    order = np.argsort(session, kind="stable")
    lines = lines.take(order)
    late = (lines.at_ms >= start + DAY_MS) | (rng.random(len(lines)) < world.parameters.late_rate)
    end = int(np.searchsorted(np.cumsum(~late), room, side="right"))
    kept, late = lines.take(np.arange(end)), late[:end]
    # Good watches heat a video for tomorrow; only what was logged counts.
    logged = plays.session <= session[order][max(end - 1, 0)] if end else np.zeros(len(plays), bool)
    _learn(world, state, plays.take(logged))
    return kept.take(~late), kept.take(late)


def _plays(
    world: World, state: State, shelf: world_policy.Shelf, number: int, room: int, rng: np.random.Generator
) -> world_sessions.Plays:
    """Somewhat more plays than `room` lines need."""
    start, videos = world.parameters.day_start_ms(number), world.videos
    wanted = int(1.04 * room) + 300
    sessions = world_sessions.draw_sessions(int(1.4 * room) + 800, number, start, world.viewers, rng)
    session = np.repeat(np.arange(len(sessions.viewer)), sessions.length)
    viewer = sessions.viewer[session]
    follows = (state.follows["viewer"].to_numpy(), state.follows["creator"].to_numpy())
    shown = world_policy.expose(
        viewer, follows, shelf, world.beliefs, videos, world.viewers.language, world.parameters.explore_share, rng
    )
    fine = ~world_policy.forbidden(viewer, sessions.start_ms[session], shown.video, world.viewers, videos)
    pair = viewer * len(videos) + shown.video
    repeats = np.flatnonzero(fine & (member(pair, state.seen) | ~_first_of(pair)))
    spare = max(0, int(fine.sum()) - wanted)
    # In a small world there may be nothing new left to show: then what was seen comes again.
    fine[rng.permutation(repeats)[:spare]] = False
    shown = world_policy.Exposures(shown.video[fine], shown.surface[fine], shown.propensity[fine])
    plays = world_sessions.watch(session[fine], sessions, shown, world.taste_on(number), videos, rng)
    return world_sessions.set_times(plays, sessions, world_sessions.draw_pauses(len(plays), rng))


def post_lines(world: World, number: int) -> Lines:
    """The uploads of the day; every second uploader looks at the result from the own profile."""
    videos, end = world.videos, world.parameters.day_start_ms(number + 1)
    new = np.flatnonzero(videos.uploaded_day == number)
    looked = new[::2]
    posts = lines_of("post", videos.uploaded_ms[new], videos.owner[new], new)
    own_views = lines_of(
        "play",
        np.minimum(videos.uploaded_ms[looked] + 5_000, end - 1),
        videos.owner[looked],
        looked,
        watched_ms=videos.duration_ms[looked],
        surface=SURFACES.index("profile"),
    )
    return join([posts, own_views])


def _learn(world: World, state: State, plays: world_sessions.Plays) -> None:
    """Heat of tomorrow, and the pairs seen."""
    goods = np.bincount(plays.video[plays.good], minlength=len(world.videos))
    state.heat = COOLING * state.heat + goods + 0.02
    new = np.sort(plays.viewer * len(world.videos) + plays.video)
    # Two ascending runs: a stable sort merges them in one pass.
    state.seen = np.sort(np.concatenate([state.seen, new]), kind="stable")
    state.good += int(plays.good.sum())
    duration = world.videos.duration_ms[plays.video]
    state.long_views += int((plays.watched_ms >= np.minimum(duration, 18_000)).sum())


def _move_on(world: World, state: State, lines: Lines, late: Lines) -> None:
    """Counts, and the follows of the day."""
    state.counts += np.bincount(lines.kind, minlength=len(KINDS))
    state.late = late
    state.follows = follows_after(world, state.follows, lines)


def follows_after(world: World, follows: pl.DataFrame, lines: Lines) -> pl.DataFrame:
    """The follows that a day of these lines leaves."""
    # Without an account there is nobody in `follows` yet.
    lines = lines.take(world.viewers.signed_up_ms[lines.viewer] <= lines.at_ms)
    new, gone = (lines.take(lines.kind == KIND[kind]) for kind in ("follow", "unfollow"))
    left = pl.DataFrame({"viewer": gone.viewer, "creator": world.videos.creator[gone.video]}).cast(pl.Int64)
    kept = follows.join(left, on=["viewer", "creator"], how="anti")
    added = follows_frame(new.viewer.astype(np.int64), world.videos.creator[new.video], new.at_ms)
    both = pl.concat([kept, added])
    return follows_frame(*(both[name].to_numpy() for name in both.columns))


def follow_records(world: World, follows: pl.DataFrame) -> pl.DataFrame:
    """The landing records of follows."""
    return follows.select(
        viewer_id=world.viewers.frame["viewer_id"].gather(follows["viewer"]),
        creator_id="c" + pl.col("creator").cast(pl.String).str.zfill(5),
        since=pl.col("since_ms").cast(pl.Datetime("ms")).dt.replace_time_zone("UTC"),
    )


def follows_frame(viewer: Ints, creator: Ints, since_ms: Ints) -> pl.DataFrame:
    """One row per follow, ascending by viewer and creator, the earliest kept."""
    frame = pl.DataFrame(
        {"viewer": viewer, "creator": creator, "since_ms": since_ms},
        schema=dict.fromkeys(("viewer", "creator", "since_ms"), pl.Int64),
    )
    return frame.sort("viewer", "creator", "since_ms").unique(["viewer", "creator"], keep="first", maintain_order=True)


def member(values: Ints, ascending: Ints) -> npt.NDArray[np.bool_]:
    """Which values occur in a sorted array."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return ascending[place] == values


def _first_of(values: Ints) -> npt.NDArray[np.bool_]:
    """Which entries are the first with their value."""
    first = np.zeros(len(values), dtype=bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first
