"""Parts of viewers and videos that are judged by themselves: a mean over all can hide that some are served badly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou.settings import Evaluation

Mask = NDArray[np.bool_]

NEW_VIEWERS, NEW_VIDEOS = "new viewers", "new videos"


@dataclass(frozen=True)
class Slices:
    """`viewers`: for each slice's name flags by dense id; a viewer can be in several. `new_videos`: by dense id too."""

    viewers: dict[str, Mask]
    new_videos: Mask


def build(
    viewers: pa.Table, videos: pa.Table, met: NDArray[np.integer], shown: Mask, day: date, settings: Evaluation
) -> Slices:
    """Viewers who met few videos before the day, those of the countries with most viewers; videos new on the day.

    viewers: rows `viewer`, `country` (null: of none). videos: rows `video`, `uploaded_at` (null: not new). met: how
    many videos each viewer had met, by dense id; shown: a flag a video, as many as there are dense ids.
    """
    found = {NEW_VIEWERS: met < settings.new_viewer_videos}
    for country in _largest(viewers["country"], settings.slice_countries):
        found[f"country {country}"] = _flags(viewers.filter(pc.equal(viewers["country"], country))["viewer"], len(met))
    first = day - timedelta(days=settings.new_video_days - 1)
    new = pc.greater_equal(videos["uploaded_at"].cast(pa.date32()), pa.scalar(first))
    return Slices(found, _flags(videos.filter(pc.fill_null(new, False))["video"], len(shown)))


def _largest(countries: pa.ChunkedArray, most: int) -> list[str]:
    counted = pc.value_counts(countries.drop_null()).to_pylist()
    ordered = sorted(counted, key=lambda row: (-row["counts"], row["values"]))
    return [row["values"] for row in ordered[:most]]


def _flags(ids: pa.ChunkedArray, height: int) -> Mask:
    found = np.zeros(height, bool)
    found[ids.to_numpy()] = True
    return found
