"""Reading published tables without a JVM: one consistent release, one viewer at a time.

>>> import foryou.publishing.reader as reader                       # doctest: +SKIP
>>> release = reader.open("demo/lake")                              # doctest: +SKIP
>>> [item.video_id for item in release.feed("u000017", k=3)]        # doctest: +SKIP
['v000412', 'v001077', 'v000031']
"""

from __future__ import annotations

import builtins
import re
from bisect import bisect_left
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from foryou import secret, tables
from foryou.contract import ID_PATTERN, Table
from foryou.errors import InputMissing
from foryou.feeds.reasons import in_words
from foryou.publishing.stored import readable, whole

STALE_AFTER_DAYS = 2


@dataclass(frozen=True)
class Item:
    """One video of a list. `sources` names who found it; `reason` is a code with its object, see `words`.

    `topic` is what a starter is about: the step to the next slate.
    """

    video_id: str
    score: float
    sources: tuple[str, ...] = ()
    reason: str = ""
    reason_value: float | None = None
    propensity: float | None = None
    topic: str = ""

    def words(self, language: str | None = None, titles: dict[str, str] | None = None) -> str:
        """The reason as a sentence; `titles` names videos by their captions."""
        return in_words(self.reason, language, titles, self.reason_value)


@dataclass(frozen=True)
class Release:
    """One row of `releases`: what is being read."""

    release_id: str
    day: date
    state: str
    status: str
    published_at: datetime
    contract_version: int
    model_version: str
    tables: dict[str, int]
    counts: dict[str, int]

    def stale(self, now: datetime | None = None, after_days: int = STALE_AFTER_DAYS) -> bool:
        """Whether the release's day ended longer ago than it should have."""
        return ((now or datetime.now(UTC)).date() - self.day).days > after_days


@dataclass
class Reader:
    """The published tables of one release. Safe to keep open: later nights do not change what it reads."""

    lake: Path
    release: Release
    _tables: dict[str, _Sorted] = field(default_factory=dict)

    def feed(
        self,
        viewer_id: str | None = None,
        k: int = 100,
        *,
        device_id: str | None = None,
        country: str | None = None,
        language: str | None = None,
        referrer: str | None = None,
        age_band: str | None = None,
    ) -> list[Item]:
        """The viewer's first k videos; someone unknown gets the starters of the segment, then what is popular there.

        `referrer`, the app that they came from, and `age_band` choose a variant of the starters where there is one.
        Raises ValueError for a k below 1.
        """
        if k < 1:
            raise ValueError(f"k is a number of videos, not {k}")
        row = self._row("feeds", viewer_id or _device(device_id))
        if row is not None:
            return [_item(each) for each in row["items"][:k]]
        segment = f"{country or '*'}:{language or '*'}"
        start = self.starters(segment, referrer=referrer, age_band=age_band)
        first = {item.video_id for item in start}
        return [*start, *(item for item in self.popular(segment) if item.video_id not in first)][:k]

    def starters(
        self,
        segment: str = tables.EVERYWHERE,
        path: str = "",
        *,
        referrer: str | None = None,
        age_band: str | None = None,
    ) -> list[Item]:
        """The slate of eight for someone unknown; `path` are the topics watched so far: `cooking`, `cooking>pets`.

        Up the ladder `US:en`, `*:en`, `*:*` where the segment has no slates, and on each rung the variant of the
        referrer, else of the age band, before the plain one. Empty where a path ends.
        """
        told = [f"@{kind}={value}" for kind, value in (("referrer", referrer), ("age_band", age_band)) if value]
        asked = tables.starting_rungs(segment, told)
        own = next((name for name in asked if (name, "") in self._starters), None)
        return self._starters.get((own, path), []) if own else []

    def knows(self, viewer_id: str) -> bool:
        """Whether the viewer has a feed of their own here; who has none gets the list of someone unknown."""
        return self._row("feeds", viewer_id) is not None

    def candidates(self, viewer_id: str) -> list[Item]:
        """Up to 200 candidates, best first; empty for someone unknown."""
        return _items(self._row("candidates", viewer_id))

    def similar(self, video_id: str, k: int = 100) -> list[Item]:
        """The k videos nearest in content; empty for an unknown video, and for one like which there is none."""
        return _items(self._row("similar", video_id))[:k]

    def popular(self, segment: str = tables.EVERYWHERE) -> list[Item]:
        """What the segment watches; up the ladder `US:en`, `*:en`, `*:*` where it has no list of its own."""
        own = next((name for name in tables.ladder(segment) if name in self._popular), None)
        return self._popular[own] if own else []

    def explain(self, viewer_id: str, video_id: str, language: str | None = None) -> dict[str, Any]:
        """Why the video stands where it does for this viewer, or why it does not: see `explain.explained`.

        Rests on the working tables of the release's day as far as the lake still keeps them; of someone who has opted
        out or asked to be erased, by the newest night, nothing is told.
        """
        from foryou.publishing import explain  # its numeric parts take a while that readers of a feed need not wait

        lists = {name: _items(self._row(name, viewer_id)) for name in ("feeds", "candidates")}
        return explain.explained(self.lake, self.release.day, viewer_id, video_id, lists, language) | {
            "release": self.release.release_id
        }

    @cached_property
    def _popular(self) -> dict[str, list[Item]]:
        found: dict[str, list[Item]] = {}
        for row in self._whole("popular").sort_by([("segment", "ascending"), ("rank", "ascending")]).to_pylist():
            item = Item(row["video_id"], row["score"], ("popular",), row["reason"])
            found.setdefault(row["segment"], []).append(item)
        return found

    @cached_property
    def _starters(self) -> dict[tuple[str, str], list[Item]]:
        """Slates by segment and path; none in a release from before there were any."""
        found: dict[tuple[str, str], list[Item]] = {}
        if "starters" not in self.release.tables:
            return found
        for row in self._whole("starters").sort_by("slot").to_pylist():
            item = Item(row["video_id"], row["score"], ("starting",), row["reason"], topic=row["topic"])
            found.setdefault((row["segment"], row["path"]), []).append(item)
        return found

    def _row(self, name: str, key: str | None) -> dict[str, Any] | None:
        if key is None or not re.match(ID_PATTERN, key):  # no table holds such an id
            return None
        with readable(name, self.lake):
            if name not in self._tables:
                table = DeltaTable(str(_path(self.lake, name)), version=self.release.tables[name])
                self._tables[name] = _Sorted.open(table, _KEYS[name])
            return self._tables[name].row(key)

    def _whole(self, name: str) -> pa.Table:
        with readable(name, self.lake):
            return whole(_path(self.lake, name), version=self.release.tables[name])


