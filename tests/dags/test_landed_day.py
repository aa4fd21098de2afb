"""The wait for a landing day."""

from datetime import UTC, datetime, timedelta

import pytest

DAY_LONG_GONE = "2020-02-01"


@pytest.fixture
def waiting(task, monkeypatch, tmp_path):
    """Gives the wait for a day in a landing folder of its own."""
    monkeypatch.setenv("FORYOU_LANDING", str(tmp_path))

    def for_day(day):
        wait = task("wait_for_landing")
        wait.render_template_fields({"params": {"day": str(day)}})
        return wait

    return for_day


def today():
    return datetime.now(UTC).date()


def test_a_landed_day_is_not_waited_for(waiting, tmp_path):
    (tmp_path / f"day={DAY_LONG_GONE}").mkdir()
    (tmp_path / f"day={DAY_LONG_GONE}" / "_manifest.json").touch()
    assert waiting(DAY_LONG_GONE).execute({}) is None


def test_a_day_to_come_is_waited_for_in_the_triggerer_until_its_deadline(waiting, tmp_path):
    from airflow.sdk.exceptions import TaskDeferred

    with pytest.raises(TaskDeferred) as deferred:
        waiting(today()).execute({})
    assert deferred.value.trigger.filepath == f"{tmp_path}/day={today()}/_manifest.json"
    midnight = datetime.combine(today() + timedelta(days=1), datetime.min.time(), UTC)
    until = datetime.now(UTC) + deferred.value.timeout
    assert abs(until - (midnight + timedelta(hours=12))) < timedelta(minutes=1)


def test_a_day_that_never_landed_fails_at_once_and_names_the_file(waiting, tmp_path):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(
        AirflowFailException, match=f"{tmp_path}/day={DAY_LONG_GONE}/_manifest.json by 2020-02-02 12:00"
    ):
        waiting(DAY_LONG_GONE).execute({})


def test_the_deadline_ends_the_wait_with_the_same_words(waiting):
    from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR, TriggerFailureReason
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match=r"input missing .*no manifest"):
        waiting(today()).resume_execution(TRIGGER_FAIL_REPR, {"error": TriggerFailureReason.TRIGGER_TIMEOUT}, {})


def test_a_landing_folder_may_have_brackets_in_its_name(waiting, monkeypatch, tmp_path):
    (tmp_path / "new[1]" / f"day={DAY_LONG_GONE}").mkdir(parents=True)
    (tmp_path / "new[1]" / f"day={DAY_LONG_GONE}" / "_manifest.json").touch()
    monkeypatch.setenv("FORYOU_LANDING", str(tmp_path / "new[1]"))
    assert waiting(DAY_LONG_GONE).execute({}) is None
