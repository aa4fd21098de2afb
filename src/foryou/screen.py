"""What people see in the terminal: progress by step, the closing table, feeds in words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from foryou import steps
from foryou.contract import Table as Contract
from foryou.plain_text import plain_text
from foryou.publishing.reader import STALE_AFTER_DAYS, Item, Reader

console = Console(highlight=False)
_STILL_AT_IT_S = 4.0


class Progress:
    """Told of steps as they start and end; says so again every few seconds while one is at work."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._at: tuple[str, float] | None = None

    def __call__(self, day: date, step: str, entry: dict[str, Any] | None) -> None:
        if entry is None:
            self._at = (f"{day} {step}", time.monotonic())
            return
        self._at = None
        if self._quiet:
            return
        if entry["state"] == "failed":
            console.print(f"  [red]✗[/] {day} {step}")
            return
        mark = "[green]✓[/]" if entry["state"] == "ok" else "[yellow]![/]"
        console.print(f"  {mark} {day} {step:<18} {entry['seconds']:6.1f} s  ", Text(_brief(entry["notes"])))

    @contextmanager
    def watching(self) -> Iterator[Progress]:
        """While open, a step that takes long is named again every few seconds."""
        ended = threading.Event()
        thread = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(_STILL_AT_IT_S):
            if self._at and not self._quiet:
                name, since = self._at
                console.print(f"    [dim]{name}: at work for {time.monotonic() - since:.0f} s[/]")


def closing(summary: dict[str, Any]) -> None:
    """The night in one table: what was read, who was served, how good it was, where the seconds went."""
    told = summary["steps"]
    events, published = told["build_events"], told["publish"]
    table = Table(title=f"Night of {summary['day']}: {summary['status']}", title_justify="left", show_header=False)
    table.add_row("rows read / rejected", f"{events['rows_read']:,} / {events['rows_rejected']:,}")
    table.add_row("viewers served", f"{published['viewers']:,}")
    table.add_row("videos covered", _covered(told))
    table.add_row("quality of yesterday's model", _quality(told["evaluate_factors"]))
    table.add_row("release", str(published["release"]))
    table.add_row("seconds", f"{summary['seconds']:.1f}: " + _seconds(told))
    for reason in summary["degraded"]:
        table.add_row("[yellow]degraded[/]", Text(reason))
    console.print(table)


def feed(items: list[Item], reader: Reader, title: str, catalogue: dict[str, str], language: str | None) -> None:
    """A feed with captions, scores and reasons in words."""
    table = Table(title=Text(plain_text(title)), title_justify="left")
    for name in ("", "video", "caption", "score", "why"):
        table.add_column(name, overflow="fold")
    for place, item in enumerate(items, start=1):
        caption = Text(catalogue.get(item.video_id, "")[:48])
        why = Text(item.words(language, catalogue))
        table.add_row(str(place), Text(item.video_id), caption, f"{item.score:.2f}", why)
    console.print(table)
    stale = f" (stale: its day ended more than {STALE_AFTER_DAYS} days ago)" if reader.release.stale() else ""
    console.print(f"[dim]release {reader.release.release_id}{stale}[/]")


def releases(reader_rows: list[Any]) -> None:
    table = Table()
    for name in ("release", "day", "state", "status", "viewers", "model", "published at"):
        table.add_column(name)
    for row in reader_rows:
        published = f"{row.published_at:%Y-%m-%d %H:%M} UTC"
        viewers = f"{row.counts['feeds']:,}"
        table.add_row(row.release_id, str(row.day), row.state, row.status, viewers, row.model_version, published)
    console.print(table)


def described(chosen: Sequence[Contract]) -> None:
    """Tables of the contract, one a line."""
    shown = Table()
    for name in ("table", "one row is", "what it is"):
        shown.add_column(name, overflow="fold")
    for table in chosen:
        shown.add_row(table.path, Text(table.one_row_is), Text(table.doc))
    console.print(shown)


def columns(chosen: Sequence[Contract]) -> None:
    """The columns of tables of the contract."""
    shown = Table()
    for name in ("table", "column", "type", "what it is"):
        shown.add_column(name, overflow="fold")
    for table in chosen:
        for column in table.columns:
            shown.add_row(table.path, column.name, Text(column.type), Text(column.doc))
    console.print(shown)


def as_json(content: Any) -> None:
    """For scripts: one JSON document on standard output."""
    print(json.dumps(content, default=str))


def captions(videos: pa.Table) -> dict[str, str]:
    """Captions by video id, without what would steer a terminal or turn the direction of a line."""
    plain = (plain_text(text or "") for text in videos["caption"].to_pylist())
    return dict(zip(videos["video_id"].to_pylist(), plain, strict=True))


def _brief(notes: dict[str, Any]) -> str:
    plain = {name: value for name, value in notes.items() if isinstance(value, int | float | str)}
    shown = [
        f"{name.replace('_', ' ')} {value:,}" if type(value) is int else f"{name.replace('_', ' ')} {value}"
        for name, value in plain.items()
    ]
    return ", ".join(shown[:4])


def _covered(told: dict[str, Any]) -> str:
    covered, of = told["report"].get("videos_covered"), told["report"].get("videos_shown")
    return f"{covered:,} of {of:,} that may be shown" if of else "none"


def _quality(notes: dict[str, Any]) -> str:
    measures = ("auc_exposed", "recall@20", "ndcg@20", "recall@100")
    both = [(name, notes.get(f"factors {name}"), notes.get(f"popularity {name}")) for name in measures]
    told = [f"{name} {ours:.3f} (popularity {theirs:.3f})" for name, ours, theirs in both if ours is not None]
    return "\n".join(told) or "nothing to judge on the first night"


def _seconds(told: dict[str, Any]) -> str:
    return ", ".join(f"{step.name} {told[step.name]['seconds']:.1f}" for step in steps.STEPS if step.name in told)
