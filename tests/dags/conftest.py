"""Airflow reads its configuration when it is imported, so it is told where its home is before that."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def airflow_environment(tmp_path_factory):
    """What an Airflow of its own is told: SQLite in an empty home, our DAGs, no examples."""
    home = tmp_path_factory.mktemp("airflow")
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2,3]"}',
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'dags'}",
    }


@pytest.fixture(scope="session")
def nightly(airflow_environment):
    """The module `dags/nightly.py` as Airflow loads it."""
    with pytest.MonkeyPatch.context() as patched:
        for key, value in airflow_environment.items():
            patched.setenv(key, value)
        patched.syspath_prepend(str(ROOT / "dags"))
        yield importlib.import_module("nightly")


@pytest.fixture
def task(nightly, monkeypatch):
    """Gives a task as a worker gets it: a copy, so that what one test renders does not leak into the next."""
    monkeypatch.setenv("FORYOU_LANDING", "/data/landing")
    monkeypatch.setenv("FORYOU_LAKE", "/data/lake")
    monkeypatch.setenv("FORYOU_CONF", "ci")
    return lambda task_id: nightly.dag.get_task(task_id).prepare_for_execution()
