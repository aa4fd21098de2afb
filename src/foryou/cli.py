"""`foryou`: nights, backfills, and a look at what was published."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from foryou import experiments, screen, settings, tables, told
from foryou.errors import InputMissing
from foryou.experiments import ConfOption, JsonOption
from foryou.feeds.reasons import WORDS
from foryou.plain_text import plain_text
from foryou.publishing import reader, stored

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
importing = typer.Typer(help="Turns outside data into landing days.", no_args_is_help=True)
app.add_typer(importing, name="import")
for command in (experiments.simulate, experiments.benchmark):
    app.command()(command)

OVERRIDABLE = (
    "rejected share is small",
    "events reach the day",
    "row count is as usual",
    "rejected share of videos is small",
    "there are videos",
    "served viewers are as many as before",
)
"""The checks that stop a night most; any other is named by the message that it stops a night with."""
_ENDING = (
    "Exit codes: 0 fine (ok or degraded), 2 usage, 3 input missing, 4 data rejected, 5 contract broken, "
    "6 no model to use, 7 already running.\n\n"
    f"Checks for --override: {'; '.join(OVERRIDABLE)}; any other as the message of the night names it."
)


LandingOption = Annotated[Path, typer.Option("--landing", help="Where the days land.")]
LakeOption = Annotated[Path, typer.Option("--lake", help="The root of the lake.", envvar="FORYOU_LAKE")]
OverrideOption = Annotated[
    list[str],
    typer.Option("--override", help="CHECK=REASON: go on although the check fails; recorded. Checks: see below."),
]
Day = datetime
_DAY = ["%Y-%m-%d"]


@app.command(epilog=_ENDING)
def nightly(
    landing: LandingOption,
    lake: LakeOption,
    day: Annotated[Day, typer.Option("--day", formats=_DAY, help="The night's day.")],
    conf: ConfOption = [],  # noqa: B006
    override: OverrideOption = [],  # noqa: B006
    json: JsonOption = False,
) -> None:
    """Runs the night of a day: from its landed log to a published release."""
    _nights(landing, lake, [day.date()], conf, override, json)


@app.command(epilog=_ENDING)
def backfill(
    landing: LandingOption,
    lake: LakeOption,
    first: Annotated[Day, typer.Option("--from", formats=_DAY, help="The first day.")],
    last: Annotated[Day, typer.Option("--to", formats=_DAY, help="The last day.")],
    conf: ConfOption = [],  # noqa: B006
    override: OverrideOption = [],  # noqa: B006
    json: JsonOption = False,
) -> None:
    """Runs the nights of all landed days between two days, one after another."""
    from foryou import night

    if first > last:
        raise typer.BadParameter(f"--from {first.date()} is after --to {last.date()}")
    with told.errors(json):
        days = night.days_between(landing, first.date(), last.date())
    _nights(landing, lake, days, conf, override, json)


@app.command()
def feed(
    viewer: Annotated[str, typer.Argument(help="A viewer's id; `-` for someone unknown.")],
    lake: LakeOption,
    k: Annotated[int, typer.Option("-k", min=1, help="How many videos.")] = 20,
    country: Annotated[str | None, typer.Option(help="For someone unknown: `US`.")] = None,
    language: Annotated[
        str | None,
        typer.Option(help=f"For someone unknown; and of the reasons: {', '.join(WORDS)}, for any other English."),
    ] = None,
    release: Annotated[str | None, typer.Option(help="Another release than the live one.")] = None,
    why: Annotated[str | None, typer.Option(help="A video's id: why it stands there, or why it does not.")] = None,
    json: JsonOption = False,
) -> None:
    """Shows a viewer's feed with captions, scores and reasons; or all that is behind one video of it."""
    with told.errors(json):
        opened = reader.open(lake, release)
        if why is not None:
            found = opened.explain(viewer, why, language)
            screen.as_json(found) if json else screen.explained(found)
            return
        known = viewer != "-" and opened.knows(viewer)
        items = opened.feed(viewer if known else None, k, country=country, language=language)
        if json:
            rows = [asdict(item) | {"words": item.words(language)} for item in items]
            screen.as_json({"release": opened.release.release_id, "known": known, "items": rows})
        else:
            strange = f"Viewer {viewer} has no list of their own (unknown, or opted out): that of someone unknown"
            unknown = "Someone unknown" if viewer == "-" else strange
            title = f"Viewer {viewer}" if known else unknown
            screen.feed(items, opened.release, title, _captions(lake, opened.release.day), language)


@app.command()
def similar(
    video: Annotated[str, typer.Argument(help="A video's id.")],
    lake: LakeOption,
    k: Annotated[int, typer.Option("-k", min=1, help="How many videos.")] = 10,
    json: JsonOption = False,
) -> None:
    """Shows the videos nearest in content."""
    with told.errors(json):
        opened = reader.open(lake)
        items = opened.similar(video, k)
        captions = {} if json and items else _captions(lake, opened.release.day)
        if not items and video not in captions:
            raise InputMissing(
                "videos",
                day=opened.release.day,
                wanted=f"the video {video}",
                found="none of that id in the catalogue",
                next_step="check the id; `foryou feed -` shows some that there are",
            )
        if json:
            rows = [{"video_id": item.video_id, "score": item.score} for item in items]
            screen.as_json({"release": opened.release.release_id, "video_id": video, "items": rows})
        else:
            screen.feed(items, opened.release, f"Similar to {video}", captions, None)


@app.command()
def releases(lake: LakeOption, json: JsonOption = False) -> None:
    """Lists the releases: exactly one is live, and `foryou feed --release` shows what any other holds."""
    with told.errors(json):
        rows = reader.releases(lake)
        if json:
            screen.as_json([asdict(row) for row in rows])
        else:
            screen.releases(rows)


