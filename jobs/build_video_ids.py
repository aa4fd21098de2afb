"""Gives dense ids to the videos of an earlier landed day that the lake lacks: its events name them."""

from functools import partial

from foryou import tables
from foryou.catalogue import catalogue
from foryou.models import ids
from foryou.platform.job import Run, job
from foryou.sources import landed_frames, landing


def main(run: Run) -> None:
    landed = landing.check_day(run.landing, run.day)
    run.manifest = landed.manifest
    met = catalogue.video_ids(landed_frames.read(run.lake.spark, landed, "videos"))
    fresh = partial(ids.assign, met=met.toArrow()["video_id"], name="video_id", dense="video")
    run.note(new_videos=run.lake.extend(tables.VIDEO_IDS, run.day, fresh))


if __name__ == "__main__":
    job(main)
