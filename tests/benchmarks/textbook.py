"""Reference a: the textbook Spark pipeline, as tutorials write it.

read.json, dropDuplicates, points, StringIndexer-like ids, MLlib ALS (implicit, 64 factors, 10 iterations),
`recommendForAllUsers(200)`, anti-join of what was seen, Delta. Lists come out shorter than 200, because what was
seen is taken away after the best 200 were found. It imports nothing of the product.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tests.benchmarks.simple import DAILY, FIELDS, FINE, POINTS, event_files
from tests.benchmarks.steps import Steps, say

FACTORS, ITERATIONS, LENGTH = 64, 10, 200
ALPHA, REGULARIZATION = 1.0, 0.1
"""MLlib's defaults."""


def main() -> None:
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    steps = Steps(arguments.out / "steps.json")
    with steps.step("start Spark"):
        spark = session(arguments.memory_gb, arguments.out)
    with steps.step("read, weigh"):
        pairs = read_pairs(spark, event_files(arguments.landing, arguments.until)).cache()
        pairs.createOrReplaceTempView("pairs")
        steps.note(pairs=pairs.count())
    with steps.step("index ids"):
        numbered = number(pairs).cache()
        viewers = numbered.select("viewer").distinct().count()
    with steps.step("train"):
        model = train(numbered)
    sampled = in_sample(numbered, arguments.sample)
    some = sampled.select("viewer").distinct().cache()
    steps.note(viewers=viewers, viewers_served=some.count(), sample=arguments.sample)
    with steps.step("recommend, filter, write"):
        best = model.recommendForAllUsers(LENGTH) if arguments.sample == 1 else subset(model, some)
        unseen(best, numbered, sampled).write.format("delta").mode("overwrite").save(str(arguments.out / "lists"))
    say(f"done: {viewers:,} viewers")
    spark.stop()


def session(memory_gb: int, out: Path) -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    options = {
        "spark.master": "local[*]",
        "spark.driver.memory": f"{memory_gb}g",
        "spark.jars": ",".join(map(str, (Path(sys.prefix) / "jars").glob("delta-*.jar"))),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "16",
        "spark.local.dir": str(out / "spark"),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.appName("textbook")
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.setCheckpointDir(str(out / "checkpoints"))
    return spark


def read_pairs(spark: SparkSession, files: list[str]) -> DataFrame:
    """One row per viewer and video met: `viewer_id, video_id, points`."""
    schema = ", ".join(f"{name} {'STRING' if kind == 'VARCHAR' else kind}" for name, kind in FIELDS.items())
    lines = spark.read.schema(schema).json(files)
    lines.where(FINE).dropDuplicates(["event_id"]).createOrReplaceTempView("deduplicated")
    daily = spark.sql(DAILY)
    return daily.groupBy("viewer_id", "video_id").agg(F.expr(f"cast(sum({POINTS}) AS float)").alias("points"))


def number(pairs: DataFrame) -> DataFrame:
    """The pairs with dense integer ids, as MLlib wants them."""
    for name in ("viewer", "video"):
        ids = pairs.select(f"{name}_id").distinct().orderBy(f"{name}_id").rdd.zipWithIndex()
        named = ids.map(lambda row: (row[0][0], row[1])).toDF(f"{name}_id string, {name} bigint")
        pairs = pairs.join(named.withColumn(name, F.col(name).cast("int")), on=f"{name}_id", how="inner")
    return pairs


def train(numbered: DataFrame) -> ALSModel:
    als = ALS(
        rank=FACTORS,
        maxIter=ITERATIONS,
        regParam=REGULARIZATION,
        alpha=ALPHA,
        implicitPrefs=True,
        userCol="viewer",
        itemCol="video",
        ratingCol="points",
        seed=1,
    )
    return als.fit(numbered.where("points > 0"))


def in_sample(numbered: DataFrame, sample: int) -> DataFrame:
    """The pairs of one in `sample` viewers, by a hash of the id that any program can compute."""
    return numbered.where(F.crc32("viewer_id") % sample == 0)


def subset(model: ALSModel, some: DataFrame) -> DataFrame:
    return model.recommendForUserSubset(some, LENGTH)


def unseen(best: DataFrame, numbered: DataFrame, sampled: DataFrame) -> DataFrame:
    """One row per viewer: the best videos less those seen, best first."""
    flat = best.select("viewer", F.posexplode("recommendations").alias("rank", "item"))
    flat = flat.select("viewer", "rank", F.col("item.video").alias("video"), F.col("item.rating").alias("score"))
    left = flat.join(sampled.select("viewer", "video"), on=["viewer", "video"], how="left_anti")
    for name in ("viewer", "video"):
        left = left.join(numbered.select(name, f"{name}_id").distinct(), on=name, how="inner")
    item = F.struct("rank", "video_id", "score")
    listed = left.groupBy("viewer_id").agg(F.sort_array(F.collect_list(item)).alias("items"))
    return listed.select(
        "viewer_id", F.expr("items.video_id").alias("video_ids"), F.expr("items.score").alias("scores")
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--until", required=True, help="the last day that is read")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=1, help="recommend for one in so many viewers")
    parser.add_argument("--memory-gb", type=int, default=6)
    return parser.parse_args()


if __name__ == "__main__":
    main()
