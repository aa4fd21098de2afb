"""Set-up: Delta's JARs, and what a machine without Java hears."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from foryou.errors import ContractBroken, InputMissing
from foryou.platform import fetch_jars

ROOT = Path(__file__).resolve().parents[2]


def java_that_says(folder: Path, version: str) -> dict[str, str]:
    """An environment whose JAVA_HOME holds a `java` of that version."""
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return {**os.environ, "JAVA_HOME": str(folder)}


def make_java(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "java"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("version", "found"), [("1.8.0_402", "8"), ("11.0.22", "11"), ("16", "16")])
def test_an_old_java_is_named_with_the_line_that_installs_a_newer_one(tmp_path, version, found):
    told = make_java(java_that_says(tmp_path, version))
    assert told.returncode != 0
    assert f"found {found} " in told.stderr
    assert "apt-get install -y openjdk-17-jre-headless" in told.stderr
    assert "brew install openjdk@17" in told.stderr


def test_no_java_at_all_is_said_so(tmp_path):
    told = make_java({**os.environ, "JAVA_HOME": str(tmp_path)})
    assert told.returncode != 0
    assert "found none" in told.stderr


@pytest.mark.parametrize("version", ["17.0.15", "21.0.2", "25"])
def test_java_17_and_later_are_accepted_in_silence(tmp_path, version):
    told = make_java(java_that_says(tmp_path, version))
    assert (told.returncode, told.stderr) == (0, "")


def test_the_jars_are_those_of_the_pinned_packages():
    pins = dict(re.findall(r"^([a-z-]+)==(\S+)$", (ROOT / "requirements.in").read_text(), flags=re.MULTILINE))
    spark, delta = pins["pyspark"].rpartition(".")[0], pins["delta-spark"]
    assert set(fetch_jars.SHA256) == {f"delta-spark_{spark}_2.13-{delta}.jar", f"delta-storage-{delta}.jar"}
    assert f"io.delta:delta-spark_{spark}_2.13:{delta},io.delta:delta-storage:{delta}" == fetch_jars.PACKAGES


def test_jars_that_are_there_are_left_alone(tmp_path):
    for name in fetch_jars.SHA256:
        (tmp_path / name).write_text("ours")
    assert fetch_jars.fetch(tmp_path, tmp_path / "log") is False
    assert not (tmp_path / "log").exists()


def test_without_a_network_one_message_names_the_log_and_nothing_is_left(tmp_path, monkeypatch):
    nowhere = "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9"
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", nowhere)
    jars, log = tmp_path / "jars", tmp_path / "log"
    with pytest.raises(InputMissing, match=re.escape(str(log))) as refused:
        fetch_jars.fetch(jars, log)
    assert "\n" not in str(refused.value)
    assert list(jars.iterdir()) == []
    assert log.stat().st_size > 0


def test_a_jar_with_another_digest_is_refused(tmp_path):
    name = "delta-storage-4.4.0.jar"
    (tmp_path / f"io.delta_{name}").write_bytes(b"something else")
    with pytest.raises(ContractBroken, match="wanted delta-storage"):
        fetch_jars._found(tmp_path, name, tmp_path / "log")


def test_jars_of_another_version_do_not_stay_beside_these(tmp_path):
    for name in (*fetch_jars.SHA256, "delta-storage-4.3.0.jar", "mine.jar"):
        (tmp_path / name).touch()
    fetch_jars._remove_others(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*fetch_jars.SHA256, "mine.jar"}
