"""Writes the published tables, checks them, then moves the pointer."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import steps, tables
from foryou.candidates import avoided, night
from foryou.contract import Table
from foryou.errors import DataRejected
from foryou.models import ids, matrices
from foryou.platform import checks
from foryou.platform.checks import Outcome
from foryou.platform.job import Run, degraded_steps, job, manifests_read
from foryou.publishing import audit, publish, release
from foryou.signals import viewer_controls
from foryou.sources import landing


def main(run: Run) -> None:
    name = release.release_id(run.day, run.settings.digest(), _landed(run))
    with run.lake.locked("publish"):
        shown, for_all = _allowed(run)
        counts = _write(run, name, shown, for_all)
        run.record_checks(_audited(run, counts, shown, for_all))
        _move_pointer(run, name, counts)
    run.note(release=name, viewers=counts["feeds"])


def _landed(run: Run) -> str:
    """The manifest of the day. Raises DataRejected where a step of the night has read another one."""
    file = Path(steps.manifest(str(run.landing), run.day.isoformat()))
    content = file.read_bytes() if file.is_file() else b"{}"  # being landed again just now
    digest = landing.manifest_digest(content)
    other = [step for step, read in manifests_read(run.lake.root, run.day).items() if read != digest]
    if other:
        raise DataRejected(
            "landing",
            day=run.day,
            wanted="one landing of the day for the whole night",
            found=f"another manifest than the one that {', '.join(other)} read: the day has landed again meanwhile",
            next_step="run the night again, from its first step; nothing was published",
        )
    return json.dumps(json.loads(content), sort_keys=True)


def _allowed(run: Run) -> list[NDArray[np.bool_]]:
    """By dense id: which videos may be shown, and which to everybody."""
    run.lake.require(tables.VIDEOS, run.day)
    allowed = run.lake.arrow(tables.VIDEOS, ["video", "shown", "for_all"], days=[run.day])
    n_videos = run.lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    return [night.flags(allowed.filter(allowed[name])["video"], n_videos) for name in ("shown", "for_all")]


def _write(run: Run, name: str, shown: NDArray[np.bool_], for_all: NDArray[np.bool_]) -> dict[str, int]:
    """The rows of each published table, written as new versions that no reader knows of yet."""
    lake, day = run.lake, run.day
    video_ids = lake.arrow(tables.VIDEO_IDS, ["video_id", "video"])
    popular = lake.arrow(tables.POPULAR, days=[day])
    similar = lake.arrow(tables.SIMILAR, ["video", "videos", "scores"], days=[day])
    starters = lake.arrow(tables.STARTERS, days=[day])
    rows = {
        tables.PUBLISHED_POPULAR: publish.popular(popular, video_ids, day, name),
        tables.PUBLISHED_SIMILAR: publish.similar(similar, video_ids, shown, for_all, day, name),
        tables.PUBLISHED_STARTERS: publish.starters(starters, video_ids, day, name),
    }
    for table, content in rows.items():
        lake.replace_all(table, content)
    with lake.scratch() as folder:
        _save_names(run, folder, video_ids, popular)
        candidates = _write_lists(run, publish.candidates, tables.CANDIDATES, tables.PUBLISHED_CANDIDATES, folder, name)
        feeds = _write_lists(run, publish.feeds, tables.FEEDS, tables.PUBLISHED_FEEDS, folder, name)
    sizes = {table.name: content.num_rows for table, content in rows.items()}
    return sizes | {"candidates": candidates, "feeds": feeds}


def _save_names(run: Run, folder: Path, video_ids: pa.Table, popular: pa.Table) -> None:
    viewer_ids = ids.one_name_each(run.lake.arrow(tables.VIEWER_IDS), run.day)
    viewers = run.lake.arrow(tables.VIEWERS, ["viewer", "country", "language"], days=[run.day])
    segments, _ = night.popular_rows(popular)
    own = night.own_segments(viewers, segments, viewer_ids.num_rows)
    videos = run.lake.arrow(tables.VIDEOS, ["video", "tags", "creator_id", "country"], days=[run.day])
    publish.save_names(folder, viewer_ids, video_ids, segments, own, videos)


def _write_lists(
    run: Run, rows: Callable[..., Iterator[pa.Table]], source: Table, target: Table, folder: Path, name: str
) -> int:
    files = run.lake.files(source, run.day)
    make = partial(rows, files=files, folder=folder, day=run.day, release_id=name)
    return run.lake.replace_parts(target, run.day, len(files), make)


def _audited(run: Run, counts: dict[str, int], shown: NDArray[np.bool_], for_all: NDArray[np.bool_]) -> list[Outcome]:
    """Every published table against its contract, and the lists against what no list may hold."""
    found = checks.validate_all([_contract(run, table) for table in tables.PUBLISHED])
    seen = run.lake.arrow(tables.SEEN, ["viewer", "video"], days=run.lake.days_until(tables.SEEN, run.day))
    n_viewers = run.lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
    seen_rows = matrices.rows(seen["viewer"], seen["video"], None, n_viewers)
    held = run.lake.arrow(tables.VIEWER_CONTROLS, days=[run.day])
    blocked = _avoided(run, held, n_viewers).of
    viewers = run.lake.arrow(tables.VIEWERS, ["viewer", "adult"], days=[run.day])
    adult = night.flags(viewers.filter(viewers["adult"])["viewer"], n_viewers)
    for table, length in (
        (tables.CANDIDATES, run.settings.candidates.length),
        (tables.FEEDS, run.settings.feeds.length),
    ):
        lists = run.lake.arrow(table, ["viewer", "videos", "scores"], days=[run.day])
        at_fault = audit.faults(lists, seen_rows, blocked, shown=shown, for_all=for_all, adult=adult, length=length)
        run.note(**{f"short_{table.name}": at_fault.pop("short")})
        found += [
            Outcome(table.name, f"{table.name} hold nothing {fault}", count == 0, True, f"{count:,} items")
            for fault, count in at_fault.items()
        ]
        gone = pc.sum(pc.is_in(lists["viewer"], viewer_controls.opted_out(held).combine_chunks())).as_py() or 0
        found.append(Outcome(table.name, f"nobody opted out in {table.name}", gone == 0, True, f"{gone:,} viewers"))
    return [*found, _served(run, counts), full_enough(run)]


def _avoided(run: Run, held: pa.Table, n_viewers: int) -> avoided.Avoided:
    tired = run.lake.arrow(tables.FATIGUE, days=[run.day])
    videos = run.lake.arrow(tables.VIDEOS, ["video", "creator_id", "sound_id", "tags"], days=[run.day])
    return avoided.build(held, tired, videos, n_viewers, run.day, run.settings.viewer_controls)


def _contract(run: Run, table: Table) -> checks.Asked:
    """A published table as it was written, without its items: those are looked at where they still are numbers."""
    frame = run.lake.read(table)
    # A catalogue without captions, tags or categories has nothing alike, and no topics to start with.
    may_be_empty = table in (tables.PUBLISHED_SIMILAR, tables.PUBLISHED_STARTERS)
    some = checks.row_count(at_least=1, name="there are rows", gates=not may_be_empty)
    return frame.select(*[name for name in frame.columns if name != "items"]), table, [some]


def _served(run: Run, counts: dict[str, int]) -> Outcome:
    """As many viewers as the release before, or nearly: fewer means that something was lost on the way."""
    before = release.before(run.lake.arrow(tables.RELEASES), run.day)
    served = dict(before["counts"])["feeds"] if before else 0
    enough = counts["feeds"] >= run.settings.publishing.min_served_share * served
    compared = f"{served:,} in {before['release_id']}" if before else "no release before"
    return Outcome("feeds", "served viewers are as many as before", enough, True, f"{counts['feeds']:,}, {compared}")


def full_enough(run: Run) -> Outcome:
    """Feeds are about as full as those of the release before: viewers may all be served, and hardly anything."""
    before = release.before(run.lake.arrow(tables.RELEASES), run.day)
    kept = [before["day"]] if before and before["day"] in run.lake.days(tables.FEEDS) else []
    length = run.settings.feeds.length
    tonight, then = (
        audit.half_empty(run.lake.arrow(tables.FEEDS, ["videos"], days=days), length) for days in ([run.day], kept)
    )
    fine = not kept or tonight <= then + run.settings.publishing.max_emptier_share
    told = f"{tonight:.1%} of feeds less than half full, " + (f"{then:.1%} on {kept[0]}" if kept else "none before")
    return Outcome("feeds", "feeds are as full as before", fine, True, told)


def _move_pointer(run: Run, name: str, counts: dict[str, int]) -> None:
    lake = run.lake
    fell_back = degraded_steps(lake.root, run.day, before=run.step) + run.degraded
    model = lake.arrow(tables.MODELS, ["model_version"], days=[run.day])["model_version"][0].as_py()
    rows = release.moved(
        lake.arrow(tables.RELEASES),
        name,
        run.day,
        status="degraded" if fell_back else "ok",
        model_version=model,
        versions={table.name: lake.version(table) for table in tables.PUBLISHED},
        counts=counts,
        published_at=datetime.now(UTC),
    )
    lake.replace_all(tables.RELEASES, rows)


if __name__ == "__main__":
    job(main)
