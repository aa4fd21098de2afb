"""What people see in the terminal: progress by step, the closing table, feeds in words."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from foryou import steps
from foryou.contract import Table as Contract
from foryou.plain_text import plain_text
from foryou.publishing.reader import STALE_AFTER_DAYS, Item, Release

_UNCUT = 1_000
"""Columns where no person looks, as in a file or a pipe: nothing is wrapped or cut there."""


def _width() -> int | None:
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else _UNCUT


console = Console(highlight=False, width=_width())
beside = Console(highlight=False, stderr=True)
"""For words while standard output is kept for one JSON document."""
_STILL_AT_IT_S = 4.0
_STEPS_A_LINE = 5
_CAPTION = 48
_WORTH_TELLING_S = 0.1


class Progress:
    """Told of steps as they start and end; says so again every few seconds while one is at work."""

    def __init__(self, to: Console = console) -> None:
        self._to = to
        self._at: tuple[str, float] | None = None

    def __call__(self, day: date, step: str, entry: dict[str, Any] | None) -> None:
        if entry is None:
            self._at = (f"{day} {step}", time.monotonic())
            return
        self._at = None
        if entry["state"] == "failed":
            self._to.print(f"  [red]✗[/] {day} {step}")
            return
        mark = "[green]✓[/]" if entry["state"] == "ok" else "[yellow]![/]"
        self._to.print(f"  {mark} {day} {step:<18} {entry['seconds']:6.1f} s  ", Text(_brief(entry["notes"])))

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
            if self._at:
                name, since = self._at
                self._to.print(f"    [dim]{name}: at work for {time.monotonic() - since:.0f} s[/]")


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
    table.add_row("seconds", f"{summary['seconds']:.1f}: " + _seconds(summary))
    for reason in summary["degraded"]:
        table.add_row("[yellow]degraded[/]", Text(reason))
    for check in summary["overrides_unused"]:
        table.add_row("[yellow]not needed[/]", Text(f"the override of '{plain_text(check)}': no such check failed"))
    console.print(table)


def feed(
    items: list[Item],
    release: Release,
    title: str,
    catalogue: dict[str, str],
    language: str | None,
    aside: str | None = None,
) -> None:
    """A list with captions and scores, and reasons in words where it has any; `aside` is said beside its release."""
    reasons = any(item.reason for item in items)
    if not items:
        console.print("[dim]nothing: no video is near enough in content[/]")
    table = Table(title=Text(plain_text(title)), title_justify="left")
    for name in ("", "video", "caption", "score", *(["why"] if reasons else [])):
        table.add_column(name, overflow="fold")
    for place, item in enumerate(items, start=1):
        caption = Text(cut(catalogue.get(item.video_id, "")))
        why = [Text(item.words(language, catalogue))] if reasons else []
        table.add_row(str(place), Text(item.video_id), caption, f"{item.score:.2f}", *why)
    console.print(table)
    stale = f"stale: its day ended more than {STALE_AFTER_DAYS} days ago" if release.stale() else ""
    said = stale if aside is None else aside
    console.print(f"[dim]release {release.release_id}{f' ({said})' if said else ''}[/]")


def explained(told: dict[str, Any]) -> None:
    """Why a video stands in somebody's lists or does not, a line for each thing known."""
    for line in told["lines"]:
        console.print(Text(line))
    console.print(f"[dim]release {told['release']}[/]")


def releases(reader_rows: list[Release]) -> None:
    """One release a line; its day is the beginning of its id, which is never cut."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("release", no_wrap=True, min_width=max((len(row.release_id) for row in reader_rows), default=0))
    for name in ("state", "status", "viewers", "published (UTC)", "model"):
        table.add_column(name, overflow="fold")
    for row in reader_rows:
        viewers = f"{row.counts['feeds']:,}"
        published = f"{row.published_at:%Y-%m-%d %H:%M}"
        table.add_row(row.release_id, row.state, row.status, viewers, published, row.model_version)
    console.print(table)


def heading(text: str) -> None:
    """A line across the terminal, or a plain one where there is none."""
    if console.is_terminal:
        console.rule(text)
    else:
        console.print(f"== {text}")


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
    print(json.dumps(content, default=lambda value: value.isoformat() if isinstance(value, date) else str(value)))


def captions(videos: pa.Table) -> dict[str, str]:
    """Captions by video id, without what would steer a terminal or turn the direction of a line."""
    plain = (plain_text(text or "") for text in videos["caption"].to_pylist())
    return dict(zip(videos["video_id"].to_pylist(), plain, strict=True))


def cut(text: str) -> str:
    """The beginning of a caption, up to the end of a word if one ends in its second half."""
    if len(text) <= _CAPTION:
        return text
    head = text[:_CAPTION]
    space = head.rfind(" ")
    return f"{head[:space] if space > _CAPTION // 2 else head[:-1]}…"


def _brief(notes: dict[str, Any]) -> str:
    plain = {name: value for name, value in notes.items() if isinstance(value, int | float | str)}
    return ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in [*plain.items()][:4])


def _figure(value: float | str) -> str:
    if isinstance(value, bool | str):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _covered(told: dict[str, Any]) -> str:
    covered, of = told["report"].get("videos_covered"), told["report"].get("videos_that_may_be_shown")
    return f"{covered:,} of {of:,} that may be shown" if of else "none"


def _quality(notes: dict[str, Any]) -> str:
    measures = ("auc_exposed", "recall@20", "ndcg@20", "recall@100")
    both = [(name, notes.get(f"factors {name}"), notes.get(f"popularity {name}")) for name in measures]
    told = [f"{name} {ours:.3f} (popularity {theirs:.3f})" for name, ours, theirs in both if ours is not None]
    return "\n".join(told) or "nothing to judge on the first night"


def _seconds(summary: dict[str, Any]) -> str:
    """All that adds up to the night's seconds: the start of Spark and the earlier days come before the steps."""
    told, earlier = summary["steps"], len(summary["built_days"])
    parts = [("starting Spark", summary["to_start_spark"])] if summary["to_start_spark"] >= _WORTH_TELLING_S else []
    if earlier:
        parts.append((f"{earlier} earlier {'day' if earlier == 1 else 'days'}", told["build_missing_days"]["seconds"]))
    parts += [(step.name, told[step.name]["seconds"]) for step in steps.STEPS if step.name in told]
    words = [f"{name} {seconds:.1f}" for name, seconds in parts]
    lines = [words[first : first + _STEPS_A_LINE] for first in range(0, len(words), _STEPS_A_LINE)]
    return ",\n".join(map(", ".join, lines))
