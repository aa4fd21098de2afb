"""The steps of a reference program: told while they run, and left behind with their times."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Steps:
    """Collects one entry per step (epoch seconds) and writes them to `path` at the end of each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[dict[str, Any]] = []
        self.notes: dict[str, Any] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        say(name)
        started = time.time()
        yield
        self.entries.append({"step": name, "started_at": started, "finished_at": time.time()})
        self.path.write_text(json.dumps({"steps": self.entries, "notes": self.notes}))

    def note(self, **figures: Any) -> None:
        self.notes |= figures


def say(text: str) -> None:
    print(text, flush=True)
