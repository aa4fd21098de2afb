"""Gives dense ids to the viewers of an earlier landed day that the lake lacks: their devices' history is theirs."""

from functools import partial

from foryou import secret, tables
from foryou.catalogue import catalogue
from foryou.models import devices
from foryou.platform.job import Run, job
from foryou.sources import landed_frames, landing


def main(run: Run) -> None:
    landed = landing.check_day(run.landing, run.day, ("viewers",))
    run.manifest = landed.manifest
    work = partial(catalogue.viewers_of, day=run.day, salt=secret.salt())
    viewers = landed_frames.worked(run.lake.spark, landed, "viewers", work, catalogue.row(tables.VIEWERS)).toArrow()
    run.note(new_viewers=run.lake.extend(tables.VIEWER_IDS, run.day, partial(devices.new_in_snapshot, viewers=viewers)))
    recent = devices.recent(devices.sign_ups(viewers), run.day, run.settings.events.lookback_days)
    run.lake.replace_day(tables.SIGN_UPS, run.day, recent)


if __name__ == "__main__":
    job(main)
