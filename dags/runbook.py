"""What to do when a task fails, as the text beside it: written from `foryou.steps` and `foryou.errors`."""

from __future__ import annotations

from foryou.errors import AlreadyRunning, ContractBroken, DataRejected, ForYouError, InputMissing, ModelRejected
from foryou.steps import STEPS, Step

REMEDIES: dict[type[ForYouError], str] = {
    InputMissing: "Something it reads is not there. Run what should have made it (the log names it), clear the task.",
    DataRejected: "The data is there and is refused; rows of `checks` and `rejected_events` say why. Have the day "
    "exported again and clear from `build_catalogue`, or go on with it as it is: trigger the day with "
    '`{"day": "YYYY-MM-DD", "overrides": ["CHECK=why it may pass"]}`, which is recorded.',
    ContractBroken: "A file, a table or a setting has another form than agreed. Mend it where the log says, clear.",
    ModelRejected: "Tonight's model is refused and there is none to keep. Look at its run in MLflow, mend the "
    "settings in `factors:`, clear.",
    AlreadyRunning: "Another run holds the lake. It is tried again by itself; see who holds it if that goes on.",
}


def overview() -> str:
    """The DAG's page."""
    codes = "\n".join(f"| {kind.exit_code} | {kind.headline} | {text} |" for kind, text in REMEDIES.items())
    tasks = "\n".join(f"| `{step.process or step.name}` | `{step.name}` | {step.doc} |" for step in STEPS)
    return OVERVIEW.format(codes=codes, tasks=tasks)


def of_step(step: Step) -> str:
    """The page of one task: what it does, what it needs and leaves, what a failure means for readers."""
    reads = [f"`{table.path}`" for table in step.reads] + ["the landing day"] * step.reads_landing
    before = [f"`{table.path}`" for table in step.before]
    parts = [
        f"**{step.name}**: {step.doc}",
        f"**Reads** {_listed(reads)}." + (f" As an earlier night left them: {_listed(before)}." if before else ""),
        f"**Writes** {_listed([f'`{table.path}`' for table in step.writes + step.adds_to])}.",
        "**If it fails**, what is published stays as it is, and a second run of the task replaces what this one wrote.",
    ]
    if step.reads_landing:
        parts.append(f"Exit {DataRejected.exit_code}: {REMEDIES[DataRejected]}")
    return "\n\n".join(parts)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"


OVERVIEW = """
Takes a landed day of the log, checks it, learns from it and publishes a release: feeds, candidates, popular lists.

**Which day?** A scheduled run takes the day that has just ended (UTC). A run by hand takes `day`. Every task passes the
day to its job, so a cleared task runs for the same day again and replaces what it wrote.

**While something is red**, readers keep the last release: only `publish` moves the pointer, after its checks.

| exit | means | what to do |
|---|---|---|
{codes}

Exits 3 to 6 are not tried again, since a retry cannot mend them. Anything else is tried twice more, then look at the
traceback in the task's log. No manifest by the deadline: `wait_for_landing` says which file it looked for.

| task | step | what it does |
|---|---|---|
| `wait_for_landing` | | Waits for the day's `_manifest.json`, which is written last. |
| `build_missing_days` | | Builds what the lake lacks of landed days before: controls; in the window, views. |
{tasks}
| `report_failure` | | Only where a task has failed: writes the night's page, which tells what happened. |

Steps that do little share a task and its Spark process: to start one takes longer. A cleared task runs all its steps.

**Missed nights** are not caught up by themselves: the next night builds the days that the lake lacks before its own.
For their releases: `airflow backfill create --dag-id nightly --from-date D1 --to-date D2`.

**It needs** FORYOU_LANDING, FORYOU_LAKE and FORYOU_CONF (a file of `conf/` by name, or a path) in the environment of
the workers; a connection `spark_default`; a pool `spark`, whose slots are the light jobs that may run at once (a heavy
one takes two); the secret that devices are named with, the same on every worker (`conf/secret.yaml`, or the file that
FORYOU_SECRETS names). FORYOU_SCHEDULE, as cron in UTC, says when a night may start.
"""
