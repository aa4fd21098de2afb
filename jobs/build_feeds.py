"""Turns candidates into the list that is shown: no copies, in order, each with its reason."""

from functools import partial

import numpy as np

from foryou import tables
from foryou.candidates import night
from foryou.feeds import feeds
from foryou.models import matrices
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
    lake.require(tables.CONTENT, day)
    content = lake.arrow(tables.CONTENT, ["video", "near_copy_of"], days=[day])
    copy_of = np.arange(n_videos, dtype=np.int32)
    copy_of[content["video"].to_numpy()] = content["near_copy_of"].to_numpy()
    interactions = lake.arrow(tables.INTERACTIONS, ["viewer", "video", "strength", "last_day"], days=[day])
    similar = lake.arrow(tables.SIMILAR, ["video", "videos", "scores"], days=[day])
    return feeds.Night(
        copy_of=copy_of,
        liked=night.newest_liked(interactions, run.settings.candidates.similar_recent, n_viewers),
        similar=matrices.list_rows(similar["video"], similar["videos"], similar["scores"], n_videos),
    )


if __name__ == "__main__":
    job(main)
