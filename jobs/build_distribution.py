"""Decides how far each new video is let out tonight."""

from datetime import timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.catalogue import distribution, evidence, promise
from foryou.platform.job import Run, job

ACTIVE_DAYS, USUAL_DAYS = 7, 14


def main(run: Run) -> None:
    chosen = run.settings.distribution
    views = run.lake.arrow(tables.VIEWS, evidence.COLUMNS, days=run.window(run.settings.interactions.window_days))
    before, last_night = _last_night(run)
    viewers = run.lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
    rows = distribution.build(
        before,
        _fresh(run, before["video"].to_numpy(), last_night),
        _tonight(run),
        partial(evidence.gather, views, _groups(run, viewers)),
        _active(run, views),
        evidence.room(views.filter(pc.equal(views["day"], pa.scalar(run.day))), _under_test(before)),
        run.day,
        chosen,
    )
    run.lake.replace_day(tables.DISTRIBUTION, run.day, rows)
    counts = rows["stage"].value_counts().to_pylist()
    run.note(**{f"{count['values']}": count["counts"] for count in sorted(counts, key=lambda each: each["values"])})


def _last_night(run: Run):  # type: ignore[no-untyped-def]
    days = [day for day in run.lake.days(tables.DISTRIBUTION) if day < run.day]
    return run.lake.arrow(tables.DISTRIBUTION, days=days[-1:]), days[-1] if days else None


def _under_test(before: pa.Table) -> pa.ChunkedArray:
    return before["video"].filter(pc.is_in(before["stage"], pa.array(distribution.TESTS)))


def _height(run: Run) -> int:
    return run.lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows


def _fresh(run: Run, known: np.ndarray, last_night) -> np.ndarray:  # type: ignore[no-untyped-def]
    met = run.lake.arrow(tables.VIDEO_IDS, ["video", "day"])
    first_met = np.zeros(met.num_rows, np.int32)
    first_met[met["video"].to_numpy()] = met["day"].cast(pa.int32()).to_numpy()
    videos = run.lake.arrow(tables.VIDEOS, ["video", "uploaded_at"], days=[run.day])
    uploaded = np.full(met.num_rows, -1, np.int32)
    days = pc.fill_null(videos["uploaded_at"].cast(pa.date32()).cast(pa.int32()), -1)
    uploaded[videos["video"].to_numpy()] = days.to_numpy()
    return distribution.entering(known, first_met, uploaded, run.day, last_night, run.settings.distribution.entry_days)


def _tonight(run: Run) -> distribution.Tonight:
    height = _height(run)
    videos = run.lake.arrow(
        tables.VIDEOS, ["video", "shown", "moderation", "status", "creator_id", "uploaded_at"], days=[run.day]
    )
    content = run.lake.arrow(tables.CONTENT, ["video", "near_copy_of"], days=[run.day])
    held = pc.and_(pc.equal(videos["moderation"], "flagged"), pc.equal(videos["status"], "live"))
    copy = pc.not_equal(content["near_copy_of"], content["video"])
    return distribution.Tonight(
        shown=_flags(videos["video"].filter(videos["shown"]), height),
        held=_flags(videos["video"].filter(held), height),
        copy=_flags(content["video"].filter(copy), height),
        again=np.full(height, True) if _exits_are_high(run) else _away(run, videos, height),
        promise=_promise(run, height),
    )


def _away(run: Run, videos: pa.Table, height: int) -> np.ndarray:
    """Videos of creators who have posted nothing for so many days."""
    made = videos.filter(pc.is_valid(videos["creator_id"]))
    newest = made.group_by("creator_id").aggregate([("uploaded_at", "max")])
    bound = run.day - timedelta(days=run.settings.distribution.revival_days)
    away = newest.filter(pc.less(newest["uploaded_at_max"].cast(pa.date32()), pa.scalar(bound)))
    return _flags(made["video"].filter(pc.is_in(made["creator_id"], away["creator_id"].combine_chunks())), height)


def _exits_are_high(run: Run) -> bool:
    """Whether sessions end a fifth more often than in the two weeks before."""
    days = [day for day in run.window(USUAL_DAYS + 1) if day in run.lake.days(tables.EXIT_RATES)]
    rows = run.lake.arrow(tables.EXIT_RATES, ["day", "device_class", "country", "rate"], days=days)
    rows = rows.filter((pc.field("device_class") == "*") & (pc.field("country") == "*"))
    tonight = rows.filter(pc.equal(rows["day"], pa.scalar(run.day)))["rate"].to_numpy()
    usual = rows.filter(pc.less(rows["day"], pa.scalar(run.day)))["rate"].to_numpy()
    return bool(len(tonight) and len(usual) >= USUAL_DAYS // 2 and tonight[0] > 1.2 * usual.mean())


def _promise(run: Run, height: int) -> np.ndarray:
    stats = run.lake.arrow(tables.VIDEO_STATS, ["video", "viewers", "quality"], days=[run.day])
    quality, warm = np.zeros(height, np.float32), np.zeros(height, bool)
    quality[stats["video"].to_numpy()] = stats["quality"].to_numpy()
    enough = stats["viewers"].to_numpy() >= run.settings.distribution.prior_viewers
    warm[stats["video"].to_numpy()[enough]] = True
    similar = run.lake.arrow(tables.SIMILAR, ["video", "videos"], days=[run.day])
    return promise.of_videos(similar, quality, warm, height)


def _groups(run: Run, viewers: int) -> np.ndarray:
    profiles = run.lake.arrow(tables.VIEWER_PROFILES, ["viewer", "group"], days=[run.day])
    group = np.full(viewers, -1, np.int32)
    group[profiles["viewer"].to_numpy()] = pc.fill_null(profiles["group"], -1).to_numpy()
    return group


def _active(run: Run, views: pa.Table) -> int:
    """How many viewers have watched anything in the last days."""
    recent = pc.greater(views["day"], pa.scalar(run.day - timedelta(days=ACTIVE_DAYS)))
    return pc.count_distinct(views["viewer"].filter(recent)).as_py()


def _flags(ids: pa.ChunkedArray, height: int) -> np.ndarray:
    found = np.zeros(height, bool)
    found[ids.to_numpy()] = True
    return found


if __name__ == "__main__":
    job(main)
