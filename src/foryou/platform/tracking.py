"""Training runs and registered models: the only file that knows MLflow, whose import takes 5 s and so waits."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foryou.errors import ContractBroken, InputMissing

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODEL = "foryou_factors"
EXPERIMENT = "train_factors"
CHAMPION = "champion"
_FILE = "video_factors.npz"
_WRAPPER = Path(__file__).with_name("registered_model.py")
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class TrackedModel:
    """A training run; `model_version` is `foryou_factors/3`, or None where the model was refused."""

    run_id: str
    model_version: str | None
    sha256: str
    day: date


def record_training(
    lake_root: Path,
    day: date,
    *,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    data_versions: Mapping[str, int | str],
    npz: Path,
    faults: Sequence[str] = (),
) -> TrackedModel:
    """One run for the day's training; a model without faults is registered and becomes champion.

    An earlier run of the same day is marked as superseded. The champion never moves back to an earlier day, so a
    backfill leaves it alone. Raises ContractBroken if a metric is not a finite number.
    """
    _require_finite(day, metrics)
    sha256 = _digest(npz)
    with _client(lake_root) as client:
        run_id = _start(client, lake_root, day, {"sha256": sha256, "faults": "; ".join(faults)})
        _log(client, run_id, params, metrics, data_versions)
        if faults:
            client.log_artifact(run_id, str(npz), "refused")
            number = None
        else:
            number = _register(client, run_id, day, npz, sha256)
        client.set_terminated(run_id)
        _supersede_runs(client, day, run_id)
        if number:
            _supersede_models(client, day, run_id)
    return TrackedModel(run_id, number and f"{MODEL}/{number}", sha256, day)


def champion(lake_root: Path) -> TrackedModel | None:
    """The registered model that has the alias `champion`, if there is any."""
    with _client(lake_root) as client:
        found = _champion(client)
        return _tracked(found) if found else None


def load_video_factors(lake_root: Path, model_version: str | None = None) -> Path:
    """The factor file of a registered model, `foryou_factors/3`, or of the champion, its digest compared.

    Raises InputMissing if there is no such model, ContractBroken if its file is not the one that was registered.
    """
    with _client(lake_root) as client:
        found = _champion(client) if model_version is None else _version(client, model_version)
        if found is None:
            raise InputMissing(
                "models",
                wanted=model_version or f"a model with the alias {CHAMPION}",
                found="none in the registry",
                next_step="run the step train_factors of a night",
            )
        return _fetch(client, lake_root, found)


def _fetch(client: MlflowClient, lake_root: Path, found: ModelVersion) -> Path:
    target = lake_root / "_mlflow" / "fetched" / f"{found.version}"
    target.mkdir(parents=True, exist_ok=True)
    path = Path(client.download_artifacts(found.run_id, f"model/artifacts/{_FILE}", str(target)))
    digest = _digest(path)
    if digest != found.tags["sha256"]:
        raise ContractBroken(
            "models",
            day=date.fromisoformat(found.tags["day"]),
            wanted=f"{_FILE} of {MODEL}/{found.version} with sha256 {found.tags['sha256']}",
            found=digest,
            next_step="train that night again: the file was changed or cut short after it was registered",
        )
    return path


# ---- one run


def _start(client: MlflowClient, lake_root: Path, day: date, tags: Mapping[str, str]) -> str:
    state = "refused" if tags["faults"] else "accepted"
    run = client.create_run(
        _experiment(client, lake_root),
        run_name=day.isoformat(),
        tags={"day": day.isoformat(), "state": state, **tags},
    )
    return str(run.info.run_id)


def _log(
    client: MlflowClient,
    run_id: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    data_versions: Mapping[str, int | str],
) -> None:
    """All in one call: one transaction, where a call for each value costs one each."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
        params=[Param(name, str(value)) for name, value in params.items()],
        tags=[RunTag(f"data.{name}", str(value)) for name, value in data_versions.items()],
    )


