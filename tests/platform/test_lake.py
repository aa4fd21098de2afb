"""The lake: whole days replaced in one commit, contracts kept, and old or new after a kill, never half."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from things import AFTER, BEFORE, DAY, LISTS, PARTED, THINGS, WHOLE

from foryou import tables
from foryou.errors import ContractBroken, InputMissing
from foryou.platform.lake import Lake
from rows import arrow_rows

ITEMS = pa.list_(pa.struct([("id", pa.string()), ("score", pa.float32())]))
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def things(*named, size=1):
    """Arrow rows without a day."""
    return pa.table({"name": pa.array(named, pa.string()), "size": pa.array([size] * len(named), pa.int32())})


def by_deltalake(lake, table):
    return sorted(DeltaTable(str(lake.path(table))).to_pyarrow_table().to_pylist(), key=str)


def by_delta_in_spark(lake, table):
    """Through Spark's own Delta source, as another engine reads it."""
    frame = lake.spark.read.format("delta").load(str(lake.path(table)))
    return sorted((row.asDict(recursive=True) for row in frame.collect()), key=str)


def names(lake, table, days=None):
    return sorted(lake.arrow(table, ["name"], days=days)["name"].to_pylist())


# ---- a lake of an earlier version


def test_a_table_of_an_earlier_version_gets_the_columns_that_it_lacks(lake, spark):
    earlier = replace(THINGS, columns=tuple(column for column in THINGS.columns if column.name != "size"))
    lake.replace_day(earlier, BEFORE, things("old").drop_columns("size"))
    later = Lake(lake.root, spark)
    assert later.arrow(THINGS, ["name", "size"], days=[BEFORE]).to_pylist() == [{"name": "old", "size": None}]
    later.replace_day(THINGS, DAY, things("new", size=3))
    assert [row["size"] for row in later.arrow(THINGS).sort_by("day").to_pylist()] == [None, 3]
    assert {row["name"]: row["size"] for row in later.read(THINGS).collect()} == {"old": None, "new": 3}
    assert {row["name"]: row["size"] for row in by_delta_in_spark(later, THINGS)} == {"old": None, "new": 3}


def test_a_table_of_an_earlier_version_gets_the_docs_of_the_contract(lake, spark):
    told = tuple(replace(column, doc=f"Once {column.doc}") for column in THINGS.columns)
    lake.replace_day(replace(THINGS, columns=told), BEFORE, things("old"))
    later = Lake(lake.root, spark)
    later.replace_day(THINGS, DAY, things("new"))
    later.replace_parts(THINGS, AFTER, 1, lambda part: iter([things("newer")]))
    assert names(later, THINGS) == ["new", "newer", "old"]
    assert comments(later, THINGS) == {column.name: column.doc for column in THINGS.columns}


# ---- whole days


def test_a_day_is_replaced_whole_and_the_others_stay(lake, spark):
    for day, name in ((BEFORE, "early"), (DAY, "old"), (AFTER, "late")):
        lake.replace_day(THINGS, day, things(name))
    assert lake.replace_parts(THINGS, DAY, 2, lambda part: iter([things(("new", "newer")[part])])) == 2
    assert names(lake, THINGS) == ["early", "late", "new", "newer"]
    assert names(lake, THINGS, [DAY]) == ["new", "newer"]
    assert lake.days(THINGS) == [BEFORE, DAY, AFTER]
    assert lake.count(THINGS, [DAY]) == 2


def test_one_write_is_one_version(lake):
    lake.replace_day(THINGS, DAY, things("old"))
    before = lake.version(THINGS)
    lake.replace_parts(THINGS, DAY, 3, lambda part: iter([things(str(part))]))
    assert lake.version(THINGS) == before + 1


def test_an_earlier_version_can_still_be_read(lake):
    lake.replace_day(THINGS, DAY, things("old"))
    pinned = lake.version(THINGS)
    lake.replace_day(THINGS, DAY, things("new"))
    assert DeltaTable(str(lake.path(THINGS)), version=pinned).to_pyarrow_table()["name"].to_pylist() == ["old"]


