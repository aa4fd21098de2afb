"""What viewers of a synthetic world ask for: mutes, blocks, resets, opting out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from foryou.sources.world_catalogue import Videos
from foryou.sources.world_parameters import DAY_MS
from foryou.sources.world_people import Viewers

KINDS = ("mute_tag", "mute_sound", "mute_creator", "block_creator", "reset_feed", "opt_out", "opt_in")
SHARES = (0.3, 0.15, 0.2, 0.2, 0.05, 0.07, 0.03)
TARGETS = {"mute_tag": "tag", "mute_sound": "sound_id", "mute_creator": "creator_id", "block_creator": "creator_id"}


def draw_controls(
    day: int,
    day_start_ms: int,
    active: npt.NDArray[np.integer],
    viewers: Viewers,
    videos: Videos,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """The controls of a day, about one per thousand active viewers and at least one per kind that has a share.

    A target is taken from a random video: its creator, its sound or one of its tags.
    """
    known = active[active < viewers.known(day - 1)]
    if not len(known):
        known = np.zeros(1, dtype=np.int64)
    count = max(len(KINDS), round(len(known) / 1_000))
    kind = np.concatenate([np.arange(len(KINDS)), rng.choice(len(KINDS), count - len(KINDS), p=SHARES)])
    about = videos.frame[rng.integers(0, max(1, videos.known(day)), count)].with_columns(
        tag=pl.col("tags").list.first()
    )
    frame = about.with_columns(
        viewer_id=viewers.frame["viewer_id"].gather(rng.choice(known, count)),
        kind=pl.Series(KINDS).gather(kind),
        happened_at=pl.Series(np.sort(day_start_ms + rng.integers(0, DAY_MS, count)))
        .cast(pl.Datetime("ms"))
        .dt.replace_time_zone("UTC"),
    )
    target = pl.coalesce(pl.when(pl.col("kind") == name).then(column) for name, column in TARGETS.items())
    frame = frame.select("viewer_id", "kind", target.alias("target"), "happened_at")
    # Half of the videos have no sound or no tag: nobody can mute what is not there.
    return frame.filter(pl.col("target").is_not_null() | ~pl.col("kind").is_in(list(TARGETS)))
