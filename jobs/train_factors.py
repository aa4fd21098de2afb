"""Fits tonight's factors, warm from yesterday's; refuses bad ones and keeps the champion."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foryou import tables
from foryou.contract import Table
from foryou.errors import ModelRejected
from foryou.models import factors, matrices, training
from foryou.platform import tracking
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    interactions = run.lake.arrow(tables.INTERACTIONS, ["viewer", "video", "strength"], days=[run.day])
    kept = _kept_model(run)
    known = [_factors(run, table, kept) for table in (tables.VIEWER_FACTORS, tables.VIDEO_FACTORS)]
    shape = [matrices.height(interactions[rows.column_names[0]], rows.column(0)) for rows in known]
    matrix = training.matrix(interactions, *shape)
    start = _start(run, known, shape) if kept else None
    wanted = training.loss(matrix, run.settings.factors)
    fitted = training.fit(matrix, wanted, start, run.settings.factors)
    faults = training.faults(fitted, matrix, start, run.settings.factors)
    with run.lake.scratch() as folder:
        file = folder / "video_factors.npz"
        factors.save(file, fitted.video_factors)
        tracked = _track(run, file, {"pairs": matrix.nnz, "viewers": matrix.shape[0]}, faults)
    run.note(pairs=int(matrix.nnz), warm=start is not None, model=tracked.model_version)
    if not faults:
        _write(run, fitted, interactions)  # first: the decision names them
    _decide(run, kept, tracked, faults, training.parameters(matrix, wanted, run.settings.factors))


def _kept_model(run: Run) -> dict[str, Any] | None:
    """The decision of the night before, if there was one."""
    before = [day for day in run.lake.days(tables.MODELS) if day < run.day]
    return run.lake.arrow(tables.MODELS, days=[before[-1]]).to_pylist()[0] if before else None


def _factors(run: Run, table: Table, model: dict[str, Any] | None) -> pa.Table:
    """What that decision left in use; no rows where there is none."""
    return run.lake.arrow(table, [*table.key, "factors"], days=[model["model_day"]] if model else [])


def _start(run: Run, known: list[pa.Table], shape: list[int]) -> training.Start | None:
    """The factors of the night before, unless the settings now want another number of them."""
    viewers, videos = (
        matrices.dense(rows.column(0), rows["factors"], height) for rows, height in zip(known, shape, strict=True)
    )
    wanted = run.settings.factors.factors
    return (viewers, videos) if viewers.shape[1] == videos.shape[1] == wanted else None


def _track(run: Run, file: Path, counts: dict[str, int], faults: list[str]) -> tracking.TrackedModel:
    measures = run.lake.arrow(tables.EVALUATIONS, ["ranking", "measure", "slice", "value"], days=[run.day])
    measures = measures.filter(pc.is_null(measures["slice"])).to_pylist()
    read = (tables.INTERACTIONS, tables.VIEWS)
    return run.record_training(
        run.lake.root,
        run.day,
        params=asdict(run.settings.factors) | asdict(run.settings.interactions),
        metrics={f"{row['ranking']}.{row['measure']}".replace("@", "_at_"): row["value"] for row in measures} | counts,
        data_versions={table.name: run.lake.version(table) for table in read},
        npz=file,
        faults=faults,
    )


def _decide(
    run: Run,
    kept: dict[str, Any] | None,
    tracked: tracking.TrackedModel,
    faults: list[str],
    parameters: dict[str, float],
) -> None:
    """Leaves the row of `models` that the rest of the night goes by. Raises ModelRejected if nothing is left to use."""
    if faults and kept is None:
        raise ModelRejected(
            "models",
            day=run.day,
            wanted="finite factors of the right shape that tell videos apart",
            found="; ".join(faults),
            next_step="look at the day's interactions and the section `factors` of the settings; run the night again",
        )
    fresh = {"model_day": run.day, "model_version": tracked.model_version, "parameters": [*parameters.items()]}
    used = kept if faults and kept else fresh
    if faults:
        run.degrade(f"tonight's model was refused ({'; '.join(faults)}); {used['model_version']} stays")
    row = {
        "state": "refused" if faults else "accepted",
        "model_day": used["model_day"],
        "model_version": used["model_version"],
        "faults": "; ".join(faults),
        "mlflow_run_id": tracked.run_id,
        "sha256": tracked.sha256,
        "parameters": used["parameters"],
    }
    types = {"model_day": pa.date32(), "parameters": pa.map_(pa.string(), pa.float64())}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in row])
    run.lake.replace_day(tables.MODELS, run.day, pa.Table.from_pylist([row], schema=schema))


def _write(run: Run, fitted: factors.Factors, interactions: pa.Table) -> None:
    """The factors of those who have interactions; on a refused night nothing is written."""
    for table, matrix in (
        (tables.VIEWER_FACTORS, fitted.viewer_factors),
        (tables.VIDEO_FACTORS, fitted.video_factors),
    ):
        key = table.key[0]
        known = np.unique(interactions[key].to_numpy())
        rows = pa.table({key: known, "factors": matrices.vectors(matrix[known])})
        run.lake.replace_day(table, run.day, rows)


if __name__ == "__main__":
    job(main)
