"""Learns from earlier days which candidates are watched well, and judges it beside the blend on the day's."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.candidates import exposed, pair_features
from foryou.catalogue.creators import log_multipliers
from foryou.evaluation import reranked
from foryou.models import matrices, reranker
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    lake, days = run.lake, run.window(run.settings.reranker.days + 1)[:-1]
    before = [day for day in lake.days(tables.CANDIDATES) if day < run.day]
    today = _exposures(run, before[-1]) if before else lake.arrow(tables.EXPOSURES, days=[]).drop(["day"])
    lake.replace_day(tables.EXPOSURES, run.day, today)
    earlier = lake.arrow(tables.EXPOSURES, days=[day for day in lake.days(tables.EXPOSURES) if day in days])
    row = reranked.NOTHING | _decided(run, earlier, today)
    row |= {"days": len(pc.unique(earlier["day"])), "rows": earlier.num_rows}
    lake.replace_day(tables.RERANKERS, run.day, pa.Table.from_pylist([row]))
    run.note(**{name: row[name] for name in ("state", "why", "days", "rows")})


def _decided(run: Run, earlier: pa.Table, today: pa.Table) -> dict[str, Any]:
    """What of a row of `rerankers` can be told."""
    chosen = run.settings.reranker
    if earlier.num_rows < chosen.min_rows:
        return {"why": f"{earlier.num_rows:,} rows of earlier days to learn from, wanted {chosen.min_rows:,}"}
    model = reranker.fit(*_columns(earlier), chosen)
    features, good, _, group = _columns(today)
    return reranked.decide(model, features, good, group, run.settings.evaluation)


def _columns(rows: pa.Table) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[Any], NDArray[np.int64]]:
    """Features, good, weight, and a group that is one viewer's day."""
    features = rows["features"].combine_chunks().flatten().to_numpy().reshape(rows.num_rows, len(reranker.FEATURES))
    group = rows["group"].to_numpy().astype(np.int64)
    if "day" in rows.column_names:
        group |= rows["day"].cast(pa.int32()).to_numpy().astype(np.int64) << 32
    return features, rows["good"].to_numpy(zero_copy_only=False), rows["weight"].to_numpy(), group


def _exposures(run: Run, before: date) -> pa.Table:
    """What a draw of the day's viewers met of the candidates of the night before, and at random."""
    lake, chosen = run.lake, run.settings.reranker
    n_viewers = lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
    n_videos = lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    views = lake.arrow(tables.VIEWS, ["viewer", "video", "good", "propensity", "own"], days=[run.day])
    drawn = exposed.draw(views, run.day, chosen)
    met = matrices.rows(drawn["viewer"], drawn["video"], None, n_viewers)
    listed = exposed.standing(lake.files(tables.CANDIDATES, before), met)
    creators = lake.arrow(tables.CREATORS, ["creator_id", "multiplier"], days=[before])
    made = lake.arrow(tables.VIDEOS, ["video", "creator_id"], days=[before])
    known = pair_features.as_of(lake.arrow, before, n_viewers, log_multipliers(creators, made, n_videos))
    return exposed.rows(drawn, listed, known, chosen)


if __name__ == "__main__":
    job(main)
