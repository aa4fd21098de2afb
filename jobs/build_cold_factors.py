"""Predicts factors of videos that nobody has met from their content, where that beats the content alone."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foryou import tables
from foryou.candidates import night
from foryou.evaluation import cold, evaluate
from foryou.models import cold_factors, matrices, training
from foryou.models.cold_factors import Described
from foryou.models.factors import Matrix
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    lake, chosen = run.lake, run.settings.cold_factors
    lake.require(tables.CONTENT, run.day)
    model = lake.arrow(tables.MODELS, days=[run.day]).to_pylist()[0]
    described = lake.arrow(tables.CONTENT, _VECTOR, days=[run.day])
    rows = lake.arrow(tables.VIDEO_FACTORS, ["video", "factors"], days=[model["model_day"]])
    met = lake.arrow(tables.INTERACTIONS, ["video"], days=[run.day])
    n_videos = matrices.height(described["video"], rows["video"], met["video"])
    content = Described.of(described, n_videos)
    factors = matrices.dense(rows["video"], rows["factors"], n_videos)
    known = night.flags(rows["video"], n_videos)
    measures = _judged(run, content, factors, known)
    kept = cold.better(measures, chosen.min_viewers)
    found = cold_factors.build(content, factors, known, chosen)
    if kept != "predicted":
        found = found.slice(0, 0)
    measures = [row | {"model_version": model["model_version"]} for row in measures]
    told = pa.Table.from_pylist(measures, schema=evaluate.SCHEMA)
    lake.replace_day(tables.EVALUATIONS, run.day, told, where=f"ranking IN {cold.RANKINGS}")
    lake.replace_day(tables.COLD_FACTORS, run.day, found)
    run.note(**{f"{row['ranking']} {row['measure']}": round(row["value"], 4) for row in measures})
    run.note(kept=kept or "content: too few viewers to judge by", videos=found.num_rows)


_VECTOR = ["video", "dimensions", "weights", "dense"]
_PAIR = ["viewer", "video", "strength", "last_day", "good"]


def _judged(run: Run, content: Described, factors: Matrix, known: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Both rankings on videos that the model knows, held out: what is fitted for them knows nothing of them."""
    chosen = run.settings.cold_factors
    interactions = run.lake.arrow(tables.INTERACTIONS, _PAIR, days=[run.day])
    rng = np.random.default_rng([chosen.seed, run.day.toordinal()])
    held = cold.hold_out(interactions, known & content.says_something(), chosen, rng)
    if len(held.viewers) == 0:
        return []
    left = known & content.says_something()
    left[held.videos] = False
    projection = cold_factors.fit(content[left], factors[left], chosen)
    viewers = _folded_in(run, held, interactions, factors)
    liked = night.newest_liked(held.others, run.settings.candidates.similar_recent, len(held.viewers))
    return cold.judge(held, liked, content, viewers, projection.of(content[held.videos]), chosen.seed)


def _folded_in(run: Run, held: cold.HeldOut, interactions: pa.Table, factors: Matrix) -> Matrix:
    """The viewers' factors as they would be, had nobody met the videos held out."""
    fitted = run.settings.factors
    whole = training.matrix(interactions, 1 + int(interactions["viewer"].to_numpy().max()), len(factors))
    strengths = training.matrix(held.others, len(held.viewers), len(factors))
    remaining = factors.copy()
    remaining[held.videos] = 0.0
    return cold_factors.fold_in(strengths, remaining, training.loss(whole, fitted))


if __name__ == "__main__":
    job(main)
