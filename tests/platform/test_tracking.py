"""Tracking, with a real MLflow in a folder of its own: one run a training, one champion, no pickle."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from foryou.errors import ContractBroken, InputMissing
from foryou.platform import tracking
from foryou.platform.tracking import champion, load_video_factors, record_training

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def new_store(tmp_path_factory):
    """A lake whose MLflow database is made and empty: to make one takes seconds."""
    root = tmp_path_factory.mktemp("lake of tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert champion(root) is None
    return root / "_mlflow" / "mlflow.db"


@pytest.fixture
def root(new_store, tmp_path):
    folder = tmp_path / "a lake" / "_mlflow"
    folder.mkdir(parents=True)
    (folder / "mlflow.db").write_bytes(new_store.read_bytes())
    return folder.parent


def factor_file(folder: Path, value: float = 1.0) -> Path:
    path = folder / "tonight.npz"
    np.savez(path, video_factors=np.full((3, 2), value, np.float32))
    return path


def record(root: Path, day: date, value: float = 1.0, **changes):
    told = {"params": {"alpha": 20.0}, "metrics": {"auc": 0.7}, "data_versions": {"views": 4}}
    return record_training(root, day, npz=factor_file(root, value), **(told | changes))


def run_of(root: Path, run_id: str):
    with tracking._client(root) as client:
        return client.get_run(run_id)


def test_a_run_keeps_settings_metrics_and_versions_under_its_day(root):
    tracked = record(root, FIRST, metrics={"auc": 0.7, "pairs": 12})
    run = run_of(root, tracked.run_id)
    assert (run.info.run_name, run.info.status) == ("2026-03-01", "FINISHED")
    assert run.data.params == {"alpha": "20.0"}
    assert run.data.metrics == {"auc": 0.7, "pairs": 12.0}
    told = {name: run.data.tags[name] for name in ("day", "state", "faults", "data.views", "sha256")}
    assert told == {
        "day": "2026-03-01",
        "state": "accepted",
        "faults": "",
        "data.views": "4",
        "sha256": tracked.sha256,
    }


def test_an_accepted_model_becomes_champion_and_is_read_back(root):
    tracked = record(root, FIRST, value=2.5)
    assert tracked.model_version == "foryou_factors/1"
    assert champion(root) == tracked
    with np.load(load_video_factors(root), allow_pickle=False) as arrays:
        assert arrays["video_factors"].tolist() == [[2.5, 2.5]] * 3


def test_a_refused_model_is_kept_for_a_look_and_not_registered(root):
    accepted = record(root, FIRST)
    refused = record(root, SECOND, faults=["collapsed", "not finite"])
    assert refused.model_version is None
    assert champion(root) == accepted
    tags = run_of(root, refused.run_id).data.tags
    assert (tags["state"], tags["faults"]) == ("refused", "collapsed; not finite")
    with tracking._client(root) as client:
        assert [file.path for file in client.list_artifacts(refused.run_id, "refused")] == ["refused/tonight.npz"]


def test_a_backfill_of_an_earlier_day_leaves_the_champion(root):
    newer = record(root, SECOND)
    older = record(root, FIRST, value=3.0)
    assert older.model_version == "foryou_factors/2"
    assert champion(root) == newer
    with np.load(load_video_factors(root, "foryou_factors/2")) as arrays:
        assert arrays["video_factors"][0, 0] == 3.0


def test_the_second_training_of_a_day_takes_the_place_of_the_first(root):
    first, second = record(root, FIRST), record(root, FIRST)
    assert champion(root) == second
    assert run_of(root, first.run_id).data.tags["superseded_by"] == second.run_id
    assert "superseded_by" not in run_of(root, second.run_id).data.tags
    with tracking._client(root) as client:
        marked = {v.version: v.tags.get("superseded_by") for v in client.search_model_versions()}
    assert {str(number): by for number, by in marked.items()} == {"1": second.run_id, "2": None}


def test_a_refused_second_training_leaves_the_model_of_the_day(root):
    accepted = record(root, FIRST)
    record(root, FIRST, faults=["collapsed"])
    assert champion(root) == accepted
    with tracking._client(root) as client:
        assert "superseded_by" not in client.get_model_version(tracking.MODEL, "1").tags


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), None])
def test_a_metric_that_is_no_number_is_refused_and_leaves_no_run(root, value):
    with pytest.raises(ContractBroken, match="recall ="):
        record(root, FIRST, metrics={"auc": 0.7, "recall": value})
    with tracking._client(root) as client:
        assert client.get_experiment_by_name(tracking.EXPERIMENT) is None


def test_a_file_changed_after_its_registration_is_refused(root):
    tracked = record(root, FIRST)
    (stored,) = root.glob(f"_mlflow/artifacts/{tracked.run_id}/**/video_factors.npz")
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    with pytest.raises(ContractBroken, match="foryou_factors/1 with sha256"):
        load_video_factors(root)


@pytest.mark.parametrize("asked", [None, "foryou_factors/9", "another/1"])
def test_a_model_that_is_not_there_is_said_to_be_missing(root, asked):
    with pytest.raises(InputMissing, match=asked or "champion"):
        load_video_factors(root, asked)


def test_the_registered_model_answers_through_mlflow_without_pickle(root):
    tracked = record(root, FIRST, value=4.0)
    with tracking._client(root) as client:
        where = client.get_run(tracked.run_id).info.artifact_uri
    from mlflow import pyfunc

    model = pyfunc.load_model(f"{where}/model")
    assert model.predict([0, 2]) == [[4.0, 4.0], [4.0, 4.0]]
    kinds = {path.suffix for path in root.glob("_mlflow/artifacts/**/*") if path.is_file()}
    assert kinds <= {"", ".npz", ".py", ".yaml", ".txt"}


def test_a_server_named_in_the_environment_wins(root, new_store, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere.db"
    elsewhere.write_bytes(new_store.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    tracked = record(root, FIRST)
    assert champion(root) == tracked
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert champion(root) is None


def test_recording_says_nothing_on_the_console(root, capfd, caplog):
    caplog.set_level(logging.INFO)
    record(root, FIRST)
    load_video_factors(root)
    assert capfd.readouterr() == ("", "")
    assert [record.name for record in caplog.records if record.name.startswith(("mlflow", "alembic"))] == []


def test_mlflow_waits_until_it_is_asked():
    code = "import sys, foryou.platform.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