def test_a_day_replaced_by_nothing_is_gone(lake):
    lake.replace_day(THINGS, BEFORE, things("early"))
    lake.replace_day(THINGS, DAY, things("old"))
    lake.replace_day(THINGS, DAY, things())
    assert lake.days(THINGS) == [BEFORE]


@pytest.mark.parametrize("how", ["arrow", "parts"])
def test_writing_twice_is_writing_once(lake, how):
    rows = things("a", "b")
    write = {
        "arrow": lambda: lake.replace_day(THINGS, DAY, rows),
        "parts": lambda: lake.replace_parts(THINGS, DAY, 1, lambda part: iter([rows])),
    }[how]
    write()
    once = by_deltalake(lake, THINGS)
    write()
    assert by_deltalake(lake, THINGS) == once
    assert [row["name"] for row in once] == ["a", "b"]


def test_a_part_of_a_day_can_be_replaced(lake):
    lake.replace_day(THINGS, DAY, pa.concat_tables([things("a", "b", size=1), things("c", size=2)]))
    lake.replace_day(THINGS, BEFORE, things("z", size=1))
    lake.replace_day(THINGS, DAY, things("d", size=1), where="size = 1")
    assert names(lake, THINGS, [DAY]) == ["c", "d"]
    assert names(lake, THINGS, [BEFORE]) == ["z"]


def test_a_table_without_days_is_replaced_whole(lake, spark):
    lake.replace_all(WHOLE, things("old", "older"))
    lake.replace_all(WHOLE, things("new"))
    assert names(lake, WHOLE) == ["new"]
    assert lake.replace_parts(WHOLE, DAY, 2, lambda part: iter([things(f"made-{part}")])) == 2
    assert names(lake, WHOLE) == ["made-0", "made-1"]
    assert str(lake.path(WHOLE)).endswith("published/whole")


# ---- every way of writing and reading means the same


def test_parts_and_days_have_the_same_content_for_every_reader(lake, spark):
    rows = pa.table(
        {
            "name": ["a", "b", None],
            "items": pa.array(
                [[{"id": "x", "score": 0.5}, {"id": "y", "score": None}], [], None],
                pa.list_(pa.struct([("id", pa.string()), ("score", pa.float32())])),
            ),
        }
    )
    other = Lake(lake.root / "other", spark)
    lake.replace_parts(LISTS, DAY, 3, lambda part: iter([rows.slice(part, 1)]))
    other.replace_day(LISTS, DAY, rows)
    wanted = sorted(({"day": DAY, **row} for row in rows.to_pylist()), key=str)
    for each in (lake, other):
        assert by_deltalake(each, LISTS) == wanted
        assert by_delta_in_spark(each, LISTS) == wanted
        assert sorted((row.asDict(recursive=True) for row in each.read(LISTS).collect()), key=str) == wanted


def test_texts_may_be_written_as_dictionaries(lake):
    coded = pa.table({"name": pa.array(["a", "b", "a"]).dictionary_encode(), "size": pa.array([1, 2, 3], pa.int32())})
    lake.replace_parts(PARTED, DAY, 1, lambda part: iter([coded]))
    assert [row["name"] for row in by_delta_in_spark(lake, PARTED)] == ["a", "a", "b"]


def test_files_keep_no_dictionary_of_fractions_and_look_ups_find_their_row_group(lake):
    items = [[{"id": f"v{number % 3}", "score": number / 7}] for number in range(3_000)]
    rows = pa.table({"name": [f"n{number:04d}" for number in range(3_000)], "items": items})
    lake.replace_parts(LISTS, DAY, 1, lambda part: iter([rows.set_column(1, "items", rows["items"].cast(ITEMS))]))
    (file,) = lake.files(LISTS, DAY)
    group = pq.ParquetFile(file).metadata.row_group(1)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    coded = {path for path, column in columns.items() if "RLE_DICTIONARY" in column.encodings}
    told = {path for path, column in columns.items() if column.is_stats_set}
    assert coded == {"name", "items.list.element.id"}
    assert told == {"name"}
    assert (columns["name"].statistics.min, columns["name"].statistics.max) == ("n1000", "n1999")


