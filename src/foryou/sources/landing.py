"""The landing door: one folder per day of raw files, and the manifest that says what has landed.

    LANDING/day=2026-03-01/events/part-0.jsonl
                           videos/part-0.jsonl
                           ...
                           _manifest.json

A day without its manifest has not landed. Row counts are compared by whoever parses the files; this file
checks what can be known without parsing: that each listed file is there and holds the very bytes listed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from foryou.errors import DataRejected, InputMissing

KINDS = ("events", "videos", "viewers", "follows", "controls")
FORMATS = ("jsonl", "jsonl.gz", "parquet")
MANIFEST = "_manifest.json"
CHUNK_BYTES = 4 << 20

_NAME = re.compile(rf"(?:{'|'.join(KINDS)})/(?=[A-Za-z0-9])[A-Za-z0-9._=+-]{{1,190}}\.(?:{'|'.join(FORMATS)})")
_NAME_IN_WORDS = (
    f"paths <kind>/<name>, a kind of {KINDS}, the name at most 190 letters, digits and ._=+-, a letter or digit "
    f"first, before an ending of {FORMATS}; Spark takes other names for patterns or passes over them"
)


@dataclass(frozen=True)
class LandedFile:
    """One file as its manifest lists it; a broken line is a row too."""

    path: Path
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class LandedDay:
    """A landed day: its listed files by kind (an empty list where there are none), and what lies unlisted.

    `manifest` is the digest of the manifest: another one is another landing of the day.
    """

    day: date
    folder: Path
    files: dict[str, list[LandedFile]]
    unlisted: tuple[str, ...] = ()
    manifest: str = ""

    def paths(self, kind: str) -> list[str]:
        """The files of one kind, as a reader wants them."""
        return [str(file.path) for file in self.files[kind]]

    def rows(self, kind: str) -> int:
        """How many rows the manifest promises for one kind."""
        return sum(file.rows for file in self.files[kind])


def landing_day(landing: Path, day: date) -> Path:
    """The folder of a day, whether it has landed or not."""
    return Path(landing) / f"day={day.isoformat()}"


def days(landing: Path) -> list[date]:
    """The days that have a manifest, oldest first; other folders are passed over."""
    manifests = (path for path in landing.glob(f"*/{MANIFEST}") if path.is_file())
    found = (re.fullmatch(r"day=((?:19[7-9]|2\d\d)\d-\d{2}-\d{2})", path.parent.name) for path in manifests)
    return sorted(day for match in found if match and (day := _date_or_none(match[1])))


# ---------------------------------------------------------------------------------------------- writing


def write_day(
    landing: Path,
    day: date,
    tables: Mapping[str, pl.DataFrame],
    *,
    format: str = "jsonl",
    parts: int = 1,
    raw_lines: Mapping[str, Sequence[bytes]] | None = None,
) -> Path:
    """Write one landing day and return its folder; the same day written again is replaced.

    `tables` maps kinds to frames; a kind left out gets no file. `parts` is the number of files of `events`;
    the other kinds get one each. `raw_lines` are appended as they are to a kind's last JSON file and counted
    as rows, broken or not. Datetimes without a zone are taken as UTC.

    Everything is written beside the day and renamed, so that a day is visible whole or not at all: a process
    killed between the two renames leaves the day absent, never half there.
    """
    if format not in FORMATS or set(tables) - set(KINDS):
        raise ValueError(f"kinds are {KINDS} and formats {FORMATS}, not {sorted(tables)} as {format!r}")
    folder = landing_day(landing, day)
    fresh, stale = (folder.with_name(f".{folder.name}.{word}") for word in ("writing", "replaced"))
    for leftover in (fresh, stale):
        shutil.rmtree(leftover, ignore_errors=True)
    listed: dict[str, dict[str, Any]] = {}
    for kind, frame in tables.items():
        extra = list((raw_lines or {}).get(kind, ()))
        listed |= _write_kind(fresh, kind, frame, format, parts if kind == "events" else 1, extra)
    fresh.mkdir(parents=True, exist_ok=True)
    manifest = {"day": day.isoformat(), "files": listed}
    (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    if folder.exists():
        folder.rename(stale)
    fresh.rename(folder)
    shutil.rmtree(stale, ignore_errors=True)
    return folder


def _write_kind(
    fresh: Path, kind: str, frame: pl.DataFrame, format: str, parts: int, extra: list[bytes]
) -> dict[str, dict[str, Any]]:
    """Write the files of one kind; their manifest entries by path."""
    if extra and format == "parquet":
        raise ValueError("raw lines need a JSON format")
    (fresh / kind).mkdir(parents=True)
    size = max(1, -(-frame.height // parts))
    slices = [frame.slice(start, size) for start in range(0, max(frame.height, 1), size)]
    listed = {}
    for number, piece in enumerate(slices):
        lines = extra if number == len(slices) - 1 else []
        path = fresh / kind / f"part-{number}.{format}"
        _write_file(path, piece, format, lines)
        listed[f"{kind}/{path.name}"] = {
            "rows": piece.height + len(lines),
            "bytes": path.stat().st_size,
            "sha256": _sha256(path),
        }
    return listed


def _write_file(path: Path, frame: pl.DataFrame, format: str, lines: list[bytes]) -> None:
    if format == "parquet":
        frame.write_parquet(path)
        return
    frame = frame.with_columns(_as_utc(frame.schema))
    with path.open("wb") as raw:
        # No name and no time in the gzip header: the same rows give the same bytes.
        out = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) if format == "jsonl.gz" else raw
        frame.write_ndjson(out)  # type: ignore[arg-type]
        out.writelines(line + b"\n" for line in lines)
        if out is not raw:
            out.close()


def _as_utc(schema: pl.Schema) -> list[pl.Expr]:
    """Milliseconds with a zone, so that JSON says `2026-03-01T09:30:00.250+00:00`."""
    naive = [name for name, kind in schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone is None]
    zoned = [name for name, kind in schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone]
    return [pl.col(name).dt.replace_time_zone("UTC").dt.cast_time_unit("ms") for name in naive] + [
        pl.col(name).dt.convert_time_zone("UTC").dt.cast_time_unit("ms") for name in zoned
    ]


# --------------------------------------------------------------------------------------------- checking


def check_day(landing: Path, day: date, kinds: Sequence[str] = KINDS) -> LandedDay:
    """The files of a landed day, each checked against the manifest byte for byte; of other `kinds` there are none.

    Raises `InputMissing` when the day, its manifest or a listed file is not there, and `DataRejected` when
    the manifest is malformed, names another day, a path outside or one that is not plain, or a file twice, or
    when a file has other bytes than it lists or is a gzip that ends early. Files beside the listed ones are named in
    `unlisted`, not read.
    """
    folder = landing_day(landing, day)
    _refuse_pattern(folder, day)
    entries, digest = _read_manifest(folder, day)
    files: dict[str, list[LandedFile]] = {kind: [] for kind in KINDS}
    for name, entry in sorted(entries.items()):
        if PurePosixPath(name).parent.name in kinds or kinds == KINDS:
            file = _listed(folder, day, name, entry)
            files[file.path.parent.name].append(file)
    _refuse_twice(day, [file for some in files.values() for file in some])
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        # Largest first, so that no thread is left alone with it at the end.
        every = sorted((file for some in files.values() for file in some), key=lambda file: -file.bytes)
        for _ in pool.map(lambda file: _check_bytes(file, day), every):
            pass
    return LandedDay(day, folder, files, _unlisted(folder, set(entries)), digest)


def _refuse_pattern(folder: Path, day: date) -> None:
    """Raises InputMissing for a folder whose name Spark would take for a pattern of others."""
    if set("*?[]{}\\") & set(str(folder)):
        raise InputMissing(
            "landing",
            day=day,
            wanted="a folder whose path has none of * ? [ ] { } \\, which Spark takes for patterns",
            found=str(folder),
            next_step="have days land in a folder of a plain name",
        )


def manifest_digest(manifest: bytes) -> str:
    """What tells one landing of a day from another."""
    return hashlib.sha256(manifest).hexdigest()


def _read_manifest(folder: Path, day: date) -> tuple[dict[str, dict[str, Any]], str]:
    """The manifest's entries by relative path, each of the agreed form, and the manifest's digest."""
    path = folder / MANIFEST
    if not path.is_file():
        found = "a folder without a manifest" if folder.is_dir() else "no such folder"
        raise InputMissing(
            "landing",
            day=day,
            wanted=str(path),
            found=found,
            next_step="wait for the export, or ask its owner",
        )
    try:
        content = path.read_bytes()
        manifest = json.loads(content, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError) as error:
        raise rejected(day, "a manifest in JSON", f"{path}: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise rejected(day, 'a manifest {"day": ..., "files": {...}}', f"another form in {path}")
    if manifest.get("day") != day.isoformat():
        raise rejected(day, f"a manifest of {day}", f"one of {str(manifest.get('day'))[:40]!r}")
    return manifest["files"], manifest_digest(content)


def _listed(folder: Path, day: date, name: str, entry: Any) -> LandedFile:
    """One manifest entry as a file inside the day's folder."""
    if not _NAME.fullmatch(name):
        raise rejected(day, _NAME_IN_WORDS, ascii(name[:120]))
    if not _well_formed(entry):
        raise rejected(day, "rows, bytes and sha256 for each file", f"{str(entry)[:120]} for {name}")
    path = folder / name
    if not path.is_file():
        raise InputMissing("landing", day=day, wanted=str(path), found="no such file", next_step="export the day again")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise rejected(day, "files inside the day's folder", f"{name} leads to {path.resolve()}")
    return LandedFile(path, entry["rows"], entry["bytes"], entry["sha256"])


