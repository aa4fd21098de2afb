"""A synthetic world beside KuaiRand: what people of both do about what they watch.

    python -m tests.benchmarks.marginals [FOLDER]

The subset of KuaiRand at hand holds no exposures, only rows with an explicit like or hate (KuaiRand-27K, 15-core), so
what is compared is what goes along with a like, and how uneven people are; the world's rates per view stand alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from foryou.settings import ROOT
from foryou.simulation.worlds import WORLDS
from foryou.sources.world import begin
from foryou.sources.world_days import World, draw_lines
from foryou.sources.world_lines import KIND, join

KUAIRAND = ROOT.parent / "shared" / "data" / "kuairand"
ALONG = {"follow": "is_follow", "comment": "is_comment", "share": "is_forward", "profile_visit": "is_profile_enter"}
LONG_MS = 18_000
"""A long view, as KuaiRand has it: the whole video, or this much of a longer one."""


def liked_in_kuairand(folder: Path = KUAIRAND) -> pl.DataFrame:
    """One row per like with a known length: `viewer`, `ratio`, `long`, and what was done beside it."""
    rows = pl.read_csv(folder / "log_likehate_27k.tsv", separator="\t")
    liked = rows.filter((pl.col("label") == 1) & (pl.col("duration_ms") > 0))
    return liked.select(
        viewer="user_id",
        duration_s=pl.col("duration_ms") / 1000,
        ratio=pl.col("play_time_ms") / pl.col("duration_ms"),
        long=pl.col("long_view") == 1,
        **{kind: pl.col(column) == 1 for kind, column in ALONG.items()},
    )


def played_in(world: World, days: int) -> pl.DataFrame:
    """One row per viewer and video of the world's first days: the same columns, and `liked`, `skipped`."""
    parameters = world.parameters
    _, state, rngs = begin(parameters)
    lines = join([draw_lines(world, state, number, rngs[number])[0] for number in range(days)])
    frame = pl.DataFrame(
        {"viewer": lines.viewer, "video": lines.video, "kind": lines.kind, "watched_ms": lines.watched_ms}
    ).with_columns(duration_ms=pl.Series(world.videos.duration_ms[lines.video]))
    done = {kind: (pl.col("kind") == int(KIND[kind])).any() for kind in ("like", "not_interested", *ALONG)}
    played = frame.group_by("viewer", "video").agg(pl.col("duration_ms").first(), pl.col("watched_ms").sum(), **done)
    met = played.filter(pl.col("watched_ms") > 0)
    bound = pl.min_horizontal(2_000, 0.1 * pl.col("duration_ms"))
    return met.select(
        "viewer",
        duration_s=pl.col("duration_ms") / 1000,
        ratio=pl.col("watched_ms") / pl.col("duration_ms"),
        long=pl.col("watched_ms") >= pl.min_horizontal("duration_ms", LONG_MS),
        skipped=pl.col("watched_ms") < bound,
        liked="like",
        hated="not_interested",
        **{kind: pl.col(kind) for kind in ALONG},
    )


def table(world: World, days: int, folder: Path = KUAIRAND) -> list[tuple[str, float | None, float]]:
    """Rows of a measure's name, KuaiRand's value if it can be told, and the world's."""
    real, played = liked_in_kuairand(folder), played_in(world, days)
    ours = played.filter("liked")
    of_likes: dict[str, Callable[[pl.DataFrame], float]] = {
        "like: median of watched / length": lambda rows: float(rows["ratio"].median()),  # type: ignore[arg-type]
        "like: watched nine tenths": lambda rows: float((rows["ratio"] >= 0.9).mean()),  # type: ignore[arg-type]
        "like: watched twice its length": lambda rows: float((rows["ratio"] >= 2).mean()),  # type: ignore[arg-type]
        "like: long view": lambda rows: float(rows["long"].mean()),  # type: ignore[arg-type]
        "like: median length, s": lambda rows: float(rows["duration_s"].median()),  # type: ignore[arg-type]
    }
    of_likes |= {f"like: {kind} too": lambda rows, kind=kind: float(rows[kind].mean()) for kind in ALONG}  # type: ignore[misc]
    of_likes["spread of likes a person (sd of logs)"] = _spread
    rows: list[tuple[str, float | None, float]] = [(name, of(real), of(ours)) for name, of in of_likes.items()]
    shares = {"long view": "long", "like": "liked", "skip": "skipped", "not interested": "hated"} | {
        kind: kind for kind in ALONG
    }
    rows += [(f"view: {name}", None, float(played[column].mean())) for name, column in shares.items()]  # type: ignore[arg-type]
    views_a_day = played.height / days / max(1, played["viewer"].n_unique())
    return [*rows, ("views a viewer and day", None, views_a_day)]


def _spread(rows: pl.DataFrame) -> float:
    """How uneven the upper half of people is: below, KuaiRand's subset was cut off."""
    likes = rows.group_by("viewer").len()["len"].to_numpy().astype(np.float64)
    return float(np.log(likes[likes >= np.median(likes)]).std())


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else KUAIRAND
    world, _, _ = begin(WORLDS["dev"]["plain"])
    print(f"{'':44s} {'KuaiRand':>9s} {'world':>9s}")
    for name, real, ours in table(world, 6, folder):
        print(f"{name:44s} {'' if real is None else f'{real:9.4f}':>9s} {ours:9.4f}")


if __name__ == "__main__":
    main()
