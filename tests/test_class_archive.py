"""The archive of Spark's classes: made once, mapped by every session, and nothing without it."""

import subprocess

import pytest

from foryou import class_archive
from foryou.spark_configuration import ARCHIVE, on_one_machine


def test_set_up_has_made_it_and_makes_no_second_one():
    assert ARCHIVE.is_file()
    assert class_archive.make() is False


def test_sessions_start_from_it(spark):
    machine = spark._jvm.java.lang.management.ManagementFactory.getRuntimeMXBean()
    assert f"-XX:SharedArchiveFile={ARCHIVE}" in list(machine.getInputArguments())


@pytest.mark.parametrize("content", [None, b"", b"another Java's"])
def test_java_passes_over_one_that_it_cannot_use_without_a_word(tmp_path, chosen, content):
    other = tmp_path / "spark.jsa"
    if content is not None:
        other.write_bytes(content)
    options = on_one_machine(chosen.spark)[1]["SPARK_SUBMIT_OPTS"].replace(str(ARCHIVE), str(other)).split()
    told = subprocess.run([class_archive.java(), *options, "-version"], capture_output=True, text=True, check=False)
    assert told.returncode == 0
    assert "cds" not in told.stderr
    assert "version" in told.stderr


def test_where_none_can_be_made_spark_starts_as_before(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "no java here"))
    monkeypatch.setattr(class_archive, "_made_of", lambda: "another Java")
    assert class_archive.make(tmp_path / "spark.jsa") is False
    assert "there is none; Spark starts as it always did" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
