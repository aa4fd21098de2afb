"""Who may import whom, where import-linter cannot look: jobs and DAGs are no packages, the world is many files."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLAN = {f"foryou.{name}" for name in ("contract", "tables", "steps", "settings", "errors", "spark_configuration")}
JOBS = sorted((ROOT / "jobs").glob("*.py"))
DAGS = sorted((ROOT / "dags").glob("*.py"))
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ENGINES = {"pyspark", "mlflow", "great_expectations", "deltalake", "delta", "numpy", "pandas", "pyarrow", "implicit"}


def imported(text: str) -> set[str]:
    """Every module that a text imports, wherever: `from foryou import tables` is `foryou.tables`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = node.module == "foryou" or _is_package(node.module or "")
            found |= {f"{node.module}.{name.name}" for name in node.names} if whole else {node.module or "."}
    return found


def _is_package(module: str) -> bool:
    return (ROOT / "src" / Path(*module.split("."))).is_dir()


def ours(path: Path) -> set[str]:
    return {name for name in imported(path.read_text(encoding="utf-8")) if name.split(".")[0] == "foryou"}


def test_imports_are_found_in_every_form():
    text = "import os.path\nfrom foryou import tables as t\ndef f():\n    from foryou.platform import lake\n"
    text += "from foryou.platform.job import Run\n"
    assert imported(text) == {"os.path", "foryou.tables", "foryou.platform.lake", "foryou.platform.job"}


@pytest.mark.parametrize("job", JOBS, ids=lambda path: path.stem)
def test_a_job_reaches_the_outside_through_its_run(job):
    rim = {f"foryou.platform.{name}" for name in ("job", "checks", "tracking")}
    assert {name for name in ours(job) if name.startswith("foryou.platform")} <= rim
    assert not imported(job.read_text(encoding="utf-8")) & {"mlflow", "great_expectations", "deltalake", "delta"}


@pytest.mark.parametrize("job", JOBS, ids=lambda path: path.stem)
def test_a_job_imports_no_other_job_and_no_dag(job):
    siblings = {path.stem for path in JOBS + DAGS} | {"jobs", "dags"}
    assert not {name.split(".")[0] for name in imported(job.read_text(encoding="utf-8"))} & siblings


@pytest.mark.parametrize("dag", DAGS, ids=lambda path: path.stem)
def test_a_dag_imports_the_plan_airflow_and_its_own_files(dag):
    assert ours(dag) <= PLAN
    names = {name.split(".")[0] for name in imported(dag.read_text(encoding="utf-8"))}
    allowed = {"foryou", "airflow", "pendulum"} | {path.stem for path in DAGS} | set(sys.stdlib_module_names)
    assert names <= allowed
    assert not names & ENGINES


def test_only_the_command_line_and_simulations_may_import_the_world():
    may = {path for path in SOURCES if path.name.startswith("world") or path.name in ("cli.py", "demo.py")}
    may |= {path for path in SOURCES if path.parent.name == "simulation"}
    strangers = [path for path in SOURCES if path not in may]
    assert [path for path in strangers if any(name.startswith("foryou.sources.world") for name in ours(path))] == []


def test_nothing_imports_tests_or_notebooks():
    never = {"tests", "notebooks", "conftest", "rows", "pytest"}
    tops = {path: {name.split(".")[0] for name in imported(path.read_text("utf-8"))} for path in SOURCES + JOBS + DAGS}
    assert {path: names & never for path, names in tops.items() if names & never} == {}
