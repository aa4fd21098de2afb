"""The kinds of failure that a person is expected to act on; everything else is a bug and keeps its traceback."""

from __future__ import annotations

from datetime import date


class ForYouError(Exception):
    """A failure with an address: which table and day, what was wanted, what was found, what to do next."""

    exit_code = 1
    headline = "failed"

    def __init__(
        self,
        table: str,
        *,
        wanted: str,
        found: str,
        next_step: str,
        day: date | None = None,
    ) -> None:
        self.table, self.day = table, day
        self.wanted, self.found, self.next_step = wanted, found, next_step
        super().__init__(self._text())

    def _text(self) -> str:
        where = f"{self.table}, day {self.day}" if self.day else self.table
        return f"{self.headline} ({where}): wanted {self.wanted}; found {self.found}. Next: {self.next_step}"

    def as_dict(self) -> dict[str, str | None]:
        """The same facts for `--json` and for the report."""
        return {
            "error": type(self).__name__,
            "table": self.table,
            "day": str(self.day) if self.day else None,
            "wanted": self.wanted,
            "found": self.found,
            "next_step": self.next_step,
        }


class InputMissing(ForYouError):
    """Something the step reads is not there."""

    exit_code = 3
    headline = "input missing"


class DataRejected(ForYouError):
    """The data is there and its content is refused."""

    exit_code = 4
    headline = "data rejected"


class ContractBroken(ForYouError):
    """A table, a file or a setting does not have the agreed form."""

    exit_code = 5
    headline = "contract broken"


class ModelRejected(ForYouError):
    """Tonight's model is refused and there is no earlier one to keep."""

    exit_code = 6
    headline = "model rejected"


class AlreadyRunning(ForYouError):
    """Another run holds the lake, or a newer attempt has taken over from this one."""

    exit_code = 7
    headline = "already running"


def of_system(error: OSError) -> InputMissing:
    """What the operating system refused: rights, room, a path that is gone."""
    place = error.filename if isinstance(error.filename, str) else "the files that the command needs"
    return InputMissing(
        "files",
        wanted=f"to read or write {place}",
        found=error.strerror or (str(error).splitlines() or [type(error).__name__])[0],
        next_step="see who may read and write there and how much room is left, then type the same command again",
    )


FINAL_EXIT_CODES = frozenset(kind.exit_code for kind in (InputMissing, DataRejected, ContractBroken, ModelRejected))
"""A retry cannot mend these: the input, the form or the model must change first."""
