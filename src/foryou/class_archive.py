"""An archive of the classes that Spark loads as it starts, made at set-up: every process that maps it starts sooner.

Java calls it application class-data sharing. An archive of other JARs or of another Java is passed over by the JVM,
as is a missing one: all that is lost then are the seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyspark.sql import functions as F

from foryou import settings
from foryou.platform import spark
from foryou.spark_configuration import ARCHIVE, delta_jars


def make(archive: Path = ARCHIVE) -> bool:
    """Makes the archive, whole or not at all; False if there is one of this Java and these JARs already."""
    note, made_of = archive.with_suffix(".txt"), _made_of()
    if archive.is_file() and note.is_file() and note.read_text(encoding="utf-8") == made_of:
        return False
    print("making an archive of Spark's classes, 180 MB: half a minute that each start of Spark is then spared 4 s of")
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".archive-") as scratch:
        fresh = Path(scratch) / archive.name
        environment = os.environ | {"SPARK_SUBMIT_OPTS": f"-XX:ArchiveClassesAtExit={fresh} -Xlog:cds*=off"}
        # The pipe ends with the last that holds it: the JVM, which writes the archive after Python has gone.
        command = [sys.executable, "-m", "foryou.class_archive", scratch]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if not fresh.is_file():
            print(f"there is none; Spark starts as it always did. {(said.stderr.splitlines() or [''])[-1]}")
            return False
        fresh.replace(archive)
    note.write_text(made_of, encoding="utf-8")
    return True


def _made_of() -> str:
    version = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False).stderr
    return "\n".join([version, *(path.name for path in delta_jars())])


def java() -> Path:
    """The `java` that Spark starts."""
    home = os.environ.get("JAVA_HOME")
    return Path(home) / "bin" / "java" if home else Path("java")


def rehearse(scratch: Path) -> None:
    """What every night does first: workers that take Arrow, and Parquet written, read and counted."""
    session = spark.session(settings.load().spark, "rehearsal", scratch / "spark.log")
    session.range(0, 2, 1, 2).mapInArrow(_counted, "rows bigint").collect()
    session.createDataFrame([("a", 1.0, [1])], "name string, size double, parts array<int>").toArrow()
    session.range(100).selectExpr("id", "string(id) AS name").write.parquet(str(scratch / "rows"))
    rows = session.read.schema("id bigint, name string").parquet(str(scratch / "rows"))
    odd = F.count_if(F.col("name").rlike("[^0-9]"))
    counts = rows.agg(F.array(F.count(F.lit(1)), odd, F.count_distinct(F.struct("id", "name"))).alias("numbers"))
    counts.unionAll(counts).collect()
    session.stop()


def _counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"rows": [batch.num_rows]})


if __name__ == "__main__":
    rehearse(Path(sys.argv[1])) if sys.argv[1:] else make()
