"""How commands end badly: in one clear sentence with the right exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from foryou import screen
from foryou.errors import ForYouError, of_system


@contextmanager
def stops() -> Iterator[None]:
    """Ctrl-C, and a polite `kill`, end a night with a word on what is left of it."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        print(
            "stopped: what was published before stays live; the same command goes on where this one ended",
            file=sys.stderr,
        )
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def errors(json: bool) -> Iterator[None]:
    """One clear message and the right exit code for the failures that a person can act on."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever reads our output has had enough
    except (ForYouError, OSError) as error:
        told = of_system(error) if isinstance(error, OSError) else error
        if json:
            screen.as_json(told.as_dict())
        print(told, file=sys.stderr)
        raise typer.Exit(told.exit_code) from error
