"""Turns captions, tags, sounds, ... into one vector a video; finds near copies and each video's neighbours."""

from functools import partial

import pyarrow.compute as pc

from foryou import tables
from foryou.catalogue import content, similar
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    run.lake.require(tables.VIDEOS, run.day)
    videos = run.lake.arrow(tables.VIDEOS, [*content.COLUMNS, "shown"], days=[run.day])
    vectors = content.build(videos, run.settings.content)
    run.lake.replace_day(tables.CONTENT, run.day, vectors)
    shown = videos.filter(videos["shown"]).select(["video"])
    with run.lake.scratch() as folder:
        parts = similar.prepare(vectors, shown, run.settings.content, folder)
        rows = run.lake.replace_parts(tables.SIMILAR, run.day, parts, partial(similar.build, folder=folder))
    copies = pc.sum(pc.not_equal(vectors["near_copy_of"], vectors["video"])).as_py() or 0
    run.note(videos_with_neighbours=rows, near_copies=copies)


if __name__ == "__main__":
    job(main)
