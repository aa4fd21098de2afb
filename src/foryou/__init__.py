"""A nightly batch recommender for short-video platforms."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from foryou.platform.lake import Lake


def notebook(lake: Path | str, *conf: Path | str) -> tuple[SparkSession, Lake]:
    """A Spark session and the lake, for looking around: `spark, lake = foryou.notebook("demo/lake")`.

    `lake.read(tables.VIEWS)` is a Spark frame of a table, `lake.arrow(...)` the same as Arrow; `conf` names settings
    files over `conf/base.yaml`. Spark's own messages go to a log file below the lake.
    Raises InputMissing where there is no lake.
    """
    from foryou import settings
    from foryou.platform import spark
    from foryou.platform.lake import Lake
    from foryou.publishing.reader import require_lake

    require_lake(lake)
    print("starting Spark: about ten seconds", file=sys.stderr, flush=True)
    log = Path(lake).absolute() / "_logs" / "notebook.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    session = spark.session(settings.load(*conf).spark, "foryou notebook", log)
    return session, Lake(lake, session)
