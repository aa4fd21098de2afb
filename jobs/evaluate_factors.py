"""Judges yesterday's factors on what was watched today, beside popularity."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from foryou import tables
from foryou.candidates import night
from foryou.evaluation import evaluate
from foryou.models import matrices
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    rows, judged_on = [], None
    before = [day for day in run.lake.days(tables.MODELS) if day < run.day]
    if before:
        model = run.lake.arrow(tables.MODELS, days=[before[-1]]).to_pylist()[0]
        judged_on = run.lake.arrow(tables.VIEWS, ["viewer", "video", "good"], days=[run.day])
        rows = evaluate.evaluate(judged_on, _judged(run, before[-1], model), run.settings.evaluation)
        rows = [row | {"model_version": model["model_version"]} for row in rows]
        run.note(**{f"{row['ranking']} {row['measure']}": round(row["value"], 4) for row in rows})
    else:
        run.note(nothing_to_judge="first night")
    run.lake.replace_day_arrow(tables.EVALUATIONS, run.day, pa.Table.from_pylist(rows, schema=evaluate.SCHEMA))


def _judged(run: Run, before: date, model: dict[str, Any]) -> evaluate.Judged:
    lake = run.lake
    n_viewers = lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
    n_videos = lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    viewer_factors = lake.arrow(tables.VIEWER_FACTORS, ["viewer", "factors"], days=[model["model_day"]])
    video_factors = lake.arrow(tables.VIDEO_FACTORS, ["video", "factors"], days=[model["model_day"]])
    popular = lake.arrow(tables.POPULAR, days=[before])
    everywhere = popular.filter(np.asarray(popular["segment"]) == tables.EVERYWHERE)
    _, everywhere_rows = night.popular_rows(everywhere)
    seen = lake.arrow(tables.SEEN, ["viewer", "video"], days=lake.days_until(tables.SEEN, run.day - timedelta(days=1)))
    lake.require(tables.VIDEOS, run.day)
    videos = lake.arrow(tables.VIDEOS, ["video", "shown"], days=[run.day])
    return evaluate.Judged(
        viewer_factors=matrices.dense(viewer_factors["viewer"], viewer_factors["factors"], n_viewers),
        video_factors=matrices.dense(video_factors["video"], video_factors["factors"], n_videos),
        popular=everywhere_rows,
        seen=matrices.rows(seen["viewer"], seen["video"], None, n_viewers),
        shown=night.flags(videos.filter(videos["shown"])["video"], n_videos),
    )


if __name__ == "__main__":
    job(main)
