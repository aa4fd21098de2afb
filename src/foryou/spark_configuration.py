"""How Spark is configured, as plain data: the session and the submit commands of Airflow take it from here."""

from __future__ import annotations

import sys
from pathlib import Path

from foryou.errors import InputMissing
from foryou.settings import Spark

JARS = Path(sys.prefix) / "jars"
ARCHIVE = Path(sys.prefix) / "spark.jsa"
"""The archive of Spark's classes, see `class_archive.py`."""
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


def on_one_machine(settings: Spark) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and environment of a driver on one machine: it listens to nobody else, and starts from the archive.

    Both are empty for a cluster, whose executors must reach the driver.
    """
    if not settings.master.startswith("local"):
        return {}, {}
    listening = {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    # The JVM passes over an archive that is missing or another Java's, without a word.
    return listening, {
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_SUBMIT_OPTS": f"-XX:SharedArchiveFile={ARCHIVE} -Xlog:cds*=off",
    }


def submitted(settings: Spark) -> dict[str, str]:
    """What a `spark-submit` of ours passes as `--conf`; the session adds nothing that changes a result."""
    return of_session(settings) | {"spark.driver.memory": f"{settings.driver_memory_gb}g"}


def of_session(settings: Spark) -> dict[str, str]:
    """What holds wherever Spark runs; master, memory and log belong to whoever starts the process."""
    return {
        "spark.jars": ",".join(str(path) for path in delta_jars()),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # What a job keeps, it keeps for a minute: packing it took 3 s of 10 on a day's log.
        "spark.sql.inMemoryColumnarStorage.compressed": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000",
        **on_one_machine(settings)[0],
    }
