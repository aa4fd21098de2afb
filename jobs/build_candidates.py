"""Asks every source for each viewer's best unseen, eligible videos and blends them."""

from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.candidates import avoided, candidates, exploring, night
from foryou.catalogue.creators import log_multipliers
from foryou.catalogue.distribution import TESTS
from foryou.catalogue.evidence import GROUPS
from foryou.models import ids, matrices
from foryou.platform.job import Run, job


def main(run: Run) -> None:
    chosen = run.settings.candidates
    with run.lake.scratch() as folder:
        served = _gathered(run)
        served.save(folder)
        parts = -(-len(served.viewers) // candidates.VIEWERS_A_PART)
        make = partial(candidates.build, folder=folder, settings=chosen)
        rows = run.lake.replace_parts(tables.CANDIDATES, run.day, parts, make)
    run.note(viewers=rows)


def _gathered(run: Run) -> night.Night:
    lake, day = run.lake, run.day
    for table in (tables.INTERACTIONS, tables.VIDEOS):
        lake.require(table, day)
    interactions = lake.arrow(tables.INTERACTIONS, days=[day])
    viewer_ids = lake.arrow(tables.VIEWER_IDS)
    held, tired = (lake.arrow(table, days=[day]) for table in (tables.VIEWER_CONTROLS, tables.FATIGUE))
    n_viewers, n_videos = viewer_ids.num_rows, lake.arrow(tables.VIDEO_IDS, ["video"]).num_rows
    model_day = lake.arrow(tables.MODELS, ["model_day"], days=[day])["model_day"][0].as_py()
    viewer_factors = lake.arrow(tables.VIEWER_FACTORS, ["viewer", "factors"], days=[model_day])
    warm = lake.arrow(tables.VIDEO_FACTORS, ["video", "factors"], days=[model_day])
    cold = lake.arrow(tables.COLD_FACTORS, ["video", "factors"], days=[day])
    video_factors = pa.concat_tables([warm, cold])
    similar = lake.arrow(tables.SIMILAR, ["video", "videos", "scores"], days=[day])
    viewers = lake.arrow(tables.VIEWERS, ["viewer", "country", "language", "adult"], days=[day])
    ranked = lake.arrow(tables.POPULAR, days=[day])
    names, popular = night.popular_rows(ranked)
    seen = lake.arrow(tables.SEEN, ["viewer", "video"], days=lake.days_until(tables.SEEN, day))
    columns = ["video", "shown", "for_all", "creator_id", "sound_id", "tags", "uploaded_at"]
    videos = lake.arrow(tables.VIDEOS, columns, days=[day])
    unwanted = avoided.build(held, tired, videos, n_viewers, day, run.settings.viewer_controls)
    follows = lake.arrow(tables.FOLLOWS, ["viewer_id", "creator_id"], days=[day])
    creators, new_of_creator = night.new_of_creators(videos, day, run.settings.candidates.following_days)
    rated = lake.arrow(tables.CREATORS, ["creator_id", "multiplier"], days=[day])
    released = lake.arrow(tables.DISTRIBUTION, days=[day])
    tests = exploring.tests(released, TESTS, GROUPS)
    profiles = lake.arrow(tables.VIEWER_PROFILES, ["viewer", "group"], days=[day])
    starters = lake.arrow(tables.STARTERS, ["segment", "path", "slot", "video"], days=[day])
    countries, trending = night.trending_rows(lake.arrow(tables.TRENDING, ["country", "video", "score"], days=[day]))
    return night.Night(
        viewers=_in_order(viewer_ids, interactions, held, day),
        viewer_factors=matrices.dense(viewer_factors["viewer"], viewer_factors["factors"], n_viewers),
        video_factors=matrices.dense(video_factors["video"], video_factors["factors"], n_videos),
        has_factors=night.flags(video_factors["video"], n_videos),
        seen=matrices.rows(seen["viewer"], seen["video"], None, n_viewers),
        **vars(unwanted),
        liked=night.newest_liked(interactions, run.settings.candidates.similar_recent, n_viewers),
        similar=matrices.list_rows(similar["video"], similar["videos"], similar["scores"], n_videos),
        popular=popular,
        segments=night.own_segments(viewers, names, n_viewers),
        follows=night.followed(follows, viewer_ids, creators),
        new_of_creator=new_of_creator,
        trending=trending,
        countries=night.own_countries(viewers, countries, n_viewers),
        log_multipliers=log_multipliers(rated, videos, n_videos) + _push(run, released, n_videos),
        known=night.known(interactions, run.settings.candidates.enough_events, n_viewers),
        shown=night.flags(videos.filter(videos["shown"])["video"], n_videos),
        for_all=night.flags(videos.filter(videos["for_all"])["video"], n_videos),
        adult=night.flags(viewers.filter(viewers["adult"])["viewer"], n_viewers),
        wide=~night.flags(released.filter(pc.not_equal(released["stage"], "wide"))["video"], n_videos),
        tests=tests.videos,
        test_weights=tests.weights,
        groups=night.groups(profiles, n_viewers),
        seed=np.array([run.settings.candidates.seed << 32 | day.toordinal()], np.uint64),
        starting=night.starting_rows(starters, ranked, names),
    )


def _push(run: Run, released: pa.Table, n_videos: int) -> NDArray[np.float32]:
    """What a video that went wide lately is helped along by, in deviations of the blended score."""
    wide = released.filter(pc.equal(released["stage"], "wide"))
    push = np.zeros(n_videos, np.float32)
    push[wide["video"].to_numpy()] = run.settings.distribution.push_deviations * wide["push"].to_numpy()
    return push


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
