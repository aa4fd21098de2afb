"""The salt of device names: made once, read by whoever needs it, told to nobody."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from foryou import secret
from foryou.errors import ContractBroken, InputMissing


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(secret.VARIABLE, str(tmp_path / "new" / "secret.yaml"))
    return tmp_path / "new" / "secret.yaml"


def test_it_is_made_once_at_random_and_for_its_owner_alone(file, tmp_path):
    assert secret.create(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    salt = secret.salt()
    assert len(salt) == 64
    assert not secret.create(file) and secret.salt() == salt
    secret.create(tmp_path / "other.yaml")
    assert salt not in (tmp_path / "other.yaml").read_text()


def test_the_line_that_a_job_names_makes_it(file):
    with pytest.raises(InputMissing, match=r"`python -m foryou\.secret`") as missing:
        secret.salt()
    assert missing.value.exit_code == 3 and str(file) in str(missing.value)
    told = subprocess.run([sys.executable, "-m", "foryou.secret"], capture_output=True, text=True, check=True)
    assert told.stdout == f"made {file}\n" and secret.salt() not in told.stdout + told.stderr


@pytest.mark.parametrize("content", ["", "salt:", "salt: short-canary", "salt: [canary", "- canary", "pepper: canary"])
def test_another_content_is_refused_without_being_told(file, content):
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(ContractBroken) as broken:
        secret.salt()
    assert "canary" not in str(broken.value) and str(file) in str(broken.value)


def test_names_of_devices_tell_devices_and_salts_apart():
    names = {secret.device_name(device, salt) for device in ("phone", "phone 2") for salt in ("a" * 32, "b" * 32)}
    assert len(names) == 4
    assert all(name.startswith("device-") and len(name) == 31 for name in names)


def test_its_digest_tells_salts_apart_and_holds_nothing_of_them():
    digests = {secret.digest("a" * 32), secret.digest("b" * 32)}
    assert len(digests) == 2 and all(len(digest) == 12 for digest in digests)
    assert not any(secret.device_name("", salt * 32).endswith(secret.digest(salt * 32)) for salt in "ab")


def test_the_file_of_a_checkout_is_no_part_of_the_repository(monkeypatch):
    monkeypatch.delenv(secret.VARIABLE)
    ignored = subprocess.run(["git", "check-ignore", secret.path()], cwd=secret.CONF, capture_output=True, check=False)
    assert ignored.returncode in (0, 128), "not in .gitignore"  # 128: no checkout of git
    assert os.fspath(secret.path()).endswith("conf/secret.yaml")
