"""Turns candidates into the list that is shown: no copies, in order, each with its reason."""

from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.candidates import avoided, night
from foryou.catalogue.creators import log_multipliers
from foryou.feeds import feeds, grounds, tags
from foryou.models import matrices
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    files = run.lake.files(tables.CANDIDATES, run.day)
    n_videos = run.lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    with run.lake.scratch() as folder:
        _gathered(run, n_videos).save(folder)
        _grounds(run, n_videos).save(folder)
        make = partial(feeds.build, files=files, folder=folder, settings=run.settings.feeds)
        rows = run.lake.replace_parts(tables.FEEDS, run.day, len(files), make)
    run.note(viewers=rows)


def _gathered(run: Run, n_videos: int) -> feeds.Night:
    run.lake.require(tables.CONTENT, run.day)
    content = run.lake.arrow(tables.CONTENT, ["video", "near_copy_of"], days=[run.day])
    copy_of = np.arange(n_videos, dtype=np.int32)
    copy_of[content["video"].to_numpy()] = content["near_copy_of"].to_numpy()
    return feeds.Night(copy_of=copy_of)


def _grounds(run: Run, n_videos: int) -> grounds.Grounds:
    """What reasons rest on: the viewers' past, tags, what viewers hide, and what is known of the videos."""
    lake, day = run.lake, run.day
    n_viewers = lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
    columns = ["video", "shown", "for_all", "creator_id", "sound_id", "tags", "country", "uploaded_at"]
    videos = lake.arrow(tables.VIDEOS, columns, days=[day])
    viewers = lake.arrow(tables.VIEWERS, ["viewer", "country", "adult"], days=[day])
    held = lake.arrow(tables.VIEWER_CONTROLS, days=[day])
    tired = lake.arrow(tables.FATIGUE, days=[day])
    unwanted = avoided.build(held, tired, videos, n_viewers, day, run.settings.viewer_controls)
    rated = lake.arrow(tables.CREATORS, ["creator_id", "multiplier"], days=[day])
    return grounds.Grounds(
        hidden=unwanted.hidden,
        about=unwanted.about,
        adult=night.flags(viewers.filter(viewers["adult"])["viewer"], n_viewers),
        shown=night.flags(videos.filter(videos["shown"])["video"], n_videos),
        for_all=night.flags(videos.filter(videos["for_all"])["video"], n_videos),
        praised=log_multipliers(rated, videos, n_videos) > 0,
        new=night.flags(videos.filter(_new(run, videos))["video"], n_videos),
        **_countries(videos, viewers, n_videos, n_viewers),
        **_past(run, n_videos, n_viewers),
        **_tags(run, videos, viewers, n_videos, n_viewers),
    )


def _past(run: Run, n_videos: int, n_viewers: int) -> dict[str, Any]:
    """What viewers watched well inside the window, and the taste for content that it left."""
    lake, day, most = run.lake, run.day, run.settings.profiles.max_strength
    interactions = lake.arrow(tables.INTERACTIONS, ["viewer", "video", "strength", "good"], days=[day])
    good = interactions.filter(interactions["good"])
    watched = np.bincount(good["video"].to_numpy(), minlength=n_videos)
    liked = good.filter(pc.greater(good["strength"], 0.0))
    counts = pc.min_element_wise(liked["strength"], pa.scalar(most, pa.float32()))
    profiles = lake.arrow(tables.VIEWER_PROFILES, ["viewer", "content_taste"], days=[day])
    return {
        "finished": matrices.rows(liked["viewer"], liked["video"], counts, n_viewers),
        "liked_by_many": watched >= run.settings.feeds.reason_min_viewers,
        "tastes": matrices.dense_given(profiles["viewer"], profiles["content_taste"], n_viewers),
    }


def _tags(run: Run, videos: pa.Table, viewers: pa.Table, n_videos: int, n_viewers: int) -> dict[str, Any]:
    content = run.lake.arrow(tables.CONTENT, ["video", "dimensions", "weights", "embedding"], days=[run.day])
    trends = run.lake.arrow(tables.TRENDS, ["country", "kind", "name", "z"], days=[run.day])
    of_videos, names = tags.of_videos(videos, content, n_videos)
    countries, rising = tags.rising(trends, names)
    return {
        "tags": of_videos,
        "tag_directions": tags.directions(content, names),
        "vectors": matrices.dense_given(content["video"], content["embedding"], n_videos),
        "rising": rising,
        "rising_in": night.own_countries(viewers, countries, n_viewers),
    }


def _new(run: Run, videos: pa.Table) -> pa.Array:
    today = pa.scalar((run.day - date(1970, 1, 1)).days, pa.int32())
    age_days = pc.subtract(today, videos["uploaded_at"].cast(pa.date32()).cast(pa.int32()))
    recent = pc.and_(pc.greater_equal(age_days, 0), pc.less(age_days, run.settings.feeds.reason_new_days))
    return pc.fill_null(recent, False)


def _countries(videos: pa.Table, viewers: pa.Table, n_videos: int, n_viewers: int) -> dict[str, Any]:
    """The country of each video and viewer as a number, -1 if unknown."""
    names = pc.unique(videos["country"]).drop_null()
    found: dict[str, NDArray[np.int32]] = {}
    for of, rows, height in (("video", videos, n_videos), ("viewer", viewers, n_viewers)):
        place = pc.fill_null(pc.index_in(rows["country"], names, skip_nulls=True), -1)
        found[f"{of}_country"] = np.full(height, -1, np.int32)
        found[f"{of}_country"][rows[of].to_numpy()] = place.to_numpy()
    return found


if __name__ == "__main__":
    job(main)