def _require_finite(day: date, metrics: Mapping[str, float]) -> None:
    bad = [name for name, value in metrics.items() if value is None or not math.isfinite(value)]
    if bad:
        raise ContractBroken(
            "models",
            day=day,
            wanted="finite numbers as metrics of the training run",
            found=", ".join(f"{name} = {metrics[name]}" for name in bad),
            next_step="mend the stage that measures them; MLflow would take NaN in silence",
        )


# ---- the registry


def _register(client: MlflowClient, run_id: str, day: date, npz: Path, sha256: str) -> str:
    """Stores the model with the run and enters it in the registry, as champion unless that is of a later day."""
    before = _champion(client)
    _save(client, run_id, npz)
    if not client.search_registered_models(f"name = '{MODEL}'"):
        client.create_registered_model(MODEL, description="Factors of videos, one version a night.")
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    tags = {"day": day.isoformat(), "sha256": sha256}
    number = str(client.create_model_version(MODEL, source, run_id, tags=tags).version)
    if before is None or before.tags["day"] <= day.isoformat():
        client.set_registered_model_alias(MODEL, CHAMPION, number)
    return number


def _save(client: MlflowClient, run_id: str, npz: Path) -> None:
    """As code and arrays, never as a pickle. The requirements are told: to infer them, MLflow runs the model."""
    from mlflow import pyfunc

    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder, _FILE)
        shutil.copyfile(npz, named)
        pyfunc.save_model(
            f"{folder}/model",
            python_model=str(_WRAPPER),
            artifacts={"video_factors": str(named)},
            pip_requirements=[f"{package}=={version(package)}" for package in ("mlflow", "numpy")],
        )
        client.log_artifacts(run_id, f"{folder}/model", "model")


def _supersede_runs(client: MlflowClient, day: date, by: str) -> None:
    """Marks the day's earlier runs, finished or broken off, so that one run of a day counts."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    for run in client.search_runs([experiment.experiment_id], f"tags.day = '{day}'"):
        if run.info.run_id != by and "superseded_by" not in run.data.tags:
            client.set_tag(run.info.run_id, "superseded_by", by)


def _supersede_models(client: MlflowClient, day: date, by: str) -> None:
    """Marks the day's earlier models, so that one model of a day counts."""
    for found in client.search_model_versions(f"name = '{MODEL}' and tags.day = '{day}'"):
        if found.run_id != by and "superseded_by" not in found.tags:
            client.set_model_version_tag(MODEL, found.version, "superseded_by", by)


def _champion(client: MlflowClient) -> ModelVersion | None:
    models = client.search_registered_models(f"name = '{MODEL}'")
    number = models[0].aliases.get(CHAMPION) if models else None
    return client.get_model_version(MODEL, str(number)) if number else None


def _version(client: MlflowClient, model_version: str) -> ModelVersion | None:
    name, _, number = model_version.partition("/")
    found = client.search_model_versions(f"name = '{name}'")
    return next((one for one in found if str(one.version) == number), None)


def _tracked(found: ModelVersion) -> TrackedModel:
    tags = found.tags
    day = date.fromisoformat(tags["day"])
    return TrackedModel(found.run_id, f"{MODEL}/{found.version}", tags["sha256"], day)


# ---- the store


@contextmanager
def _client(lake_root: Path) -> Iterator[MlflowClient]:
    """A client of the lake's own store, or of the server that MLFLOW_TRACKING_URI names.

    One process at a time: the first use makes the database, and two that make it at once break it.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    store = lake_root.absolute() / "_mlflow"
    store.mkdir(parents=True, exist_ok=True)
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store}/mlflow.db"
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)


def _experiment(client: MlflowClient, lake_root: Path) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found:
        return str(found.experiment_id)
    server = os.environ.get("MLFLOW_TRACKING_URI")  # it knows where its artifacts belong
    artifacts = None if server else (lake_root.absolute() / "_mlflow" / "artifacts").as_uri()
    return str(client.create_experiment(EXPERIMENT, artifact_location=artifacts))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
