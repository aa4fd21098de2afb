"""The Spark session: the only file that knows how Spark is started."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from foryou.settings import CONF
from foryou.settings import Spark as SparkSettings
from foryou.spark_configuration import of_session, on_one_machine


def session(settings: SparkSettings, name: str, log: Path | None = None) -> SparkSession:
    """The process's Spark session, started if there is none; what Spark itself has to say goes to `log`.

    Under `spark-submit` the master, the memory and the log are the submit command's.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name, value in on_one_machine(settings)[1].items():
        os.environ.setdefault(name, value)
    builder = SparkSession.builder.appName(name)
    for key, value in _configuration(settings, log).items():
        builder = builder.config(key, value)
    with _uninterrupted():
        spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    logging.getLogger("DataFrameQueryContextLogger").setLevel(logging.CRITICAL)  # pages of JSON beside the error
    return spark


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the JVM is up: one whose start is broken off stays behind without its parent."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _configuration(settings: SparkSettings, log: Path | None) -> dict[str, str]:
    if "SPARK_ENV_LOADED" in os.environ:
        return of_session(settings)
    local = {"spark.master": settings.master, "spark.driver.memory": f"{settings.driver_memory_gb}g"}
    options = f'"-Dlog4j2.configurationFile={CONF / "log4j2.properties"}" "-Dforyou.log={log or os.devnull}"'
    return of_session(settings) | local | {"spark.driver.extraJavaOptions": options}
