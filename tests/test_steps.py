"""The night's list: a graph that can run, and the same nouns in every place."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from foryou import settings, steps, tables
from foryou.contract import Table

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "foryou"
TESTS = ROOT / "tests"

each_step = pytest.mark.parametrize("step", steps.STEPS, ids=lambda step: step.name)


def test_the_night_has_no_cycle_and_is_declared_in_an_order_that_runs():
    later: dict[str, set[str]] = {step.name: set() for step in steps.STEPS}
    for earlier, step in steps.edges():
        later[step].add(earlier)
    assert tuple(TopologicalSorter(later).static_order())
    position = {step.name: place for place, step in enumerate(steps.STEPS)}
    assert all(position[earlier] < position[step] for earlier, step in steps.edges())


def test_each_table_has_one_writer():
    written = [table.path for step in steps.STEPS for table in step.writes]
    assert len(set(written)) == len(written)
    assert set(written) | {tables.CHECKS.path} == {table.path for table in tables.ALL}


@each_step
def test_what_a_step_reads_is_there_when_it_runs(step):
    earlier = steps.STEPS[: steps.STEPS.index(step)]
    there = {table.path for before in earlier for table in before.writes} | {tables.CHECKS.path}
    assert {table.path for table in step.reads} <= there


def test_steps_that_add_rankings_run_after_the_day_was_judged():
    assert all(tables.EVALUATIONS in steps.BY_NAME[name].reads for name in steps.ALSO_WRITES_EVALUATIONS)


@each_step
def test_tables_of_an_earlier_night_are_no_edge_of_tonight(step):
    assert not {table.path for table in step.before} & {table.path for table in step.reads}


def test_processes_hold_every_step_once_and_wait_only_for_others():
    found = [step for steps_of in steps.processes().values() for step in steps_of]
    assert sorted(step.name for step in found) == sorted(steps.BY_NAME)
    assert [step.name for step in found if step.process and steps.BY_NAME[step.process].process] == []
    later: dict[str, set[str]] = {leader: set() for leader in steps.processes()}
    for earlier, leader in steps.process_edges():
        later[leader].add(earlier)
    assert tuple(TopologicalSorter(later).static_order())  # a cycle would raise


def test_every_working_table_is_read_by_some_step_or_kept_for_people():
    read = {table.path for step in steps.STEPS for table in step.reads + step.before}
    for_people = {table.path for table in steps.FOR_PEOPLE}
    working = {table.path for table in tables.ALL if not table.published}
    assert working - read == for_people


def test_every_step_leads_to_what_is_published_or_reported():
    followed = {earlier for earlier, _ in steps.edges()}
    assert {step.name for step in steps.STEPS} - followed == {"report"}


# ---- one noun in six places: step, job, module, settings, table, tests


@each_step
def test_a_step_is_named_by_its_noun(step):
    assert (step.name == f"build_{step.noun}") != (step.name in steps.NOT_NAMED_BY_NOUN)


@each_step
def test_a_step_has_a_job_of_its_name_that_says_what_it_does(step):
    job = ROOT / "jobs" / f"{step.name}.py"
    assert job.is_file()
    assert ast.get_docstring(ast.parse(job.read_text(encoding="utf-8")))


def test_there_is_no_job_without_a_step():
    before_the_steps = set(steps.BEFORE_THE_STEPS)
    assert {job.stem for job in (ROOT / "jobs").glob("*.py")} <= set(steps.BY_NAME) | before_the_steps


@each_step
def test_a_step_has_a_stage_module_of_its_noun(step):
    modules = [*PACKAGE.glob(f"*/{step.noun}.py"), *PACKAGE.glob(f"{step.noun}/[a-z]*.py")]
    assert modules, f"no module {step.noun}.py and nothing in a package {step.noun}/"


@each_step
def test_a_step_has_a_settings_section_of_its_noun(step):
    assert step.noun in set(settings.Settings.__dataclass_fields__) | {"report"}


def test_every_settings_section_belongs_to_a_step():
    assert set(settings.Settings.__dataclass_fields__) - {step.noun for step in steps.STEPS} == {"spark"}


@each_step
def test_a_table_called_like_a_step_is_written_by_it(step):
    called = {table.path for table in tables.ALL if table.path == step.noun}
    assert called <= {table.path for table in step.writes}


@each_step
def test_a_step_has_tests_of_its_noun(step):
    assert [*TESTS.glob(f"*/test_{step.noun}.py"), *TESTS.glob(f"{step.noun}/test_*.py")]


@each_step
def test_a_job_touches_only_the_tables_that_its_step_declares(step):
    declared = {table.path for table in step.reads + step.before + step.writes}
    if step.name in steps.ALSO_WRITES_CHECKS:
        declared.add(tables.CHECKS.path)
    assert _tables_named_in(ROOT / "jobs" / f"{step.name}.py") <= declared


def _tables_named_in(job: Path) -> set[str]:
    """Paths of the tables that a job names as `tables.NAME`: `PUBLISHED` names several, `ALL` (a look-up) none."""
    named = [
        getattr(tables, node.attr)
        for node in ast.walk(ast.parse(job.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "tables"
        and node.attr != "ALL"
    ]
    flat = [table for value in named for table in (value if isinstance(value, tuple) else (value,))]
    return {table.path for table in flat if isinstance(table, Table)}
