"""The Spark session: the only file that knows how Spark is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from foryou.errors import InputMissing
from foryou.settings import CONF
from foryou.settings import Spark as SparkSettings

JARS = Path(sys.prefix) / "jars"
LOOPBACK = "127.0.0.1"


def delta_jars() -> list[Path]:
    """Delta's JARs as set-up left them in the environment. Raises InputMissing where they are not."""
    found = [path for name in ("delta-spark_*", "delta-storage-*") for path in sorted(JARS.glob(f"{name}.jar"))]
    if len(found) < 2:
        raise InputMissing(
            "environment",
            wanted=f"delta-spark and delta-storage in {JARS}",
            found=", ".join(path.name for path in found) or "none of them",
            next_step="run `make setup` once with access to a Maven repository",
        )
    return found


def session(settings: SparkSettings, name: str, log: Path | None = None) -> SparkSession:
    """The process's Spark session, started if there is none; what Spark itself has to say goes to `log`.

    Under `spark-submit` the master, the memory and the log are the submit command's.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)
    builder = SparkSession.builder.appName(name)
    for key, value in _configuration(settings, log).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    return spark


def submitted_configuration(settings: SparkSettings) -> dict[str, str]:
    """What a `spark-submit` of ours passes as `--conf`; the session adds nothing that changes a result."""
    return _plain(settings) | {"spark.driver.memory": f"{settings.driver_memory_gb}g"}


def _configuration(settings: SparkSettings, log: Path | None) -> dict[str, str]:
    if "SPARK_ENV_LOADED" in os.environ:
        return _plain(settings)
    local = {"spark.master": settings.master, "spark.driver.memory": f"{settings.driver_memory_gb}g"}
    options = f"-Dlog4j2.configurationFile={CONF / 'log4j2.properties'} -Dforyou.log={log or os.devnull}"
    return _plain(settings) | local | {"spark.driver.extraJavaOptions": options}


def _plain(settings: SparkSettings) -> dict[str, str]:
    return {
        "spark.jars": ",".join(str(path) for path in delta_jars()),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000",
    }
