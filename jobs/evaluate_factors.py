"""Judges yesterday's factors on what was watched today, beside popularity and others, and how new videos are drawn."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.candidates import night, taste
from foryou.evaluation import evaluate, off_policy, slices, taste_weight
from foryou.feeds import baseline
from foryou.models import matrices
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    rows, judged_on = [], None
    before = [day for day in run.lake.days(tables.MODELS) if day < run.day]
    if before:
        model = run.lake.arrow(tables.MODELS, days=[before[-1]]).to_pylist()[0]
        judged_on = run.lake.arrow(tables.VIEWS, ["viewer", "video", "good"], days=[run.day])
        judged = _judged(run, before[-1], model, judged_on)
        rows = evaluate.evaluate(judged_on, judged, run.settings.evaluation)
        rows += _content_weight(run, before[-1], judged_on, judged)
        rows = [row | {"model_version": model["model_version"]} for row in rows]
        run.note(**{f"{row['ranking']} {row['measure']}": row["value"] for row in rows if row["slice"] is None})
    else:
        run.note(nothing_to_judge="first night")
    rows += _explored(run)
    run.lake.replace_day(tables.EVALUATIONS, run.day, pa.Table.from_pylist(rows, schema=evaluate.SCHEMA))


def _content_weight(run: Run, before: date, judged_on: pa.Table, judged: evaluate.Judged) -> list[dict[str, Any]]:
    profiles = run.lake.arrow(tables.VIEWER_PROFILES, ["viewer", "content_taste"], days=[before])
    tastes = matrices.dense_given(profiles["viewer"], profiles["content_taste"], len(judged.viewer_factors))
    return taste_weight.content_weight(
        judged_on,
        taste.of_one_scale(judged.viewer_factors, judged.video_factors, judged.shown, 1.0),
        taste.of_one_scale(tastes, judged.contents, judged.shown, 1.0),
        run.settings.evaluation,
    )


def _explored(run: Run) -> list[dict[str, Any]]:
    """What came of the draws of the last nights, and what others would have earned in the same places."""
    lake, chosen = run.lake, run.settings.evaluation
    before = [day for day in lake.days(tables.CANDIDATES) if day < run.day][-1:]
    if before:
        views = lake.arrow(tables.VIEWS, [*off_policy.VIEWED], days=[run.day])
        drawn = lake.arrow(tables.CANDIDATES, [*off_policy.DRAWN], days=before)
        lake.replace_day(tables.EXPLORATIONS, run.day, off_policy.explored(views, drawn))
    held = lake.arrow(tables.EXPLORATIONS, days=run.window(chosen.exploration_days))
    rows = off_policy.evaluate(held, chosen)
    run.note(explored_views=held.num_rows)
    if held.num_rows and not rows:
        run.note(explored="too few views to say what other draws would have earned")
    return rows


def _judged(run: Run, before: date, model: dict[str, Any], judged_on: pa.Table) -> evaluate.Judged:
    lake = run.lake
    viewer_ids = lake.arrow(tables.VIEWER_IDS, ["viewer_id", "viewer"])
    n_viewers = viewer_ids.num_rows
    n_videos = lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    viewer_factors = lake.arrow(tables.VIEWER_FACTORS, ["viewer", "factors"], days=[model["model_day"]])
    video_factors = lake.arrow(tables.VIDEO_FACTORS, ["video", "factors"], days=[model["model_day"]])
    popular = lake.arrow(tables.POPULAR, days=[before])
    everywhere = popular.filter(np.asarray(popular["segment"]) == tables.EVERYWHERE)
    _, everywhere_rows = night.popular_rows(everywhere)
    seen = lake.arrow(tables.SEEN, ["viewer", "video"], days=lake.days_until(tables.SEEN, run.day - timedelta(days=1)))
    lake.require(tables.VIDEOS, run.day)
    videos = lake.arrow(tables.VIDEOS, ["video", "shown", "uploaded_at"], days=[run.day])
    content = lake.arrow(tables.CONTENT, ["video", "embedding"], days=[before])
    seen_rows = matrices.rows(seen["viewer"], seen["video"], None, n_viewers)
    shown = night.flags(videos.filter(videos["shown"])["video"], n_videos)
    viewers = lake.arrow(tables.VIEWERS, ["viewer", "country"], days=[before])
    met = np.diff(seen_rows.indptr)
    return evaluate.Judged(
        viewer_factors=matrices.dense(viewer_factors["viewer"], viewer_factors["factors"], n_viewers),
        video_factors=matrices.dense(video_factors["video"], video_factors["factors"], n_videos),
        popular=everywhere_rows,
        seen=seen_rows,
        shown=shown,
        contents=matrices.dense_given(content["video"], content["embedding"], n_videos),
        slices=slices.build(viewers, videos, met, shown, run.day, run.settings.evaluation),
        baseline=evaluate.Product(
            *baseline.heads(_known(run, before, viewer_ids, judged_on), n_viewers, n_videos, run.settings.evaluation)
        ),
    )


def _known(run: Run, before: date, viewer_ids: pa.Table, judged_on: pa.Table) -> baseline.Before:
    """What the baseline knew before the day, of the viewers who are judged."""
    lake = run.lake
    judged = pc.unique(judged_on["viewer"])
    good = lake.arrow(tables.INTERACTIONS, ["viewer", "video", "good"], days=[before])
    follows = lake.arrow(tables.FOLLOWS, ["viewer_id", "creator_id"], days=[before])
    follows = follows.append_column("viewer", _dense(follows["viewer_id"], viewer_ids))
    features = ["video", "creator_id", "sound_id", "tags", "language", "country"]
    return baseline.Before(
        views=lake.arrow(
            tables.VIEWS,
            ["viewer", "video", "completion", "liked", "shared", "followed"],
            days=run.window(run.settings.evaluation.baseline_days + 1)[:-1],
        ),
        good=good.filter(pc.and_(good["good"], pc.is_in(good["viewer"], judged))),
        follows=follows.filter(pc.is_valid(follows["viewer"])),
        viewers=lake.arrow(tables.VIEWERS, ["viewer", "language", "country"], days=[before]),
        videos=lake.arrow(tables.VIDEOS, features, days=[run.day]),
    )


def _dense(ids: pa.ChunkedArray, viewer_ids: pa.Table) -> pa.ChunkedArray:
    """Dense ids of viewers by their ids in the log; null for one that is not known."""
    return viewer_ids["viewer"].combine_chunks().take(pc.index_in(ids, viewer_ids["viewer_id"].combine_chunks()))


if __name__ == "__main__":
    job(main)
