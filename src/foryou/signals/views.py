"""Views: all that a viewer did with a video on one day, and what it is worth (DESIGN §7, signals)."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from foryou.settings import Views

_NEEDED = ("viewer", "video", "kind", "happened_at", "event_id", "watched_ms", "duration_ms", "propensity")


def dense(events: DataFrame, viewer_ids: DataFrame, video_ids: DataFrame) -> DataFrame:
    """The events with `viewer` and `video`, without those that name no video or one that the catalogue lacks."""
    met = events.where(F.col("video_id").isNotNull())
    videos = F.broadcast(video_ids.select("video_id", "video"))
    named = met.join(videos, on="video_id", how="inner")
    return named.join(viewer_ids.select("viewer_id", "viewer"), on="viewer_id", how="inner")


def posts(events: DataFrame) -> DataFrame:
    """One row per viewer and video that the day's dense events say was posted."""
    return events.where(F.col("kind") == "post").select("viewer", "video").distinct()


def mark_own(events: DataFrame, posts: DataFrame) -> DataFrame:
    """What is needed of the dense events, and `own`: the viewer ever posted the video, or is named as its creator."""
    posted = posts.select("viewer", "video", F.lit(True).alias("posted")).distinct()
    named = F.coalesce(F.col("viewer_id") == F.col("creator_id"), F.lit(False))
    marked = events.join(posted, on=["viewer", "video"], how="left")
    return marked.withColumn("own", F.col("posted").isNotNull() | named).select(*_NEEDED, "own")


def fold(placed: DataFrame) -> DataFrame:
    """One row per viewer and video met that day: what was done, and how much of it was watched.

    `placed` are the dense events in their order (`turn`), with `today`, `own` and, for plays, their place in the
    session.
    """
    return _folded(placed.where("today"))


def build(folded: DataFrame, settings: Views) -> DataFrame:
    """One row per viewer and video met that day, as `views` has it; `folded` has `quantile` too.

    Points: `10 rewatch + 8 completion·length + 6 share + 5 follow + 4 comment + 3 save + 2 like` for a good watch,
    each at most once a day; a skip, `not_interested` and `report` have their negative points; the rest is seen
    with 0, and so are one's own videos.
    """
    good = _marked(folded, settings)
    scored = good.withColumn("points", _points(settings).cast("float"))
    # Only now: as a float, nine tenths would be less than .9.
    scored = scored.withColumn("completion", F.col("completion").cast("float"))
    return scored.drop("longest_ms", "first_ms", "half_plays", "refused", "reported")


def pairs(events: DataFrame, viewer_ids: DataFrame, video_ids: DataFrame) -> DataFrame:
    """One row per viewer and video met that day, whatever counts of it; dense ids."""
    met = events.where(F.col("video_id").isNotNull()).select("viewer_id", "video_id")
    dense = met.join(F.broadcast(video_ids.select("video_id", "video")), on="video_id", how="inner").join(
        viewer_ids.select("viewer_id", "viewer"), on="viewer_id", how="inner"
    )
    return dense.select("viewer", "video").distinct()


def _folded(events: DataFrame) -> DataFrame:
    play = F.col("kind") == "play"
    watched = F.when(play, F.col("watched_ms"))
    in_session = F.when(F.col("session").isNotNull(), F.col("turn"))
    return events.groupBy("viewer", "video").agg(
        F.count_if(play).cast("int").alias("plays"),
        F.least(F.coalesce(F.sum(watched), F.lit(0)), F.lit(2**31 - 1)).cast("int").alias("watched_ms"),
        F.max(watched).alias("longest_ms"),
        F.max("duration_ms").alias("duration_ms"),
        F.min_by("watched_ms", F.when(play, F.col("turn"))).alias("first_ms"),
        F.count_if(play & (2 * F.col("watched_ms") >= F.col("duration_ms"))).alias("half_plays"),
        _done("like", "unlike").alias("liked"),
        _done("share").alias("shared"),
        _done("comment").alias("commented"),
        _done("follow", "unfollow").alias("followed"),
        _done("save").alias("saved"),
        _done("not_interested").alias("refused"),
        _done("report").alias("reported"),
        F.min("propensity").cast("float").alias("propensity"),
        F.bool_or("own").alias("own"),
        F.min_by("position", in_session).alias("position"),
        F.min_by("scroll_s", in_session).cast("float").alias("scroll_s"),
    )