def test_parts_keep_their_order(lake):
    lake.replace_parts(PARTED, DAY, 12, lambda part: iter([things(f"{part:02d}-a"), things(f"{part:02d}-b")]))
    files = lake.files(PARTED, DAY)
    in_order = [name for file in files for name in pq.read_table(file, partitioning=None)["name"].to_pylist()]
    assert in_order == [f"{part:02d}-{half}" for part in range(12) for half in "ab"]


def test_parts_that_have_nothing_leave_no_file(lake):
    rows = things("only")
    assert lake.replace_parts(PARTED, DAY, 3, lambda part: iter([rows] if part == 1 else [])) == 1
    assert len(lake.files(PARTED, DAY)) == 1


def test_no_parts_at_all_are_an_empty_day(lake):
    lake.replace_day(PARTED, DAY, things("old"))
    assert lake.replace_parts(PARTED, DAY, 0, lambda part: iter([])) == 0
    assert lake.days(PARTED) == []


@pytest.mark.parametrize("refused", [False, True])
def test_what_was_written_is_looked_at_before_anybody_else_sees_it(lake, refused):
    lake.replace_day(PARTED, DAY, things("old"))
    seen = []

    def checked(frame):
        seen.extend(row.name for row in frame.collect())
        assert names(lake, PARTED) == ["old"]
        if refused:
            raise ValueError("no")

    with pytest.raises(ValueError) if refused else nullcontext():
        lake.replace_parts(PARTED, DAY, 2, lambda part: iter([things(f"new {part}")]), checked=checked)
    assert sorted(seen) == ["new 0", "new 1"]
    assert names(lake, PARTED) == (["old"] if refused else ["new 0", "new 1"])
    assert len(list(lake.path(PARTED).rglob("*.parquet"))) == (1 if refused else 3)


def test_what_a_killed_process_left_in_a_folder_of_its_own_is_swept_away(tmp_path):
    lake = Lake(tmp_path, no_spark)
    left = "import os, sys; from pathlib import Path; from foryou.platform.lake import Lake\n"
    left += "held = Lake(Path(sys.argv[1]), None).scratch(); (held.__enter__() / 'x').touch(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", left, str(tmp_path)], check=False)
    assert len(list((tmp_path / "_scratch").iterdir())) == 1
    with lake.scratch() as one, lake.scratch() as other:
        assert sorted((tmp_path / "_scratch").iterdir()) == sorted([one, other])
        assert one.stat().st_mode & 0o777 == 0o700
    assert not list((tmp_path / "_scratch").iterdir())
    assert not list((tmp_path / "_locks").glob("scratch-*"))


# ---- extend


def test_rows_are_added_to_a_map(lake):
    def of(*given):
        return lambda known: things(*given)

    assert lake.extend(THINGS, BEFORE, of("a")) == 1
    assert lake.extend(THINGS, DAY, of("b", "c")) == 2
    assert lake.extend(THINGS, DAY, lambda known: things(f"after {known.num_rows}")) == 1
    assert names(lake, THINGS) == ["a", "after 3", "b", "c"]


def test_no_rows_make_no_version(lake):
    lake.extend(THINGS, DAY, lambda known: things("a"))
    before = lake.version(THINGS)
    assert lake.extend(THINGS, DAY, lambda known: things()) == 0
    assert lake.version(THINGS) == before


# ---- the contract


def comments(lake, table):
    return {column.name: column.metadata.get("comment") for column in DeltaTable(str(lake.path(table))).schema().fields}


@pytest.mark.parametrize("how", ["extend", "arrow", "parts"])
def test_columns_carry_their_docs_however_a_table_began(lake, how):
    rows = things("a")
    {
        "extend": lambda: lake.extend(THINGS, DAY, lambda known: rows),
        "arrow": lambda: lake.replace_day(THINGS, DAY, rows),
        "parts": lambda: lake.replace_parts(THINGS, DAY, 1, lambda part: iter([rows])),
    }[how]()
    assert comments(lake, THINGS) == {column.name: column.doc for column in THINGS.columns}
    table = DeltaTable(str(lake.path(THINGS)))
    assert table.metadata().partition_columns == ["day"]
    assert table.metadata().description == "Things."
    features = table.protocol()
    assert (features.min_reader_version, features.min_writer_version) <= (1, 2)


