"""The machine and the packages that a result was measured with; nothing that names the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("pyspark", "delta-spark", "deltalake", "implicit", "numpy", "scipy", "pyarrow", "polars", "duckdb", "numba")


def description() -> dict[str, Any]:
    """Cores, memory, processor model, versions."""
    memory_kb = int(_after(Path("/proc/meminfo").read_text(), "MemTotal:").split()[0])
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory_kb / (1 << 20), 1),
        "cpu": _after(Path("/proc/cpuinfo").read_text(), "model name\t:") or platform.machine(),
        "kernel": platform.release().split("-")[0],
        "java": _java(),
        "packages": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
    }


def _after(text: str, label: str) -> str:
    return next((line[len(label) :].strip() for line in text.splitlines() if line.startswith(label)), "")


def _java() -> str:
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    return told.split('"')[1] if '"' in told else "unknown"
