"""Turns candidates into the list that is shown: varied, under the rules, each video with its reason."""

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
from foryou.feeds import earlier, feeds, grounds, rules, tags
from foryou.models import codes, matrices
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    files = run.lake.files(tables.CANDIDATES, run.day)
    n_videos = run.lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    n_viewers = run.lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
    past = run.lake.arrow(tables.INTERACTIONS, ["viewer", "video", "strength", "good", "last_day"], days=[run.day])
    with run.lake.scratch() as folder:
        feeds.Night(**_videos(run, n_videos), **_served_before(run, past, n_viewers)).save(folder)
        _grounds(run, past, n_videos, n_viewers).save(folder)
        make = partial(feeds.build, files=files, folder=folder, settings=run.settings.feeds)
        rows = run.lake.replace_parts(tables.FEEDS, run.day, len(files), make)
    run.note(viewers=rows)


def _videos(run: Run, height: int) -> dict[str, Any]:
    """Near copies, labels and vectors by dense id."""
    lake, day = run.lake, run.day
    lake.require(tables.CONTENT, day)
    content = lake.arrow(tables.CONTENT, ["video", "near_copy_of", "embedding"], days=[day])
    videos = lake.arrow(tables.VIDEOS, ["video", "category", "sound_id", "creator_id"], days=[day])
    copy_of = np.arange(height, dtype=np.int32)
    copy_of[content["video"].to_numpy()] = content["near_copy_of"].to_numpy()
    names = [videos[name] for name in ("category", "sound_id", "creator_id")]
    labels = [codes.coded(of).at(videos["video"].to_numpy(), height) for of in names]
    vectors = matrices.dense_given(content["video"], content["embedding"], height)
    return {"copy_of": copy_of, "labels": np.stack(labels, axis=1), "vectors": rules.whole(vectors)}


def _served_before(run: Run, interactions: pa.Table, height: int) -> dict[str, Any]:
    """What viewers met in the lists that were live on the last days; nothing of nights that were never published."""
    told = run.settings.feeds
    published = set(run.lake.arrow(tables.RELEASES, ["day"])["day"].to_pylist())
    held = [held for held in run.lake.days(tables.FEEDS) if held in published or not published]
    nights = [(live, earlier.served_on(live, held)) for live in earlier.last_days(run.day, told.lookback_days)]
    served = (_served(run, of, earlier.watched_on(interactions, live, height)) for live, of in nights if of)
    watched, passed = earlier.look_back(served, height, rules.places_before(told))
    return {"watched": watched, "passed": passed}


def _served(run: Run, night_of: date, watched: matrices.Rows) -> earlier.Served:
    return earlier.Served(run.lake.arrow(tables.FEEDS, ["viewer", "videos"], days=[night_of]), watched)


def _grounds(run: Run, interactions: pa.Table, n_videos: int, n_viewers: int) -> grounds.Grounds:
    """What reasons rest on: the viewers' past, tags, what viewers hide, and what is known of the videos."""
    lake, day = run.lake, run.day
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
        **_past(run, interactions, n_videos, n_viewers),
        **_tags(run, videos, viewers, n_videos, n_viewers),
    )


def _past(run: Run, interactions: pa.Table, n_videos: int, n_viewers: int) -> dict[str, Any]:
    """What viewers watched well inside the window, and the taste for content that it left."""
    lake, day, most = run.lake, run.day, run.settings.profiles.max_strength
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
