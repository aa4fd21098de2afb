"""Writes the night's report as one offline HTML page."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foryou import settings, steps, tables
from foryou.contract import Table
from foryou.feeds import reasons
from foryou.platform.job import Run, job, journal, read_json
from foryou.report import report, status
from foryou.report.facts import Facts, Mix, differing, mix, tastes
from foryou.signals import events

DAYS = 14
TOP = 10
VIEWERS_A_BLOCK = 10_000


def main(run: Run) -> None:
    folder = run.lake.root / "_reports"
    folder.mkdir(parents=True, exist_ok=True)
    facts = _facts(run, folder)
    if facts.mix:
        run.note(videos_covered=facts.mix.videos, videos_that_may_be_shown=facts.shown)
    text = report.page(facts)
    _write(folder / f"{run.day}.html", text)
    if run.day.isoformat() >= max(_reported(folder)):
        _write(folder / "latest.html", text)


def _facts(run: Run, folder: Path) -> Facts:
    entries = _entries(journal(run.lake.root, run.day))
    behind = _behind(entries)
    run = replace(run, lake=cast(Any, _Tonight(run.lake, run.day, {table.name for table in behind})))
    lake, day = run.lake, run.day
    releases = lake.arrow(tables.RELEASES).to_pylist()
    videos = lake.arrow(tables.VIDEOS, ["video", "video_id", "caption", "shown"], days=[day])
    models, rerankers = _rows(lake, tables.MODELS, day), _rows(lake, tables.RERANKERS, day)
    read = entries.get("build_events", {}).get("notes", {})  # a refused day leaves no rows in the tables
    return Facts(
        day=day,
        entries=entries,
        events=read.get("rows_accepted", _counted(run, tables.EVENTS, [day]).get(day)),
        rejected=read.get("rejected_by_reason") or _rejected(run),
        tolerated=events.NOT_BAD,
        catalogue=videos.num_rows,
        shown=pc.sum(videos["shown"]).as_py() or 0,
        mix=_mix(run),
        reasons=reasons.CODES,
        evaluations=lake.arrow(tables.EVALUATIONS, days=_held(run, tables.EVALUATIONS)).to_pylist(),
        fairness=_rows(lake, tables.FAIRNESS, day),
        counts=_counts(run, [row for row in releases if row["day"] < day or tables.RELEASES not in behind]),
        checks=[row for row in _rows(lake, tables.CHECKS, day) if not entries or row["step"] in entries],
        model=models[0] if models else None,
        reranker=rerankers[0] if rerankers else None,
        releases=releases,
        popular=_popular(run, videos),
        distribution=_distribution(run),
        slate=_slate(run, videos),
        trends=_first(
            run, tables.TRENDS, ["kind", "name", "count", "share", "mean", "z"], "z", pc.field("country") == "*"
        ),
        creators=_first(run, tables.CREATORS, _OF_CREATORS, "credibility"),
        clusters=lake.arrow(tables.CLUSTERS, ["kind", "cluster", "label", "size"], days=[day]).to_pylist(),
        tastes=tastes(lake.arrow(tables.VIEWER_PROFILES, ["cluster", "taste_entropy"], days=[day])),
        changed=differing(run.settings, settings.load()),
        earlier=max((name for name in _reported(folder) if name < day.isoformat()), default=None),
    )


def _entries(folder: Path) -> dict[str, dict[str, Any]]:
    """The journal of the night, without what an earlier run of this job left."""
    found = {path.stem: entry for path in folder.glob("*.json") if (entry := read_json(path))}
    return {name: entry for name, entry in found.items() if name != "report"}


def _rows(lake: Any, table: Table, day: date) -> list[dict[str, Any]]:
    return lake.arrow(table, days=[day]).to_pylist()


def _behind(entries: dict[str, dict[str, Any]]) -> set[Table]:
    """The tables of steps that this run of the night has not come to: what they hold of the day is an earlier run's.

    Without any entry nothing is known of a run.
    """
    old = status.overtaken(entries)
    done = {name for name, entry in entries.items() if entry["state"] != "failed" and name not in old}
    return {table for step in steps.STEPS if entries and step.name not in done for table in step.writes}


@dataclass(frozen=True)
class _Tonight:
    """A lake whose tables `behind` hold nothing of the day."""

    lake: Any
    day: date
    behind: set[str]

    def days(self, table: Table) -> list[date]:
        return self._own(table, self.lake.days(table))

    def arrow(self, table: Table, columns: list[str] | None = None, *, days: list[date] | None = None) -> pa.Table:
        return self.lake.arrow(table, columns, days=None if days is None else self._own(table, days))

    def count(self, table: Table, days: list[date]) -> int:
        return self.lake.count(table, self._own(table, days))

    def files(self, table: Table, day: date) -> list[str]:
        return self.lake.files(table, day)

    def _own(self, table: Table, days: list[date]) -> list[date]:
        return [day for day in days if day != self.day or table.name not in self.behind]


def _held(run: Run, table: Table) -> list[date]:
    """The days that the table holds of the last two weeks up to the night's."""
    return [held for held in run.lake.days(table) if run.day - timedelta(days=DAYS) < held <= run.day]


