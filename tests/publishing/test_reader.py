"""The reader: one release at a time, an answer for everybody, and no JVM."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from foryou import secret, tables
from foryou.errors import InputMissing
from foryou.platform.lake import Lake
from foryou.publishing import reader
from published import DAY, filled, publish

DEVICE = secret.device_name("phone-1", secret.salt())
FACTORS, SIMILAR, POPULAR = (1 << bit for bit in range(len(tables.TASTES)))


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    publish(
        root,
        feeds={
            "u2": [
                ("v5", 2.0, FACTORS | POPULAR, "like_you", 2.0, None),
                ("v6", 1.0, SIMILAR, "similar_to:v9", 0.7, None),
                ("v7", 0.5, POPULAR, "popular_in:US:en", 0.5, 0.25),
            ],
            "u1": [("v1", 1.0, FACTORS, "like_you", 1.0, None)],
            DEVICE: [("v8", 1.0, FACTORS, "like_you", 1.0, None)],
        },
        candidates={
            "u2": [("v5", 2.0, FACTORS | POPULAR), ("v6", 1.0, SIMILAR), ("v7", 0.5, POPULAR), ("v4", 0.1, POPULAR)]
        },
        similar={"v5": [("v6", 0.9), ("v7", 0.8)]},
        popular={"US:en": ["v1", "v2"], "*:en": ["v3"], "*:*": ["v4", "v1", "v2"]},
    )
    return root


@pytest.fixture(scope="module")
def opened(lake):
    return reader.open(lake)


def ids(items):
    return [item.video_id for item in items]


# ---- feeds


def test_a_feed_comes_in_serving_order_with_its_reasons(opened):
    items = opened.feed("u2")
    assert ids(items) == ["v5", "v6", "v7"]
    assert items[0].sources == ("factors", "popular")
    assert [item.reason for item in items] == ["like_you", "similar_to:v9", "popular_in:US:en"]
    assert [item.propensity for item in items] == [None, None, 0.25]
    assert items[1].words("en", {"v9": "Bread"}) == "similar to “Bread”, which you liked"


def test_a_feed_is_cut_where_asked(opened):
    assert ids(opened.feed("u2", 2)) == ["v5", "v6"]
    assert ids(opened.feed("u2", k=99)) == ["v5", "v6", "v7"]
    for k in (0, -1):
        with pytest.raises(ValueError, match="a number of videos"):
            opened.feed("u2", k)


@pytest.mark.parametrize("viewer", ["u0", "u1x", "u3", "", "zzz", "ü"])
def test_someone_unknown_gets_what_is_popular_everywhere(opened, viewer):
    assert ids(opened.feed(viewer)) == ["v4", "v1", "v2"]


@pytest.mark.parametrize(
    ("country", "language", "wanted"),
    [
        ("US", "en", ["v1", "v2"]),
        ("DE", "en", ["v3"]),
        (None, "en", ["v3"]),
        ("US", None, ["v4", "v1", "v2"]),
        ("DE", "de", ["v4", "v1", "v2"]),
        (None, None, ["v4", "v1", "v2"]),
    ],
)
def test_someone_unknown_gets_the_narrowest_segment_that_has_a_list(opened, country, language, wanted):
    assert ids(opened.feed(country=country, language=language)) == wanted
    assert ids(opened.feed("nobody", 1, country=country, language=language)) == wanted[:1]


def test_a_known_viewer_is_not_judged_by_country(opened):
    assert ids(opened.feed("u1", country="US", language="en")) == ["v1"]


def test_a_device_is_known_by_what_was_watched_on_it_before_sign_up(opened):
    assert ids(opened.feed(device_id="phone-1")) == ["v8"]
    assert ids(opened.feed(device_id="phone-2", language="en")) == ["v3"]
    assert ids(opened.feed(device_id="\ud800", language="en")) == ["v3"]


def test_a_device_cannot_be_looked_up_without_the_salt(opened, monkeypatch, tmp_path):
    monkeypatch.setenv(secret.VARIABLE, str(tmp_path / "nothing.yaml"))
    assert ids(opened.feed("u1", device_id="phone-1")) == ["v1"]  # where it is not needed it is not missed
    with pytest.raises(InputMissing, match=r"python -m foryou\.secret"):
        opened.feed(device_id="phone-1")


def test_a_device_that_signed_up_is_its_viewer(opened):
    assert ids(opened.feed("u1", device_id="phone-1")) == ["v1"]


# ---- the other lists


def test_candidates_tell_who_found_them(opened):
    assert ids(opened.candidates("u2")) == ["v5", "v6", "v7", "v4"]
    assert opened.candidates("u2")[0].sources == ("factors", "popular")
    assert opened.candidates("nobody") == []


def test_similar_videos_come_nearest_first(opened):
    assert [(item.video_id, pytest.approx(item.score)) for item in opened.similar("v5")] == [("v6", 0.9), ("v7", 0.8)]
    assert opened.similar("v99") == []


@pytest.mark.parametrize(
    ("segment", "wanted"), [("US:en", "US:en"), ("FR:en", "*:en"), ("*:en", "*:en"), ("FR:fr", "*:*"), ("FR", "*:*")]
)
def test_popular_goes_up_the_ladder(opened, segment, wanted):
    items = opened.popular(segment)
    assert {item.reason for item in items} == {f"popular_in:{wanted}"}
    assert items == sorted(items, key=lambda item: -item.score)


def test_popular_videos_without_a_segment_are_everybodys(opened):
    assert ids(opened.popular()) == ["v4", "v1", "v2"]


# ---- explain


def test_explain_tells_the_place_and_the_reason(opened):
    told = opened.explain("u2", "v6", "de")
    assert (told["table"], told["place"], told["sources"]) == ("feeds", 2, ["similar"])
    assert told["words"] == "ähnlich wie v9, das dir gefiel"


def test_explain_finds_candidates_below_the_feed(opened):
    told = opened.explain("u2", "v4")
    assert (told["table"], told["place"], told["sources"]) == ("candidates", 4, ["popular"])
    assert told["words"]


@pytest.mark.parametrize(("viewer", "video"), [("u2", "v99"), ("nobody", "v4")])
def test_explain_says_so_where_there_is_nothing_to_explain(opened, viewer, video):
    """More than this stands in `test_explain.py`, on a night with working tables."""
    told = opened.explain(viewer, video)
    assert told["table"] is None and told["findings"] and told["words"]


# ---- releases


def test_a_reader_keeps_to_its_release_while_newer_ones_come(tmp_path):
    first = publish(tmp_path, feeds={"u1": [("old", 1.0)]}, similar={"v1": [("old", 1.0)]}, popular={"*:*": ["old"]})
    early = reader.open(tmp_path)
    next_day = DAY + timedelta(days=1)
    publish(tmp_path, next_day, feeds={"u1": [("new", 1.0)]}, similar={"v1": [("new", 1.0)]}, popular={"*:*": ["new"]})
    for old in (early, reader.open(tmp_path, first)):
        assert ids(old.feed("u1") + old.similar("v1") + old.popular()) == ["old"] * 3
    live = reader.open(tmp_path)
    assert ids(live.feed("u1") + live.similar("v1") + live.popular()) == ["new"] * 3
    assert [(row.release_id, row.state) for row in reader.releases(tmp_path)] == [
        (first, "retired"),
        (f"{next_day}.a", "live"),
    ]


def test_a_backfill_leaves_readers_where_they_are(tmp_path):
    publish(tmp_path, feeds={"u1": [("new", 1.0)]})
    earlier = publish(tmp_path, DAY - timedelta(days=1), feeds={"u1": [("backfilled", 1.0)]})
    assert ids(reader.open(tmp_path).feed("u1")) == ["new"]
    assert ids(reader.open(tmp_path, earlier).feed("u1")) == ["backfilled"]


@pytest.mark.parametrize("name", ["my lake", "a#b", "l'ü 日本", "a+b&c=d;e,f"])
def test_a_lake_may_have_any_name_that_a_folder_has(tmp_path, spark, name):
    publish(tmp_path / name, feeds={"u1": [("v1", 1.0)]})
    assert ids(reader.open(tmp_path / name).feed("u1")) == ["v1"]
    read = Lake(tmp_path / name, spark).read(tables.PUBLISHED_FEEDS)
    assert [row.viewer_id for row in read.collect()] == ["u1"]


def test_a_column_added_within_a_version_disturbs_no_reader(tmp_path):
    named = publish(tmp_path)
    path = tmp_path / tables.RELEASES.path
    rows = DeltaTable(path).to_pyarrow_table()
    write_deltalake(path, rows.append_column("mood", pa.array(["new"])), mode="overwrite", schema_mode="overwrite")
    assert reader.open(tmp_path).release.release_id == named


def test_a_folder_that_is_no_lake_is_told(tmp_path):
    with pytest.raises(InputMissing, match=r"a folder that is no lake at .*check the path"):
        reader.open(tmp_path)


def test_a_lake_without_a_release_says_what_to_do(tmp_path):
    (tmp_path / "_locks").mkdir()
    with pytest.raises(InputMissing, match=r"live release.*no release in .*foryou nightly"):
        reader.open(tmp_path)
    assert reader.releases(tmp_path) == []
    with pytest.raises(InputMissing, match=r"root of a lake.*nothing at .*nowhere.*foryou nightly"):
        reader.open(tmp_path / "nowhere")


def test_a_release_that_is_not_there_is_told_with_those_that_are(lake):
    with pytest.raises(InputMissing, match=r"release 2020-01-01\.x; found 2026-03-10\.a"):
        reader.open(lake, "2020-01-01.x")


@pytest.mark.parametrize(("days", "stale"), [(0, False), (2, False), (3, True)])
def test_an_old_release_is_stale(opened, days, stale):
    now = datetime.combine(DAY, datetime.min.time(), UTC) + timedelta(days=days, hours=23)
    assert opened.release.stale(now) is stale
    assert opened.release.stale(now, after_days=9) is False


def test_a_release_tells_what_it_is(opened):
    release = opened.release
    assert (release.day, release.state, release.status, release.contract_version) == (
        date(2026, 3, 10),
        "live",
        "ok",
        1,
    )
    assert release.counts == {"feeds": 3, "candidates": 1, "similar": 1, "popular": 6, "starters": 0}
    assert set(release.tables) == {table.name for table in tables.PUBLISHED}


# ---- many viewers


def test_everybody_is_found_in_many_row_groups_and_files(tmp_path, spark):
    """Viewers spread over three files with several row groups each; an id before, between and after them is not."""
    publish(tmp_path)
    names = [f"u{number:05d}" for number in range(0, 9_000, 2)]

    rows = [
        {"day": DAY, "release_id": "r", "viewer_id": name, "items": [{"video_id": f"of-{name}", "score": 1.0}]}
        for name in names
    ]
    whole = filled(tables.PUBLISHED_FEEDS, rows)
    lake = Lake(tmp_path, spark)
    lake.replace_parts(tables.PUBLISHED_FEEDS, DAY, 3, lambda part: iter([whole.slice(part * 1_500, 1_500)]))
    live = reader.open(tmp_path)
    live.release.tables["feeds"] = lake.version(tables.PUBLISHED_FEEDS)
    for name in (names[0], names[999], names[1_000], names[1_499], names[1_500], names[-1]):
        assert ids(live.feed(name)) == [f"of-{name}"]
    assert len(live._tables["feeds"].lasts) == 6
    for stranger in ("a", "u00001", "u02999", "u08999", "z"):
        assert live._row("feeds", stranger) is None


def test_ids_are_compared_as_plain_text(tmp_path):
    """Capitals before small letters, `-` and `.` before digits: the order of the files, not of a locale."""
    viewers = ["U1", "u-1", "u.1", "u1", "u1-", "u10", "u2", "ua", "uA", "u_1", "u:1", "u@1"]
    publish(tmp_path, feeds={viewer: [(f"of-{viewer}", 1.0)] for viewer in viewers})
    live = reader.open(tmp_path)
    assert [ids(live.feed(viewer)) for viewer in viewers] == [[f"of-{viewer}"] for viewer in viewers]


def test_an_id_as_long_as_ids_may_be_is_found(tmp_path):
    viewers = ["u" * 64, "u" * 63 + "v", "u" * 63]
    publish(tmp_path, feeds={viewer: [(f"of-{number}", 1.0)] for number, viewer in enumerate(viewers)})
    live = reader.open(tmp_path)
    assert [ids(live.feed(viewer)) for viewer in viewers] == [["of-0"], ["of-1"], ["of-2"]]


def test_rows_come_as_the_contract_has_them(lake):
    rows = reader.open(lake)._whole("feeds")
    assert rows.column_names == list(tables.PUBLISHED_FEEDS.column_names)
    assert pa.types.is_list(rows.schema.field("items").type)


# ---- starters


def test_someone_unknown_starts_with_the_segments_slate_and_goes_on_with_what_is_popular(tmp_path):
    slates = {("US:en", ""): ["s1", "v2"], ("*:*", ""): ["s9"], ("US:en", "of-s1"): ["s3"]}
    publish(tmp_path, popular={"US:en": ["v1", "v2"], "*:*": ["v4"]}, starters=slates)
    opened = reader.open(tmp_path)
    items = opened.feed(country="US", language="en")
    assert ids(items) == ["s1", "v2", "v1"]
    assert (items[0].topic, items[0].words()) == ("of-s1", "liked by many different people")
    assert ids(opened.feed(country="FR", language="fr")) == ["s9", "v4"]


def test_a_service_walks_the_slates_by_the_topics_that_were_watched(tmp_path):
    publish(tmp_path, starters={("US:en", ""): ["s1"], ("US:en", "of-s1"): ["s3"], ("*:*", ""): ["s9"]})
    opened = reader.open(tmp_path)
    first = opened.starters("US:en")
    assert ids(opened.starters("US:en", first[0].topic)) == ["s3"]
    assert opened.starters("US:en", "of-s1>of-s3") == []
    assert ids(opened.starters("DE:de")) == ids(opened.starters()) == ["s9"]


def test_where_people_come_from_chooses_a_variant_of_the_starters(tmp_path):
    slates = {("US:en", ""): ["s1"], ("US:en@age_band=18-24", ""): ["s2"], ("*:*@referrer=ad", ""): ["s3"]}
    publish(tmp_path, starters=slates | {("*:*", ""): ["s9"]})
    opened = reader.open(tmp_path)
    assert ids(opened.starters("US:en", referrer="ad", age_band="18-24")) == ["s2"], "the rung comes first"
    assert ids(opened.starters("US:en", referrer="ad")) == ["s1"]
    assert ids(opened.starters("DE:de", referrer="ad", age_band="18-24")) == ["s3"]
    assert ids(opened.feed(None, country="US", language="en", age_band="18-24"))[0] == "s2"
    assert ids(opened.starters("US:en", referrer="unheard of")) == ["s1"]


def test_a_release_from_before_there_were_starters_has_none(tmp_path):
    publish(tmp_path, popular={"*:*": ["v4", "v1", "v2"]}, starters={("*:*", ""): ["s9"]})
    opened = reader.open(tmp_path)
    del opened.release.tables["starters"]
    assert opened.starters() == []
    assert ids(opened.feed("nobody")) == ["v4", "v1", "v2"]


def test_no_python_reads_for_arrow(lake):
    """Buffers of Python's, held by Arrow's threads at the end of the process, would now and then abort it."""
    program = f"""
import deltalake.fs, sys
def refuse(*arguments): raise SystemExit("Python reads")
deltalake.fs.DeltaStorageHandler.open_input_file = refuse
from foryou.publishing import reader
opened = reader.open({str(lake)!r})
print(len(opened.popular()), len(opened.feed("u2")), len(opened.similar("v5")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["3", "3", "2"], done.stderr