def test_arrow_rows_that_do_not_conform_are_refused_with_all_differences(lake):
    with pytest.raises(ContractBroken) as told:
        lake.replace_day(THINGS, DAY, pa.table({"size": ["much"], "colour": [2]}))
    for difference in ("name is missing", "colour is not in the contract", "size is string"):
        assert difference in told.value.found
    assert not lake.exists(THINGS)


def test_arrow_numbers_are_cast_where_nothing_is_lost(lake):
    lake.replace_day(THINGS, DAY, pa.table({"name": ["a"], "size": [7]}))
    assert lake.arrow(THINGS)["size"].type == pa.int32()
    with pytest.raises(ContractBroken, match="size is int64, which is no int32"):
        lake.replace_day(THINGS, DAY, pa.table({"name": ["a"], "size": [2**40]}))


def test_parts_that_do_not_conform_are_refused_with_all_differences(lake):
    lake.replace_day(PARTED, DAY, things("old"))
    wrong = pa.table({"size": pa.array([1], pa.int64()), "colour": ["red"]})
    with pytest.raises(ContractBroken) as told:
        lake.replace_parts(PARTED, DAY, 2, lambda part: iter([wrong]))
    for difference in ("name is missing", "colour is not in the contract", "size is int64, not int32"):
        assert told.value.found.count(difference) == 1
    assert names(lake, PARTED) == ["old"]


# ---- reading what is not there


def test_an_empty_lake_is_read_as_empty_tables(lake):
    assert lake.read(THINGS).collect() == []
    assert lake.read(THINGS, days=[DAY]).schema.simpleString() == "struct<day:date,name:string,size:int>"
    assert lake.arrow(THINGS, ["name"], days=[]).column_names == ["name"]
    assert lake.arrow(THINGS, ["name"], days=[DAY]).num_rows == 0
    assert lake.arrow(THINGS).num_rows == 0
    assert lake.days(THINGS) == []


def test_a_table_that_has_lost_its_log_is_not_taken_for_an_empty_one(lake):
    lake.replace_day(THINGS, DAY, things("kept"))
    shutil.rmtree(lake.path(THINGS) / "_delta_log")
    for use in (lake.days, lake.arrow, lambda table: lake.replace_day(table, AFTER, things("new"))):
        with pytest.raises(ContractBroken, match=r"no `_delta_log`.*restore .*`things`"):
            use(THINGS)
    assert not lake.exists(THINGS)


def test_a_table_whose_log_is_damaged_is_told(lake):
    lake.replace_day(THINGS, DAY, things("kept"))
    next(lake.path(THINGS).glob("_delta_log/*1.json")).write_text("{garbage")
    with pytest.raises(ContractBroken, match=r"a log in .* that cannot be read.*restore"):
        lake.days(THINGS)


@pytest.mark.parametrize("loss", ["its folder is gone", "it holds no rows"])
def test_a_map_of_ids_that_is_lost_is_not_begun_anew(tmp_path, loss):
    lake = Lake(tmp_path, no_spark)
    lake.create(tables.VIDEO_IDS)  # the first night's: nothing is numbered yet
    lake.replace_day(tables.SEEN, DAY, arrow_rows(tables.SEEN, {"viewer": 1, "video": 2}).drop(["day"]))
    if loss == "its folder is gone":
        shutil.rmtree(lake.path(tables.VIDEO_IDS))
    with pytest.raises(ContractBroken, match="`seen` have rows numbered by it"):
        lake.extend(tables.VIDEO_IDS, DAY, lambda known: known)


def no_spark():
    raise AssertionError("there is no need for Spark")


def test_only_the_days_asked_for_are_read(lake):
    for day in (BEFORE, DAY, AFTER):
        lake.replace_day(THINGS, day, things(str(day)))
    read = lake.read(THINGS, days=[BEFORE, AFTER]).collect()
    assert sorted((row.day, row.name) for row in read) == [(BEFORE, str(BEFORE)), (AFTER, str(AFTER))]
    assert names(lake, THINGS, [BEFORE, AFTER]) == [str(BEFORE), str(AFTER)]
    assert lake.days_until(THINGS, DAY) == [BEFORE, DAY]
    assert lake.read_day(THINGS, DAY).columns == ["name", "size"]