def _counted(run: Run, table: Table, days: list[date]) -> dict[date, int]:
    held = set(run.lake.days(table))
    return {day: run.lake.count(table, [day]) for day in days if day in held}


def _counts(run: Run, releases: list[dict[str, Any]]) -> dict[str, dict[date, int]]:
    first = run.day - timedelta(days=DAYS)
    published = [row for row in releases if row["state"] != "refused" and first < row["day"] <= run.day]
    newest_last = sorted(published, key=lambda row: (row["published_at"], row["release_id"]))
    return {
        "events": _counted(run, tables.EVENTS, _held(run, tables.EVENTS)),
        "views": _counted(run, tables.VIEWS, _held(run, tables.VIEWS)),
        "viewers": {row["day"]: dict(row["counts"]).get("feeds", 0) for row in newest_last},
    }


def _rejected(run: Run) -> dict[str, int]:
    counted = run.lake.arrow(tables.REJECTED_EVENTS, ["reason"], days=[run.day])["reason"].value_counts()
    return {count["values"]: count["counts"] for count in counted.to_pylist()}


def _mix(run: Run) -> Mix | None:
    lake, day = run.lake, run.day
    if day not in lake.days(tables.FEEDS):
        return None
    n_videos = lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    blocks = (
        block
        for path in lake.files(tables.FEEDS, day)
        for block in pq.ParquetFile(path).iter_batches(VIEWERS_A_BLOCK, columns=["videos", "reasons", "sources"])
    )
    return mix(blocks, n_videos, len(reasons.CODES), run.settings.feeds.length)


def _popular(run: Run, videos: pa.Table) -> list[dict[str, Any]]:
    ranked = run.lake.arrow(tables.POPULAR, ["segment", "rank", "video", "score"], days=[run.day])
    top = ranked.filter((pc.field("segment") == tables.EVERYWHERE) & (pc.field("rank") <= TOP))
    named = top.join(videos.select(["video", "video_id", "caption"]), "video", join_type="inner")
    return named.sort_by("rank").select(["rank", "video_id", "caption", "score"]).to_pylist()


_OF_CREATORS = ["creator_id", "stage", "videos", "followers", "good_rate", "credibility", "multiplier", "rising_tags"]


def _first(
    run: Run, table: Table, columns: list[str], by: str, where: pc.Expression | None = None
) -> list[dict[str, Any]]:
    rows = run.lake.arrow(table, days=[run.day])
    rows = rows.filter(where) if where is not None else rows
    order = [(by, "descending"), *((name, "ascending") for name in table.key)]
    return rows.sort_by(order).slice(0, TOP).select(columns).to_pylist()


def _distribution(run: Run) -> list[dict[str, Any]]:
    """How many videos on their way are at each stage, with tonight's decision and its reason."""
    rows = run.lake.arrow(tables.DISTRIBUTION, ["stage", "decision", "reason"], days=[run.day])
    counted = rows.group_by(["stage", "decision", "reason"]).aggregate([([], "count_all")]).to_pylist()
    found = [{"videos": row.pop("count_all")} | row for row in counted]
    return sorted(found, key=lambda row: (tables.STAGES.index(row["stage"]), row["decision"], row["reason"]))


def _slate(run: Run, videos: pa.Table) -> list[dict[str, Any]]:
    """What a newcomer meets first, wherever from."""
    rows = run.lake.arrow(tables.STARTERS, ["segment", "path", "slot", "video", "topic", "score"], days=[run.day])
    first = rows.filter((pc.field("segment") == tables.EVERYWHERE) & (pc.field("path") == ""))
    named = first.join(videos.select(["video", "video_id", "caption"]), "video", join_type="inner")
    return named.sort_by("slot").select(["slot", "video_id", "caption", "topic", "score"]).to_pylist()


def _reported(folder: Path) -> list[str]:
    """The days that have a report."""
    return [path.stem for path in folder.glob("????-??-??.html")]


def _write(path: Path, text: str) -> None:
    """Writes the page whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    job(main)