def _done(kind: str, undone: str | None = None) -> Column:
    """Whether the viewer did it and, if it can be taken back, did so last."""
    if undone is None:
        return F.bool_or(F.col("kind") == kind)
    last = F.max_by(F.col("kind") == kind, F.when(F.col("kind").isin(kind, undone), F.col("turn")))
    return F.coalesce(last, F.lit(False))


def _marked(folded: DataFrame, settings: Views) -> DataFrame:
    """With `completion`, `rewatched`, `skipped` and `good`."""
    watched_s, duration_s = F.col("watched_ms") / 1000, F.col("duration_ms") / 1000
    bound_s = F.least(F.lit(settings.skip_max_s), settings.skip_max_share * duration_s)
    short = (F.col("plays") > 0) & (watched_s < F.coalesce(bound_s, F.lit(settings.skip_max_s)))
    acted = F.col("liked") | F.col("shared") | F.col("commented") | F.col("followed") | F.col("saved")
    finished = (F.col("completion") >= settings.completion_good) & (watched_s >= settings.min_good_watched_s)
    # As floats, which is what the table holds.
    longer_than_most = F.col("quantile") >= F.lit(settings.quantile_good).cast("float")
    enjoyed = acted | F.coalesce(finished, F.lit(False)) | F.coalesce(longer_than_most, F.lit(False))
    share = F.col("longest_ms") / F.col("duration_ms")
    # Spark's `least` passes over nulls: an unknown duration would count as watched to the end.
    completion = F.when(share.isNotNull(), F.least(F.lit(1.0), share))
    return folded.withColumn("completion", completion).withColumns(
        {
            # More plays at least half through than the first one accounts for: one of them came later.
            "rewatched": F.coalesce(
                (F.col("watched_ms") >= 2 * F.col("duration_ms"))
                | (F.col("half_plays") > (2 * F.col("first_ms") >= F.col("duration_ms")).cast("int")),
                F.lit(False),
            ),
            "skipped": short & ~acted & ~F.col("own"),
            "good": ~short & enjoyed & ~F.col("refused") & ~F.col("reported") & ~F.col("own"),
        }
    )


def _points(settings: Views) -> Column:
    earned = (
        settings.points_rewatch * F.col("rewatched").cast("int")
        + settings.points_completion * F.coalesce("completion", F.lit(0.0)) * length(settings)
        + settings.points_share * F.col("shared").cast("int")
        + settings.points_comment * F.col("commented").cast("int")
        + settings.points_like * F.col("liked").cast("int")
        + settings.points_follow * F.col("followed").cast("int")
        + settings.points_save * F.col("saved").cast("int")
    )
    return (
        F.when(F.col("own"), 0.0)
        .when(F.col("reported"), settings.points_report)
        .when(F.col("refused"), settings.points_not_interested)
        .when(F.col("good"), earned)
        .when(F.col("skipped"), settings.points_skip)
        .otherwise(0.0)
    )


def length(settings: Views) -> Column:
    """`clip(log(1+d) / log(1+30 s), .5, 1.25)`: what it says to finish a video of d seconds; 1 if unknown."""
    seconds = F.col("duration_ms") / 1000
    relative = F.log1p(seconds) / F.log1p(F.lit(float(settings.length_reference_s)))
    clipped = F.greatest(F.lit(settings.length_min), F.least(F.lit(settings.length_max), relative))
    return F.coalesce(F.when(seconds.isNotNull(), clipped), F.lit(1.0))