def test_a_day_that_is_required_and_missing_is_told_with_those_there_are(lake):
    lake.replace_day(THINGS, BEFORE, things("a"))
    with pytest.raises(InputMissing, match=rf"things, day {DAY}.*only {BEFORE}.*foryou nightly --day {DAY}"):
        lake.read_day(THINGS, DAY)
    with pytest.raises(InputMissing, match="an empty table"):
        lake.require(PARTED, DAY)


# ---- locks and scratch


def test_a_lock_is_held_by_one_and_freed_at_the_end(lake):
    with lake.locked("nights"), pytest.raises(BlockingIOError), lake.locked("nights", wait=False):
        pass
    with lake.locked("nights", wait=False), lake.locked("other", wait=False):
        pass


def test_scratch_is_gone_when_the_step_ends(lake):
    with pytest.raises(RuntimeError), lake.scratch() as folder:
        (folder / "array.npy").touch()
        raise RuntimeError
    assert not folder.exists()


# ---- kill -9


def start_writer(root, how, marker):
    """The writer as a process group of its own, to be killed whole, as by a power cut."""
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parents[1] / "src"), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "JAVA_TOOL_OPTIONS": QUICK_START}
    return subprocess.Popen(
        [sys.executable, str(here / "killed_writer.py"), str(root), str(marker), how],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=(root / f"{how}.err").open("wb"),
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory, spark):
    """Lakes with old rows (size 1) whose writers of new ones (size 2) were killed in the middle, by way of writing."""
    roots = {how: tmp_path_factory.mktemp(how) for how in ("parts", "arrow")}
    old = things(*(f"n{number}" for number in range(5_000)))
    writers = {}
    for how, root in roots.items():
        lake = Lake(root, spark)
        for table in (THINGS, PARTED):
            lake.replace_day(table, DAY, old)
            lake.replace_day(table, BEFORE, things("early"))
        writers[how] = start_writer(root, how, root / "marker")
    try:
        for how, writer in writers.items():
            wait_for(roots[how] / "marker", writer, roots[how] / f"{how}.err")
            time.sleep(0.2)
            os.killpg(writer.pid, signal.SIGKILL)
    finally:
        for writer in writers.values():
            if writer.poll() is None:
                os.killpg(writer.pid, signal.SIGKILL)
            writer.wait()
    return {how: Lake(root, spark) for how, root in roots.items()}


def wait_for(marker, writer, errors):
    ends = time.monotonic() + 120
    while not marker.exists():
        assert writer.poll() is None, errors.read_text()
        assert time.monotonic() < ends, errors.read_text()
        time.sleep(0.05)


def sizes(lake, table):
    rows = lake.arrow(table, ["name", "size"], days=[DAY])
    return rows.num_rows, len(set(rows["name"].to_pylist())), sorted(set(rows["size"].to_pylist()))


def test_a_write_killed_in_the_middle_leaves_the_old_rows(killed):
    lake = killed["parts"]
    assert sizes(lake, PARTED) == (5_000, 5_000, [1])
    assert {row["size"] for row in by_delta_in_spark(lake, PARTED)} == {1}
    assert names(lake, PARTED, [BEFORE]) == ["early"]


def test_what_a_killed_write_left_lies_beside_the_files_of_the_table_unseen(killed):
    lake = killed["parts"]
    assert len(list((lake.path(PARTED) / f"day={DAY}").glob("*.parquet"))) > len(lake.files(PARTED, DAY))


def test_many_writes_killed_at_any_moment_leave_old_or_new(killed):
    assert sizes(killed["arrow"], THINGS) in [(5_000, 5_000, [1]), (5_000, 5_000, [2])]
    assert names(killed["arrow"], THINGS, [BEFORE]) == ["early"]


@pytest.mark.parametrize("how", ["parts", "arrow"])
def test_after_a_kill_the_next_write_goes_through(killed, how):
    lake = killed[how]
    lake.replace_day(THINGS, DAY, things("next", size=3))
    lake.replace_parts(PARTED, DAY, 1, lambda part: iter([things("next", size=3)]))
    assert sizes(lake, THINGS) == sizes(lake, PARTED) == (1, 1, [3])
