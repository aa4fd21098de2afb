"""Builds the views of every earlier landed day of the window that the lake lacks: before the steps of a night."""

from foryou.night import Night
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    Night(run.landing, run.lake, run.settings, run.overrides).build_missing_days(run)


if __name__ == "__main__":
    job(main)
