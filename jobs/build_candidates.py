"""Asks every source for each viewer's best unseen, eligible videos and blends them."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.candidates import avoided, candidates, exploring, night, pair_features, reranking, taste
from foryou.catalogue.creators import log_multipliers
from foryou.catalogue.distribution import TESTS
from foryou.catalogue.evidence import GROUPS
from foryou.evaluation import taste_weight
from foryou.models import ids, matrices
from foryou.models.reranker import Model
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    chosen = run.settings.candidates
    with run.lake.scratch() as folder:
        served = _gathered(run)
        served.save(folder)
        _reranker(run, folder)
        parts = -(-len(served.viewers) // candidates.VIEWERS_A_PART)
        make = partial(candidates.build, folder=folder, settings=chosen)
        rows = run.lake.replace_parts(tables.CANDIDATES, run.day, parts, make)
    run.note(viewers=rows)


def _gathered(run: Run) -> night.Night:
    """What every worker maps: viewers and videos by their dense ids."""
    lake, day = run.lake, run.day
    for table in (tables.INTERACTIONS, tables.VIDEOS):
        lake.require(table, day)
    viewer_ids = lake.arrow(tables.VIEWER_IDS)
    size = _Size(viewer_ids.num_rows, lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows)
    interactions = lake.arrow(tables.INTERACTIONS, ["viewer", "video", "strength", "last_day"], days=[day])
    columns = ["video", "shown", "for_all", "creator_id", "sound_id", "tags", "uploaded_at"]
    videos = lake.arrow(tables.VIDEOS, columns, days=[day])
    viewers = lake.arrow(tables.VIEWERS, ["viewer", "country", "language", "adult"], days=[day])
    profiles = lake.arrow(tables.VIEWER_PROFILES, ["viewer", "group", "content_taste"], days=[day])
    released = lake.arrow(tables.DISTRIBUTION, days=[day])
    held = lake.arrow(tables.VIEWER_CONTROLS, days=[day])
    follows = lake.arrow(tables.FOLLOWS, ["viewer_id", "creator_id"], days=[day])
    creators, new_of_creator = night.new_of_creators(videos, day, run.settings.candidates.following_days)
    shown = night.flags(videos.filter(videos["shown"])["video"], size.videos)
    wide = ~night.flags(released.filter(pc.not_equal(released["stage"], "wide"))["video"], size.videos)
    found: dict[str, Any] = {
        "viewers": _in_order(viewer_ids, interactions, held, day),
        "liked": night.newest_liked(interactions, run.settings.candidates.similar_recent, size.viewers),
        "known": night.known(interactions, run.settings.candidates.enough_events, size.viewers),
        "follows": night.followed(follows, viewer_ids, creators),
        "new_of_creator": new_of_creator,
        "shown": shown,
        "wide": wide,
        "for_all": night.flags(videos.filter(videos["for_all"])["video"], size.videos),
        "adult": night.flags(viewers.filter(viewers["adult"])["viewer"], size.viewers),
        "groups": night.groups(profiles, size.viewers),
        "log_multipliers": _multipliers(run, videos, released, size),
    }
    found |= _tastes(run, profiles, shown & wide, size) | _lists(run, viewers, size)
    return night.Night(**found, **_left_out(run, held, videos, size), **_under_test(run, released, videos, size))


def _reranker(run: Run, folder: Path) -> None:
    """Leaves tonight's trees for the workers, where they were found to tell better than the blend."""
    lake, day = run.lake, run.day
    found = lake.arrow(tables.RERANKERS, ["state", "model", "account_bound"], days=[day]).to_pylist()
    used = bool(found) and found[0]["state"] == "used" and run.settings.candidates.reranked > 0
    run.note(reranked=used)
    if used:
        videos = lake.arrow(tables.VIDEOS, ["video", "creator_id"], days=[day])
        rated = lake.arrow(tables.CREATORS, ["creator_id", "multiplier"], days=[day])
        multipliers = log_multipliers(rated, videos, lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows)
        n_viewers = lake.arrow(tables.VIEWER_IDS, ["viewer"]).num_rows
        known = pair_features.as_of(lake.arrow, day, n_viewers, multipliers)
        reranking.Reranker(Model(found[0]["model"], found[0]["account_bound"]), known).save(folder)


@dataclass(frozen=True)
class _Size:
    """How many dense ids there are."""

    viewers: int
    videos: int


