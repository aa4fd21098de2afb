"""The files of KuaiRand as typed lazy frames: logs, user features, basic video features.

Data: Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with Randomly Exposed Videos",
CIKM 2022. Everything is read as text first, so that one bad cell is one unreadable row and not a stop.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from foryou.errors import ContractBroken, InputMissing

LOG_COLUMNS = ("user_id", "video_id", "time_ms", "play_time_ms", "duration_ms")
FLAGS = ("is_like", "is_follow", "is_comment", "is_forward", "is_hate", "is_profile_enter")
USER_COLUMNS = ("user_id", "register_days")
VIDEO_COLUMNS = (
    "video_id",
    "author_id",
    "upload_dt",
    "visible_status",
    "video_duration",
    "music_id",
    "tag",
)

MAIN_TABS = (0, 1)
"""The app's front page in two columns and in one. The data set's authors explain only these two, as the most
frequent values of `tab`; what 2 to 14 stand for is not published, so those become `other`."""

FIRST_MS, END_MS = 1_640_995_200_000, 1_672_531_200_000
"""2022 (UTC). The logs are of April and May 2022; one absurd clock would otherwise open a landing day."""

BEIJING_HOURS = 8


def log(path: Path) -> pl.LazyFrame:
    """One row per log row: whole numbers, flags as booleans, `random`, `surface`; `day` null if unreadable.

    A row is readable when user, video, time and play time are whole numbers, none negative, with the time in
    2022. `day` is the UTC day of `time_ms`; the column `date` (Beijing) is not read. A length that is missing
    or 0 is unknown: null. Subsets have `label` (1 like, 0 hate) in place of `is_like` and `is_hate`, and may
    lack `is_rand` and `tab`: then the file's name tells the random log, and the surface is `other`.
    """
    # No quoting: logs hold numbers only, and a stray quote would swallow the lines that follow it.
    rows, names = _open(path, quote=None)
    flags = {name: pl.col(name) for name in FLAGS}
    if "label" in names and not {"is_like", "is_hate"} & set(names):
        flags |= {"is_like": pl.col("label"), "is_hate": 1 - _whole("label")}
    needed = {column.meta.root_names()[0] for column in flags.values()} | set(LOG_COLUMNS)
    _require(path, names, needed)
    named_random = path.name.startswith("log_random")
    random = (_whole("is_rand") == 1).fill_null(named_random) if "is_rand" in names else pl.lit(named_random)
    main = _whole("tab").is_in(MAIN_TABS).fill_null(False) if "tab" in names else pl.lit(False)
    typed = rows.select(
        *(_whole(name).alias(name) for name in LOG_COLUMNS),
        *((_whole(column) == 1).fill_null(False).alias(name) for name, column in flags.items()),
        random=random,
        surface=pl.when(random).then(pl.lit("explore")).when(main).then(pl.lit("for_you")).otherwise(pl.lit("other")),
    )
    duration = pl.col("duration_ms")
    return typed.with_columns(
        day=pl.when(_is_readable()).then(pl.from_epoch("time_ms", time_unit="ms").dt.date()),
        duration_ms=pl.when(duration > 0).then(duration),
    )


def videos(path: Path) -> pl.LazyFrame:
    """One row per video of the catalogue, in the landing contract's columns; `video_id` is null if unreadable.

    `upload_dt` is a Beijing date: `uploaded_at` is the start of that day there, in UTC, and `uploaded_on` its
    UTC day. `tag` 39,68 gives the tags tag_39 and tag_68 and the category tag_39. Music 0 is no music. A
    `visible_status` of 0 or none is live (all of Pure); other codes are not published and taken as private.
    """
    rows, names = _open(path)
    _require(path, names, set(VIDEO_COLUMNS))
    start = pl.col("upload_dt").str.to_datetime("%Y-%m-%d", strict=False).dt.offset_by(f"-{BEIJING_HOURS}h")
    tags = pl.col("tag").str.extract_all(r"\d+").list.eval("tag_" + pl.element()).fill_null([])
    duration, music = _whole("video_duration"), _whole("music_id")
    return rows.select(
        _id("video_id"),
        creator_id=_whole("author_id").cast(pl.String),
        sound_id=pl.when(music > 0).then(music).cast(pl.String),
        category=tags.list.first(),
        tags=tags,
        duration_ms=pl.when(duration > 0).then(duration),
        uploaded_at=as_iso(start),
        status=pl.when(_whole("visible_status").fill_null(0) == 0).then(pl.lit("live")).otherwise(pl.lit("private")),
        uploaded_on=start.dt.date(),
    )


def users(path: Path) -> pl.LazyFrame:
    """One row per user: `user_id`, a number (null if unreadable), and `register_days`, null if unknown."""
    rows, names = _open(path)
    _require(path, names, set(USER_COLUMNS))
    return rows.select(_id("user_id"), _whole("register_days"))


def as_iso(moment: pl.Expr) -> pl.Expr:
    """A UTC datetime as text, `2022-04-10T08:59:09.287Z`."""
    return moment.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")


def _open(path: Path, quote: str | None = '"') -> tuple[pl.LazyFrame, list[str]]:
    """A file as lazy text columns, with its column names; commas or tabs, whichever its first line has."""
    if not path.is_file():
        raise InputMissing(
            "kuairand",
            wanted=str(path),
            found="no such file",
            next_step="check the path, or unpack the release",
        )
    with path.open("rb") as file:
        header = file.readline()
    if not header.strip():
        return pl.LazyFrame(), []
    rows = pl.scan_csv(
        path,
        separator="\t" if b"\t" in header else ",",
        quote_char=quote,
        infer_schema=False,
        truncate_ragged_lines=True,
        encoding="utf8-lossy",
    )
    return rows, rows.collect_schema().names()


def _require(path: Path, names: list[str], needed: set[str]) -> None:
    missing = sorted(needed - set(names))
    if missing:
        raise ContractBroken(
            path.name,
            wanted=f"the columns {', '.join(missing)}",
            found=", ".join(names)[:500] or "an empty file",
            next_step="give the official file, or one with these columns",
        )


def _whole(column: str | pl.Expr) -> pl.Expr:
    """A whole number out of text such as `87433` or `87433.0`; null where it is none."""
    text = pl.col(column) if isinstance(column, str) else column
    return text.cast(pl.String).str.strip_suffix(".0").cast(pl.Int64, strict=False)


def _id(column: str) -> pl.Expr:
    return pl.when(_whole(column) >= 0).then(_whole(column)).alias(column)


def _is_readable() -> pl.Expr:
    counts = [pl.col(name) >= 0 for name in ("user_id", "video_id", "play_time_ms")]
    return pl.all_horizontal(*counts, pl.col("time_ms").is_between(FIRST_MS, END_MS, closed="left"))
