"""Works out who is shown in the night's feeds, and how much of one thing each viewer gets."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foryou import tables
from foryou.evaluation import fairness
from foryou.platform.job import Run, job

VIEWERS_A_BLOCK = 10_000


def main(run: Run) -> None:
    viewers = run.lake.arrow(tables.VIEWERS, ["viewer", "adult"], days=[run.day])
    minor = np.ones(run.lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows, bool)
    minor[viewers.filter(viewers["adult"])["viewer"].to_numpy()] = False
    found = fairness.measures(_feeds(run), _catalogue(run), minor)
    rows = dict(zip(("measure", "slice", "value"), zip(*found, strict=True), strict=True))
    run.lake.replace_day(tables.FAIRNESS, run.day, pa.table(rows))
    run.note(**{f"{measure} of {of}".replace("_", " "): round(value, 4) for measure, of, value in found})


def _feeds(run: Run) -> Iterator[pa.RecordBatch]:
    for path in run.lake.files(tables.FEEDS, run.day):
        yield from pq.ParquetFile(path).iter_batches(VIEWERS_A_BLOCK, columns=["viewer", "videos", "relaxed"])


def _catalogue(run: Run) -> fairness.Catalogue:
    names = ["video", "creator_id", "category", "for_all", "shown", "uploaded_at"]
    videos = run.lake.arrow(tables.VIDEOS, names, days=[run.day])
    follows = run.lake.arrow(tables.FOLLOWS, ["creator_id"], days=[run.day])
    height = run.lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    creators, creator = _numbered(videos, "creator_id", height)
    followers = pc.index_in(follows["creator_id"], creators).drop_null().to_numpy()
    for_adults = np.zeros(height, bool)
    for_adults[videos.filter(pc.and_not(videos["shown"], videos["for_all"]))["video"].to_numpy()] = True
    return fairness.Catalogue(
        creator=creator,
        topic=_numbered(videos, "category", height)[1],
        for_adults=for_adults,
        tier=fairness.tiers(
            np.bincount(followers, minlength=len(creators)),
            np.bincount(creator[creator >= 0], minlength=len(creators)),
        ),
        new=_new(videos, creator, len(creators), run),
    )


def _numbered(videos: pa.Table, name: str, height: int) -> tuple[pa.Array, np.ndarray]:
    """The values of a column, sorted, and the number of each video's, -1 for none, by dense id."""
    values = pc.unique(videos[name]).drop_null()
    values = values.take(pc.sort_indices(values))
    numbers = np.full(height, -1, np.int32)
    numbers[videos["video"].to_numpy()] = pc.fill_null(pc.index_in(videos[name], values), -1).to_numpy()
    return values, numbers


def _new(videos: pa.Table, creator: np.ndarray, creators: int, run: Run) -> np.ndarray:
    """Creators whose first video was uploaded within so many days; an unknown time says nothing."""
    days = pc.fill_null(videos["uploaded_at"].cast(pa.date32()).cast(pa.int32()), 0).to_numpy()
    first = np.full(creators, np.iinfo(np.int32).max)
    of = creator[videos["video"].to_numpy()]
    np.minimum.at(first, of[of >= 0], days[of >= 0])
    today = np.datetime64(run.day, "D").astype(int)
    return first > today - run.settings.fairness.new_creator_days


if __name__ == "__main__":
    job(main)