@dataclass(frozen=True)
class _Sorted:
    """A table sorted by its key over files and row groups: a look-up reads one row group."""

    key: str
    lasts: list[str]
    groups: list[tuple[pq.ParquetFile, int]]

    @classmethod
    def open(cls, table: DeltaTable, key: str) -> _Sorted:
        """Reads the footers: the last key of each row group."""
        found: list[tuple[str, pq.ParquetFile, int]] = []
        for path in table.file_uris():
            file = pq.ParquetFile(unquote(path))
            place = file.schema_arrow.get_field_index(key)
            lasts = (
                file.metadata.row_group(group).column(place).statistics.max for group in range(file.num_row_groups)
            )
            found.extend((last, file, group) for group, last in enumerate(lasts))
        found.sort(key=lambda each: each[0])
        return cls(key, [last for last, _, _ in found], [(file, group) for _, file, group in found])

    def row(self, key: str) -> dict[str, Any] | None:
        place = bisect_left(self.lasts, key)
        if place == len(self.lasts):
            return None
        file, group = self.groups[place]
        rows = file.read_row_group(group, columns=[self.key, "items"], use_threads=False)
        found = pc.index(rows[self.key], pa.scalar(key)).as_py()
        return None if found < 0 else rows.slice(found, 1).to_pylist()[0]


_KEYS = {"feeds": "viewer_id", "candidates": "viewer_id", "similar": "video_id"}


def open(lake: Path | str, release: str | None = None) -> Reader:  # the verb of the contract
    """Opens the live release, or the one named. Raises InputMissing if there is none."""
    rows = releases(lake)
    found = [row for row in rows if (row.release_id == release if release else row.state == "live")]
    if not found:
        raise InputMissing(
            "releases",
            wanted=f"the release {release}" if release else "a live release",
            found=", ".join(row.release_id for row in rows[-5:]) or f"no release in {lake}",
            next_step="`foryou releases` lists what there is; `foryou nightly` makes one",
        )
    return Reader(Path(lake), found[0])


def releases(lake: Path | str) -> builtins.list[Release]:
    """Every release of the lake, oldest day first; empty if nothing was ever published.

    Raises InputMissing where there is no lake, and ContractBroken where its releases cannot be read.
    """
    require_lake(lake)
    with readable("releases", lake):
        path = Path(lake) / tables.RELEASES.path
        if not DeltaTable.is_deltatable(str(path)):
            if next(path.rglob("*.parquet"), None):
                raise FileNotFoundError("its folder `_delta_log` is gone")
            return []
        rows = whole(path).sort_by([("day", "ascending"), ("published_at", "ascending")])
    known = [each.name for each in fields(Release)]  # columns may be added within a version of the contract
    maps = ("tables", "counts")
    return [Release(**(row | {name: dict(row[name]) for name in maps})) for row in rows.select(known).to_pylist()]


def require_lake(lake: Path | str) -> None:
    """Raises InputMissing where there is none: nothing, a file, or a folder in which no night has ever begun."""
    root = Path(lake)
    found = "a folder that is no lake" if root.is_dir() else "a file" if root.exists() else "nothing"
    if not root.is_dir() or not any((root / name).is_dir() for name in ("_locks", "_nights", "published")):
        raise InputMissing(
            "lake",
            wanted="the root of a lake, a folder",
            found=f"{found} at {lake}",
            next_step="check the path (--lake or FORYOU_LAKE); `foryou nightly` makes a lake",
        )


def _path(lake: Path, name: str) -> Path:
    table: Table = next(table for table in tables.PUBLISHED if table.name == name)
    return lake / table.path


def _item(row: dict[str, Any]) -> Item:
    bits = row.get("sources") or 0
    names = tuple(name for place, name in enumerate(tables.SOURCES) if bits >> place & 1)
    told = {name: row[name] for name in ("reason", "reason_value", "propensity") if name in row}
    return Item(row["video_id"], row["score"], names, **told)


def _items(row: dict[str, Any] | None) -> list[Item]:
    return [_item(each) for each in row["items"]] if row else []


def _device(device_id: str | None) -> str | None:
    """The name that a device's events have before sign-up. Raises InputMissing where its salt is not at hand."""
    return secret.device_name(device_id, secret.salt()) if device_id else None
