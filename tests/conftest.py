"""One Spark session for all tests, a fresh lake for each, and the settings of conf/ci.yaml."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before numpy, Great Expectations, MLflow or Airflow is imported: each reads its own at import.
os.environ |= {
    "OPENBLAS_NUM_THREADS": "1",
    "GX_ANALYTICS_ENABLED": "False",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "PYSPARK_PYTHON": sys.executable,
    # Spark's workers find what a test hands them, and the package as it stands here.
    "PYTHONPATH": os.pathsep.join(str(Path(__file__).parents[1] / part) for part in ("tests/platform", "tests", "src")),
}

import pytest
from pyspark.sql import SparkSession

from foryou import secret, settings
from foryou.night import Night
from foryou.platform import spark as spark_sessions
from foryou.platform.lake import Lake
from foryou.settings import Settings
from foryou.sources import landing
from foryou.sources.world import WorldParameters, generate

# A secret of the tests' own, for them and for what they start.
os.environ[secret.VARIABLE] = str(Path(tempfile.mkdtemp()) / "secret.yaml")
secret.create(secret.path())

logging.getLogger("py4j").setLevel(logging.WARNING)  # it says goodbye when the streams are closed


@pytest.fixture(scope="session")
def chosen() -> Settings:
    """The settings of conf/ci.yaml: everything small."""
    return settings.load("ci")


@pytest.fixture(scope="session")
def spark(chosen: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The session that every test shares."""
    session = spark_sessions.session(chosen.spark, "tests", tmp_path_factory.mktemp("spark") / "spark.log")
    yield session
    session.stop()


@pytest.fixture
def lake(tmp_path: Path, spark: SparkSession) -> Lake:
    """An empty lake of its own."""
    return Lake(tmp_path / "lake", spark)


@pytest.fixture(scope="session")
def nights(spark: SparkSession, chosen: Settings, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A tiny platform of three days, the night of the last one run; tests look at it and leave it as it is."""
    folder = tmp_path_factory.mktemp("nights")
    generate(WorldParameters(viewers=150, videos=120, days=3, events=6_000, seed=3), folder / "landing")
    opened = Night(folder / "landing", Lake(folder / "lake", spark), chosen)
    opened.run(landing.days(opened.landing)[-1])
    return opened