@app.command()
def report(
    lake: LakeOption,
    day: Annotated[
        Day | None, typer.Option("--day", formats=_DAY, help="The night's day; the latest if not given.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Prints the path of a night's report page."""
    with told.errors(json):
        pages = sorted((lake / "_reports").glob("????-??-??.html"))
        wanted = [page for page in pages if day is None or page.stem == str(day.date())]
        if not wanted:
            raise InputMissing(
                "report",
                wanted=f"the report of {day.date()}" if day else "a report",
                found=", ".join(page.stem for page in pages[-3:]) or f"none in {lake / '_reports'}",
                next_step="run `foryou nightly` for the day",
            )
        page = wanted[-1].absolute()
        if json:
            screen.as_json({"day": page.stem, "page": page})
        else:
            print(page)


@app.command("tables")
def show_tables(
    names: Annotated[list[str] | None, typer.Argument(help="Tables whose columns to show.")] = None,
    json: JsonOption = False,
) -> None:
    """Lists the tables and what a row of each is, or the columns of some."""
    chosen = [table for table in tables.ALL if not names or {table.path, table.name} & set(names)]
    unknown = set(names or []) - {name for table in chosen for name in (table.path, table.name)}
    if unknown:
        raise typer.BadParameter(f"there is no table {', '.join(sorted(unknown))}; `foryou tables` lists them")
    if json:
        screen.as_json([asdict(table) | {"path": table.path} for table in chosen])
    elif names:
        screen.columns(chosen)
    else:
        screen.described(chosen)


@app.command()
def world(
    out: Annotated[Path, typer.Option("--out", help="The landing folder to write.")],
    viewers: Annotated[int, typer.Option(min=10)] = 3_000,
    videos: Annotated[int, typer.Option(min=20)] = 2_500,
    days: Annotated[int, typer.Option(min=1)] = 10,
    events: Annotated[int, typer.Option(min=100, help="Lines of log over all days.")] = 250_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 1,
) -> None:
    """Makes a synthetic platform and its log, day by day; its truth lies apart in OUT/_truth."""
    from foryou.sources.world import WorldParameters, generate

    with told.errors(False):
        made = generate(
            WorldParameters(viewers=viewers, videos=videos, days=days, events=events, seed=seed),
            out,
            lambda day, lines: screen.console.print(f"  landed {day}: {lines:,} lines"),
        )
    screen.console.print(plain_text(f"World {made.world}: {made.events:,} lines in {out}"), markup=False)


@importing.command()
def kuairand(
    log: Annotated[
        list[Path], typer.Option("--log", help="log_standard_*.csv or log_random_*.csv, or .tsv; may repeat.")
    ],
    users: Annotated[Path, typer.Option("--users", help="user_features_*.csv")],
    videos: Annotated[Path, typer.Option("--videos", help="video_features_basic_*.csv")],
    out: Annotated[Path, typer.Option("--out", help="The landing folder to write.")],
) -> None:
    """Imports the official KuaiRand files as landing days."""
    from foryou.sources.kuairand import import_logs

    with told.errors(False):
        screen.console.print("  reading the logs; a row becomes a play, and one event more for each thing done besides")
        days = import_logs(log, users, videos, out, _landed)
    screen.console.print(plain_text(f"{len(days)} days, {days[0]} to {days[-1]}, in {out}"), markup=False)


def _landed(day: date, events: int, rows: int) -> None:
    screen.console.print(f"  landed {day}: {events:,} events of {rows:,} log rows")


@app.command()
def demo(folder: Annotated[Path, typer.Option(help="Where the demo's landing and lake go.")] = Path("demo")) -> None:
    """A synthetic platform, its last three nights, and what came of them."""
    from foryou import demo as whole

    with told.errors(False):
        whole.run(folder)


@app.command()
def airflow(
    landing: LandingOption = Path("demo/landing"),
    lake: LakeOption = Path("demo/airflow-lake"),
    home: Annotated[Path, typer.Option(help="Airflow's own folder.")] = Path("demo/airflow"),
) -> None:
    """Starts Airflow on loopback with the nightly DAG."""
    from foryou.airflow_home import serve

    with told.errors(False):
        serve(landing, lake, home)


def main() -> None:
    """The entry of the command."""
    warnings.filterwarnings("ignore", category=FutureWarning)
    app()


def _nights(landing: Path, lake: Path, days: list[date], conf: list[str], override: list[str], json: bool) -> None:
    from foryou import night
    from foryou.platform import job

    try:
        overrides = dict(map(job.override, override))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with told.errors(json), told.stops():
        chosen = settings.load(*conf)
        for day in days:  # before anything is written: a mistyped --landing or --lake leaves nothing behind
            night.require_landed(landing, day)
        with (
            screen.Progress(screen.beside if json else screen.console).watching() as progress,
            night.opened(landing, lake, chosen, overrides=overrides, told=progress) as nights,
        ):
            summaries = [_one_night(nights, day, lake, json) for day in days]
    if json:
        screen.as_json(summaries[0] if len(summaries) == 1 else summaries)


def _one_night(nights, day: date, lake: Path, json: bool) -> dict:  # type: ignore[no-untyped-def, type-arg]
    summary = nights.run(day)
    if not json:
        screen.closing(summary)
    return summary


def _captions(lake: Path, day: date) -> dict[str, str]:
    with stored.readable("videos", lake):
        return screen.captions(stored.whole(lake / tables.VIDEOS.path, ["video_id", "caption"], day=day))
