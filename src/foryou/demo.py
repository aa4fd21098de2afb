"""The demo: a synthetic platform of ten days, its last three nights, and what a person would look at."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from foryou import night, screen, settings, tables
from foryou.plain_text import plain_text
from foryou.platform.lake import Lake
from foryou.publishing import reader
from foryou.sources import landing as landed
from foryou.sources.world import WorldParameters, generate

NIGHTS = 3
WORLD = WorldParameters(viewers=3_000, videos=2_500, days=10, events=250_000, seed=1)


def run(folder: Path) -> None:
    """Makes the world unless it is there, runs its last nights unless they are done, shows what came of them."""
    landing, root = folder / "landing", folder / "lake"
    _world(landing)
    days = landed.days(landing)[-NIGHTS:]
    with screen.Progress().watching() as told, night.opened(landing, root, settings.load(), told=told) as nights:
        summary = _nights(nights, days)
        screen.closing(summary)
        viewer, video = _show(nights.lake)
    _next_steps(root, landing, viewer, video)


def _nights(nights: night.Night, days: list[date]) -> dict[str, Any]:
    """The summary of the last one. Nights that are done are run again only behind one that had to be."""
    summary, again = None, False
    for day in days:
        screen.heading(f"the night of {day}")
        summary = None if again else nights.finished(day)
        if summary:
            screen.console.print("  done before, with the same log, settings and code: not run again")
        else:
            summary, again = nights.run(day), True
    assert summary
    return summary


def _world(landing: Path) -> None:
    if len(landed.days(landing)) == WORLD.days:
        return
    screen.heading("a synthetic platform")
    screen.console.print(
        f"{WORLD.viewers:,} viewers, {WORLD.videos:,} videos, {WORLD.days} days, {WORLD.events:,} lines"
    )
    generate(WORLD, landing, lambda day, lines: screen.console.print(f"  landed {day}: {lines:,} lines"))


def _show(lake: Lake) -> tuple[str, str]:
    """Two feeds; gives back whose the first is, and its first video, for a person to look at next."""
    opened = reader.open(lake.root)
    day = opened.release.day
    captions = screen.captions(lake.arrow(tables.VIDEOS, ["video_id", "caption"], days=[day]))
    aside = f"demo data of {day:%Y-%m}"
    viewer = next(filter(opened.knows, _busiest(lake, day)))
    items = opened.feed(viewer, 10)
    screen.feed(items, opened.release, f"Viewer {viewer}", captions, "en", aside)
    unknown = opened.feed(None, 5, country="US", language="en")
    screen.feed(unknown, opened.release, "Someone unknown, in the US, speaking English", captions, "en", aside)
    return viewer, items[0].video_id


def _busiest(lake: Lake, day: date) -> list[str]:
    """Signed-up viewers, who met most videos first; equal ones in the order of their ids."""
    signed_up = lake.arrow(tables.VIEWERS, ["viewer", "viewer_id"], days=[day])
    met = lake.arrow(tables.INTERACTIONS, ["viewer"], days=[day]).group_by("viewer").aggregate([([], "count_all")])
    order = [("count_all", "descending"), ("viewer_id", "ascending")]
    found: list[str] = signed_up.join(met, "viewer", join_type="inner").sort_by(order)["viewer_id"].to_pylist()
    return found


def _next_steps(lake: Path, landing: Path, viewer: str, video: str) -> None:
    day = reader.open(lake).release.day
    screen.heading("where it lies, and what to type next")
    for what, where in (
        ("published tables", lake / "published"),
        ("working tables", f"{lake}/<table> (`.venv/bin/foryou tables` lists them)"),
        ("report of the night", lake / "_reports" / f"{day}.html"),
        ("MLflow", f".venv/bin/mlflow ui --backend-store-uri sqlite:///{lake}/_mlflow/mlflow.db"),
        ("a feed", f".venv/bin/foryou feed {viewer} --lake {lake}"),
        ("similar videos", f".venv/bin/foryou similar {video} --lake {lake}"),
        ("a night again", f".venv/bin/foryou nightly --landing {landing} --lake {lake} --day {day}"),
        ("Airflow", "make airflow"),
    ):
        screen.console.print(plain_text(f"  {what:<20} {where}"), markup=False)
