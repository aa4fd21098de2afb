"""The secret that devices are named with: a salt in a file of its own, outside the lake and the repository.

    python -m foryou.secret     makes the file, with a random salt, if there is none (`make setup` does it)

A device's name in the log is a digest of the salt and the device's id: without the salt nobody can tell from the lake
whether a device they know was there. Whoever loses the salt loses that link too: every device is a stranger again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import yaml

from foryou.errors import ContractBroken, InputMissing
from foryou.settings import CONF

VARIABLE = "FORYOU_SECRETS"
"""The environment variable that names another file than `conf/secret.yaml`."""

_SHORTEST = 32
_LINE = "python -m foryou.secret"


def path() -> Path:
    """Where the secret lies."""
    return Path(os.environ.get(VARIABLE) or CONF / "secret.yaml")


def salt() -> str:
    """The salt. Raises InputMissing where there is no file and ContractBroken where it holds none."""
    file = path()
    if not file.is_file():
        raise InputMissing(
            "secret",
            wanted=f"the salt of device names in {file}",
            found="no such file",
            next_step=f"make it once with `{_LINE}` (or `make setup`), or name the one that the lake was built with "
            f"in {VARIABLE}: another salt makes every device a stranger",
        )
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        content = None  # what it says must not get into a message
    found = content.get("salt") if isinstance(content, dict) else None
    if not isinstance(found, str) or len(found) < _SHORTEST:
        raise ContractBroken(
            "secret",
            wanted=f"`salt: ...` of at least {_SHORTEST} characters in {file}",
            found="something else",
            next_step=f"put back the file, or remove it and make a new one with `{_LINE}`",
        )
    return found


def create(file: Path) -> bool:
    """Makes the file with a random salt, readable by its owner alone; whether it was missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(opened, "w", encoding="utf-8") as out:
        out.write("# The salt of device names: keep it out of the repository and the lake, and keep a copy.\n")
        out.write(f'salt: "{secrets.token_hex(32)}"\n')
    return True


def digest(salt: str) -> str:
    """Twelve hex digits that tell one salt from another and nothing else about it."""
    return hashlib.sha256(f"digest of {salt}".encode()).hexdigest()[:12]


def device_name(device_id: str, salt: str) -> str:
    """The name that a device's events have before sign-up, as `models/devices.py` gives it to whole columns."""
    return f"device-{hashlib.sha256((salt + device_id).encode(errors='surrogatepass')).hexdigest()[:24]}"


if __name__ == "__main__":
    print(f"made {path()}" if create(path()) else f"{path()} is there")
