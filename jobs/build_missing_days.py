"""Builds the views of landed days of the window, and takes the controls of any earlier day, that the lake lacks."""

from foryou.night import Night
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    Night(run.landing, run.lake, run.settings, run.overrides).build_missing_days(run)


if __name__ == "__main__":
    job(main)
