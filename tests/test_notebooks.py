"""The notebooks run from top to bottom on the lake of a night."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from foryou.settings import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_something(nights, monkeypatch, path):
    monkeypatch.setenv("FORYOU_LAKE", str(nights.lake.root))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in shown) >= 2
    assert any("US" in str(output) or "popular" in str(output) for output in shown)
