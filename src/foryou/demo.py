"""The demo: a synthetic platform of ten days, its last three nights, and what a person would look at."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
from deltalake import DeltaTable

from foryou import night, screen, settings, tables
from foryou.publishing import reader
from foryou.sources import landing as landed
from foryou.sources.world import WorldParameters, generate

NIGHTS = 3
WORLD = WorldParameters(viewers=3_000, videos=2_500, days=10, events=250_000, seed=1)


def run(folder: Path) -> None:
    """Makes the world unless it is there, runs its last nights, and shows what came of them."""
    landing, lake = folder / "landing", folder / "lake"
    _world(landing)
    days = landed.days(landing)[-NIGHTS:]
    with screen.Progress().watching() as told, night.opened(landing, lake, settings.load(), told=told) as nights:
        for day in days:
            screen.console.rule(f"the night of {day}")
            summary = nights.run(day)
    screen.closing(summary)
    _show(lake)
    _next_steps(lake, landing)


def _world(landing: Path) -> None:
    if len(landed.days(landing)) == WORLD.days:
        return
    screen.console.rule("a synthetic platform")
    screen.console.print(
        f"{WORLD.viewers:,} viewers, {WORLD.videos:,} videos, {WORLD.days} days, {WORLD.events:,} lines"
    )
    generate(WORLD, landing, lambda day, lines: screen.console.print(f"  landed {day}: {lines:,} lines"))


def _show(lake: Path) -> None:
    opened = reader.open(lake)
    videos = DeltaTable(str(lake / tables.VIDEOS.path)).to_pyarrow_table([("day", "=", str(opened.release.day))])
    captions = screen.captions(videos)
    viewer = _someone(lake)
    screen.feed(opened.feed(viewer, 10), opened, f"Viewer {viewer}", captions, "en")
    unknown = opened.feed(None, 5, country="US", language="en")
    screen.feed(unknown, opened, "Someone unknown, in the US, speaking English", captions, "en")


def _someone(lake: Path) -> str:
    """A viewer whose feed holds more than one kind of reason: the first in the order of the ids."""
    feeds = DeltaTable(str(lake / tables.PUBLISHED_FEEDS.path)).to_pyarrow_table(columns=["viewer_id", "items"])
    for row in feeds.slice(0, 500).to_pylist():
        kinds = {item["reason"].partition(":")[0] for item in row["items"][:10]}
        if len(kinds) > 1:
            return str(row["viewer_id"])
    return str(pc.min(feeds["viewer_id"]))


def _next_steps(lake: Path, landing: Path) -> None:
    day = reader.open(lake).release.day
    screen.console.rule("where it lies, and what to type next")
    for what, where in (
        ("published tables", lake / "published"),
        ("working tables", f"{lake}/<table> (`foryou tables` lists them)"),
        ("report of the night", lake / "_reports" / f"{day}.html"),
        ("MLflow", f".venv/bin/mlflow ui --backend-store-uri sqlite:///{lake}/_mlflow/mlflow.db"),
        ("a feed", f".venv/bin/foryou feed u000017 --lake {lake}"),
        ("similar videos", f".venv/bin/foryou similar v000005 --lake {lake}"),
        ("a night again", f".venv/bin/foryou nightly --landing {landing} --lake {lake} --day {day}"),
        ("Airflow", "make airflow"),
    ):
        screen.console.print(f"  {what:<20} {where}")
