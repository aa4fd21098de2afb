"""Turns candidates into the list that is shown: varied, under the rules, each video with its reason."""

from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from foryou import tables
from foryou.candidates import night
from foryou.feeds import earlier, feeds, rules
from foryou.models import codes, matrices
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    files = run.lake.files(tables.CANDIDATES, run.day)
    with run.lake.scratch() as folder:
        _gathered(run).save(folder)
        make = partial(feeds.build, files=files, folder=folder, settings=run.settings.feeds)
        rows = run.lake.replace_parts(tables.FEEDS, run.day, len(files), make)
    run.note(viewers=rows)


def _gathered(run: Run) -> feeds.Night:
    lake, day = run.lake, run.day
    n_viewers = lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
    n_videos = lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    interactions = lake.arrow(tables.INTERACTIONS, ["viewer", "video", "strength", "last_day"], days=[day])
    similar = lake.arrow(tables.SIMILAR, ["video", "videos", "scores"], days=[day])
    return feeds.Night(
        similar=matrices.list_rows(similar["video"], similar["videos"], similar["scores"], n_videos),
        liked=night.newest_liked(interactions, run.settings.candidates.similar_recent, n_viewers),
        **_videos(run, n_videos),
        **_past(run, interactions, n_viewers),
    )


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


def _past(run: Run, interactions: pa.Table, height: int) -> dict[str, Any]:
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


if __name__ == "__main__":
    job(main)