def _tastes(run: Run, profiles: pa.Table, among: NDArray[np.bool_], size: _Size) -> dict[str, Any]:
    """Vectors of viewers and videos, by who watched what and by what the videos are about."""
    lake, day, chosen = run.lake, run.day, run.settings.candidates
    model_day = lake.arrow(tables.MODELS, ["model_day"], days=[day])["model_day"][0].as_py()
    viewers = lake.arrow(tables.VIEWER_FACTORS, ["viewer", "factors"], days=[model_day])
    warm = lake.arrow(tables.VIDEO_FACTORS, ["video", "factors"], days=[model_day])
    videos = pa.concat_tables([warm, lake.arrow(tables.COLD_FACTORS, ["video", "factors"], days=[day])])
    content = lake.arrow(tables.CONTENT, ["video", "embedding"], days=[day])
    tastes = matrices.dense(viewers["viewer"], viewers["factors"], size.viewers)
    places = matrices.dense(videos["video"], videos["factors"], size.videos)
    factors = taste.of_one_scale(tastes, places, among, chosen.weight_factors)
    liked = matrices.dense_given(profiles["viewer"], profiles["content_taste"], size.viewers)
    about = matrices.dense_given(content["video"], content["embedding"], size.videos)
    contents = taste.of_one_scale(liked, about, among, _content_weight(run))
    return {
        "viewer_factors": factors[0],
        "video_factors": factors[1],
        "has_factors": night.flags(videos["video"], size.videos),
        "viewer_contents": contents[0],
        "video_contents": contents[1],
        "scales": np.column_stack([taste.scales(tastes, factors[0]), taste.scales(liked, contents[0])]),
    }


def _content_weight(run: Run) -> float:
    """What the last nights found it to be worth, on average; as the settings have it where none could tell."""
    chosen = run.settings.candidates
    found = run.lake.arrow(tables.EVALUATIONS, ["measure", "value"], days=run.window(chosen.content_weight_days))
    told = found.filter(pc.equal(found["measure"], taste_weight.MEASURE))["value"].to_numpy()
    weight = float(told.mean()) if len(told) else chosen.weight_content
    run.note(content_weight=round(weight, 3))
    return weight


def _lists(run: Run, viewers: pa.Table, size: _Size) -> dict[str, Any]:
    """Lists that are ready: of neighbours, segments and countries."""
    lake, day = run.lake, run.day
    similar = lake.arrow(tables.SIMILAR, ["video", "videos", "scores"], days=[day])
    ranked = lake.arrow(tables.POPULAR, days=[day])
    names, popular = night.popular_rows(ranked)
    starters = lake.arrow(tables.STARTERS, ["segment", "path", "slot", "video"], days=[day])
    countries, trending = night.trending_rows(lake.arrow(tables.TRENDING, ["country", "video", "score"], days=[day]))
    return {
        "similar": matrices.list_rows(similar["video"], similar["videos"], similar["scores"], size.videos),
        "popular": popular,
        "segments": night.own_segments(viewers, names, size.viewers),
        "starting": night.starting_rows(starters, ranked, names),
        "trending": trending,
        "countries": night.own_countries(viewers, countries, size.viewers),
    }


def _left_out(run: Run, held: pa.Table, videos: pa.Table, size: _Size) -> dict[str, Any]:
    """What viewers have seen, and what they do not want to see."""
    seen = run.lake.arrow(tables.SEEN, ["viewer", "video"], days=run.lake.days_until(tables.SEEN, run.day))
    tired = run.lake.arrow(tables.FATIGUE, days=[run.day])
    unwanted = avoided.build(held, tired, videos, size.viewers, run.day, run.settings.viewer_controls)
    return {"seen": matrices.rows(seen["viewer"], seen["video"], None, size.viewers)} | vars(unwanted)


def _under_test(run: Run, released: pa.Table, videos: pa.Table, size: _Size) -> dict[str, Any]:
    """Videos under test; the odds of one uploaded a day before another are a half of the other's, by newness."""
    uploaded = np.zeros(size.videos, np.float32)
    days = videos["uploaded_at"].cast(pa.date32()).cast(pa.int32())
    uploaded[videos["video"].to_numpy()] = pc.fill_null(days, 0).to_numpy()
    tests = exploring.tests(released, TESTS, GROUPS, np.log(2, dtype=np.float32) * uploaded)
    seed = np.array([run.settings.candidates.seed << 32 | run.day.toordinal()], np.uint64)
    of_tests = {"test_room": tests.room, "test_logs": tests.log_cdfs, "test_newness": tests.newness}
    return {"tests": tests.videos, "seed": seed} | of_tests


def _multipliers(run: Run, videos: pa.Table, released: pa.Table, size: _Size) -> NDArray[np.float32]:
    """What a video's creator is worth, and what one that went wide lately is helped along by, in deviations."""
    rated = run.lake.arrow(tables.CREATORS, ["creator_id", "multiplier"], days=[run.day])
    wide = released.filter(pc.equal(released["stage"], "wide"))
    found = log_multipliers(rated, videos, size.videos)
    found[wide["video"].to_numpy()] += run.settings.distribution.push_deviations * wide["push"].to_numpy()
    return found


def _in_order(viewer_ids: pa.Table, interactions: pa.Table, held: pa.Table, day: date) -> NDArray[np.int32]:
    """Whom to serve, in the order of their names: the order of everything published.

    That is who was met inside the window; and, although nothing else is known of them, who muted, blocked or reset
    something: what everybody gets would hold what they do not want or have seen. Never who opted out.
    """
    out = pc.equal(held["kind"], "opted_out")
    served = night.flags(interactions["viewer"], viewer_ids.num_rows)
    served[held.filter(pc.invert(out))["viewer"].to_numpy()] = True
    served[held.filter(out)["viewer"].to_numpy()] = False
    ordered = ids.one_name_each(viewer_ids, day).sort_by("viewer_id")["viewer"].to_numpy()
    return ordered[served[ordered]]


if __name__ == "__main__":
    job(main)
