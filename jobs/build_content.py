"""Turns captions, tags, sounds and categories into vectors, and finds each video's nearest neighbours."""

from functools import partial

from foryou import tables
from foryou.catalogue import content, similar
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    videos = run.lake.read_day(tables.VIDEOS, run.day)
    tokens = content.tokens(videos, run.settings.content).toArrow()
    shown = run.lake.arrow(tables.VIDEOS, ["video", "shown"], days=[run.day])
    vectors = content.build(tokens, shown.num_rows, run.settings.content)
    run.lake.replace_day_arrow(tables.CONTENT, run.day, vectors)
    with run.lake.scratch() as folder:
        parts = similar.prepare(vectors, shown.filter(shown["shown"]), run.settings.content, folder)
        rows = run.lake.replace_parts(tables.SIMILAR, run.day, parts, partial(similar.build, folder=folder))
    run.note(videos_with_neighbours=rows)


if __name__ == "__main__":
    job(main)