def _refuse_twice(day: date, files: Sequence[LandedFile]) -> None:
    """Raises DataRejected where two names lead to one file, whose rows would count twice."""
    by_place: dict[Path, Path] = {}
    for file in files:
        other = by_place.setdefault(file.path.resolve(), file.path)
        if other != file.path:
            raise rejected(day, "each file listed once", f"{other.name} and {file.path.name}, which are one file")


def _well_formed(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    counts = (entry.get("rows"), entry.get("bytes"))
    digest = entry.get("sha256")
    return all(type(count) is int and count >= 0 for count in counts) and (
        isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) is not None
    )


def _check_bytes(file: LandedFile, day: date) -> None:
    """Raise `DataRejected` unless the file holds the bytes that the manifest lists, to their end."""
    size = file.path.stat().st_size
    if size != file.bytes:
        raise rejected(day, f"{file.bytes} bytes in {file.path}", f"{size} bytes")
    digest = _sha256(file.path)
    if digest != file.sha256:
        raise rejected(day, f"sha256 {file.sha256} for {file.path}", digest)
    if file.path.suffix == ".gz" and not _is_whole_gzip(file.path):
        raise rejected(day, f"a whole gzip in {file.path}", "one that is empty, damaged or ends early")


def _sha256(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole_gzip(path: Path) -> bool:
    """Whether every member inflates to its end. A cut file would otherwise be read as a shorter day."""
    whole = False
    try:
        with gzip.open(path) as file:
            while file.read(CHUNK_BYTES):
                pass
            whole = path.stat().st_size > 0
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False
    return whole


def _unlisted(folder: Path, listed: set[str]) -> tuple[str, ...]:
    """Files that lie in the day's folder without being in its manifest."""
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return tuple(sorted(present - listed - {MANIFEST}))


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, refused when it names something twice (the last would silently win)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name given twice")
    return found


def _date_or_none(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def rejected(day: date, wanted: str, found: str) -> DataRejected:
    """The error of a landed day that has to be exported again."""
    return DataRejected("landing", day=day, wanted=wanted, found=found, next_step="export the day again")
