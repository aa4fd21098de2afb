"""The night as one declared list: the DAG, the local runner, the flow picture and the tests derive from it."""

from __future__ import annotations

from dataclasses import dataclass

from foryou import tables
from foryou.contract import Table


@dataclass(frozen=True)
class Step:
    """One step of a night: a job file of the same name, the tables it reads and those it writes.

    `noun` names the stage's module and settings section. `adds_to` are append-only maps that an earlier step has
    brought up to date, to which this one adds what it alone meets. `weight` is "heavy" for steps that want the machine
    alone. `before` lists tables that the step reads only as an earlier night left them: no edge of tonight. `process`
    names the step in whose Spark process a scheduled night runs this one: to start another would take longer than the
    little that it does.
    """

    name: str
    noun: str
    reads: tuple[Table, ...]
    writes: tuple[Table, ...]
    doc: str
    before: tuple[Table, ...] = ()
    adds_to: tuple[Table, ...] = ()
    reads_landing: bool = False
    weight: str = "light"
    process: str = ""


STEPS = (
    Step(
        "build_catalogue",
        "catalogue",
        (),
        (tables.VIDEOS, tables.VIEWERS, tables.FOLLOWS, tables.VIDEO_IDS, tables.VIEWER_IDS, tables.SIGN_UPS),
        "Takes the landed snapshots of videos, viewers and follows; gives new ones dense ids.",
        reads_landing=True,
    ),
    Step(
        "build_controls",
        "controls",
        (),
        (tables.CONTROLS,),
        "Takes what viewers asked of their feeds on the day: mutes, blocks, resets, opting out.",
        reads_landing=True,
        process="build_catalogue",
    ),
    Step(
        "build_events",
        "events",
        (tables.VIDEO_IDS,),
        (tables.EVENTS, tables.REJECTED_EVENTS),
        "Parses, validates and deduplicates the day's log; bad lines go to `rejected_events`; too many stop the night.",
        reads_landing=True,
    ),
    Step(
        "build_views",
        "views",
        (tables.EVENTS, tables.CONTROLS, tables.SIGN_UPS, tables.VIDEO_IDS, tables.VIEWER_IDS, tables.VIEWERS),
        (tables.VIEWS, tables.SEEN, tables.POSTS, tables.WATCH_NORMS, tables.SESSIONS, tables.EXITS),
        "Folds the day's events into one row per viewer and video, with points and the good-watch label; and into "
        "sessions, with where they ended.",
        before=(tables.POSTS, tables.WATCH_NORMS),
        adds_to=(tables.VIEWER_IDS,),
        process="build_events",
    ),
    Step(
        "build_viewer_controls",
        "viewer_controls",
        (tables.CONTROLS, tables.VIEWS, tables.VIDEOS, tables.VIEWER_IDS),
        (tables.VIEWER_CONTROLS, tables.FATIGUE),
        "Folds all controls so far into what holds for each viewer, and the refused videos into what they tire of.",
        before=(tables.MODELS,),
        process="build_events",
    ),
    Step(
        "build_interactions",
        "interactions",
        (tables.VIEWS, tables.VIEWER_CONTROLS),
        (tables.INTERACTIONS,),
        "Ages and adds up the points of the window: the matrix that models learn from.",
    ),
    Step(
        "build_content",
        "content",
        (tables.VIDEOS,),
        (tables.CONTENT, tables.SIMILAR),
        "Turns captions, tags, sounds, ... into one vector a video; finds near copies and each video's neighbours.",
        process="build_interactions",
    ),
    Step(
        "build_video_stats",
        "video_stats",
        (tables.INTERACTIONS, tables.VIDEOS, tables.POSTS, tables.EXITS),
        (tables.VIDEO_STATS, tables.EXIT_RATES),
        "Rates every video by those who watched it, and how often sessions end with it.",
        process="build_interactions",
    ),
    Step(
        "evaluate_factors",
        "evaluation",
        (tables.VIEWS, tables.SEEN, tables.VIDEOS, tables.VIEWER_IDS, tables.VIDEO_IDS),
        (tables.EVALUATIONS, tables.EXPLORATIONS),
        "Judges yesterday's factors on what was watched today, beside popularity, the baseline score and content; and "
        "says what other draws of videos under test would have earned.",
        before=(
            tables.CANDIDATES,
            tables.EXPLORATIONS,
            tables.MODELS,
            tables.VIEWER_FACTORS,
            tables.VIDEO_FACTORS,
            tables.VIEWER_PROFILES,
            tables.CONTENT,
            tables.POPULAR,
            tables.INTERACTIONS,
            tables.VIEWERS,
            tables.FOLLOWS,
        ),
        process="build_interactions",
    ),
    Step(
        "train_reranker",
        "reranker",
        (tables.VIEWS, tables.VIEWER_IDS, tables.VIDEO_IDS),
        (tables.EXPOSURES, tables.RERANKERS),
        "Learns from earlier days which candidates are watched well, and judges it beside the blend on the day's.",
        before=(
            tables.EXPOSURES,
            tables.CANDIDATES,
            tables.MODELS,
            tables.VIEWER_FACTORS,
            tables.VIDEO_FACTORS,
            tables.COLD_FACTORS,
            tables.VIEWER_PROFILES,
            tables.CONTENT,
            tables.CLUSTERS,
            tables.VIDEO_CLUSTERS,
            tables.VIDEOS,
            tables.VIEWERS,
            tables.CREATORS,
            tables.VIDEO_STATS,
        ),
        process="build_interactions",
    ),
    Step(
        "train_factors",
        "factors",
        (tables.INTERACTIONS, tables.EVALUATIONS, tables.VIEWS),
        (tables.MODELS, tables.VIEWER_FACTORS, tables.VIDEO_FACTORS),
        "Fits tonight's factors, warm from yesterday's; refuses bad ones and keeps the champion.",
        weight="heavy",
    ),
    Step(
        "build_clusters",
        "clusters",
        (tables.MODELS, tables.VIEWER_FACTORS, tables.VIDEO_FACTORS, tables.INTERACTIONS, tables.VIDEOS),
        (tables.CLUSTERS, tables.VIDEO_CLUSTERS),
        "Clusters videos and viewers by the night's factors; keeps yesterday's numbers and labels them by their tags.",
        before=(tables.CLUSTERS,),
        process="train_factors",
    ),
    Step(
        "build_profiles",
        "profiles",
        (
            tables.INTERACTIONS,
            tables.VIDEOS,
            tables.CONTENT,
            tables.VIEWERS,
            tables.MODELS,
            tables.VIEWER_FACTORS,
            tables.CLUSTERS,
        ),
        (tables.VIEWER_PROFILES,),
        "Tells of each viewer its genres, cluster and group, languages, and how mixed its taste is.",
        process="train_factors",
    ),
    Step(
        "build_cold_factors",
        "cold_factors",
        (
            tables.CONTENT,
            tables.MODELS,
            tables.VIDEO_FACTORS,
            tables.INTERACTIONS,
            tables.EVALUATIONS,
        ),
        (tables.COLD_FACTORS,),
        "Predicts factors of videos that nobody has met from their content, where that beats the content alone.",
        process="train_factors",
    ),
    Step(
        "build_distribution",
        "distribution",
        (
            tables.VIEWS,
            tables.VIDEOS,
            tables.CONTENT,
            tables.SIMILAR,
            tables.VIDEO_STATS,
            tables.EXIT_RATES,
            tables.VIEWER_PROFILES,
            tables.VIEWER_IDS,
            tables.VIDEO_IDS,
        ),
        (tables.DISTRIBUTION,),
        "Decides how far each new video is let out: through the gate, from test to test, to everybody.",
        before=(tables.DISTRIBUTION,),
        process="train_factors",
    ),
    Step(
        "build_trends",
        "trends",
        (tables.VIEWS, tables.VIDEOS, tables.VIEWERS, tables.VIDEO_STATS),
        (tables.TRENDS, tables.TRENDING),
        "Finds the tags, sounds and challenges that rise, by country, and the best videos of them.",
        process="train_factors",
    ),
    Step(
        "build_creators",
        "creators",
        (
            tables.VIDEOS,
            tables.VIDEO_STATS,
            tables.INTERACTIONS,
            tables.VIEWS,
            tables.VIEWERS,
            tables.FOLLOWS,
            tables.TRENDS,
            tables.VIEWER_PROFILES,
        ),
        (tables.CREATORS,),
        "Rates creators by how their videos do, and says who watches them.",
        process="train_factors",
    ),
    Step(
        "build_popular",
        "popular",
        (tables.VIEWS, tables.VIDEOS, tables.VIEWERS, tables.DISTRIBUTION),
        (tables.POPULAR,),
        "Ranks what each segment watches to the end, lately.",
        process="train_factors",
    ),
    Step(
        "build_starters",
        "starters",
        (
            tables.POPULAR,
            tables.VIDEOS,
            tables.VIEWERS,
            tables.VIDEO_STATS,
            tables.INTERACTIONS,
            tables.VIEWER_PROFILES,
            tables.CLUSTERS,
            tables.VIDEO_CLUSTERS,
            tables.VIEWER_IDS,
            tables.VIDEO_IDS,
        ),
        (tables.STARTERS,),
        "Chooses what newcomers meet first, and where what they watch leads them.",
        process="train_factors",
    ),
    Step(
        "build_candidates",
        "candidates",
        (
            tables.MODELS,
            tables.VIEWER_FACTORS,
            tables.VIDEO_STATS,
            tables.VIDEO_CLUSTERS,
            tables.CLUSTERS,
            tables.RERANKERS,
            tables.VIDEO_FACTORS,
            tables.COLD_FACTORS,
            tables.EVALUATIONS,
            tables.INTERACTIONS,
            tables.SEEN,
            tables.CONTENT,
            tables.SIMILAR,
            tables.POPULAR,
            tables.STARTERS,
            tables.DISTRIBUTION,
            tables.VIEWER_PROFILES,
            tables.TRENDING,
            tables.CREATORS,
            tables.VIEWER_CONTROLS,
            tables.FATIGUE,
            tables.VIDEOS,
            tables.VIEWERS,
            tables.FOLLOWS,
            tables.VIEWER_IDS,
            tables.VIDEO_IDS,
        ),
        (tables.CANDIDATES,),
        "Asks every source for each viewer's best unseen, eligible videos and blends them.",
        weight="heavy",
    ),
    Step(
        "build_feeds",
        "feeds",
        (
            tables.CANDIDATES,
            tables.CONTENT,
            tables.INTERACTIONS,
            tables.VIEWER_PROFILES,
            tables.TRENDS,
            tables.CREATORS,
            tables.VIEWER_CONTROLS,
            tables.FATIGUE,
            tables.VIDEOS,
            tables.VIEWERS,
            tables.VIEWER_IDS,
            tables.VIDEO_IDS,
        ),
        (tables.FEEDS,),
        "Turns candidates into the list that is shown: varied, under the rules, each video with its reason.",
        before=(tables.FEEDS, tables.RELEASES),
        weight="heavy",
        process="build_candidates",
    ),
    Step(
        "build_fairness",
        "fairness",
        (tables.FEEDS, tables.VIDEOS, tables.VIEWERS, tables.FOLLOWS, tables.VIEWER_IDS, tables.VIDEO_IDS),
        (tables.FAIRNESS,),
        "Works out who is shown in the night's feeds, and how much of one thing each viewer gets.",
        process="build_candidates",
    ),
    Step(
        "publish",
        "publishing",
        (
            tables.CANDIDATES,
            tables.FEEDS,
            tables.POPULAR,
            tables.SIMILAR,
            tables.STARTERS,
            tables.DISTRIBUTION,
            tables.MODELS,
            tables.SEEN,
            tables.VIEWER_CONTROLS,
            tables.FATIGUE,
            tables.VIDEOS,
            tables.VIEWERS,
            tables.VIEWER_IDS,
            tables.VIDEO_IDS,
        ),
        (*tables.PUBLISHED, tables.RELEASES),
        "Writes the published tables, checks them, then moves the pointer.",
        weight="heavy",
    ),
    Step(
        "report",
        "report",
        (
            tables.RELEASES,
            tables.EVALUATIONS,
            tables.RERANKERS,
            tables.CHECKS,
            tables.EVENTS,
            tables.REJECTED_EVENTS,
            tables.VIEWS,
            tables.VIDEOS,
            tables.VIDEO_IDS,
            tables.MODELS,
            tables.FEEDS,
            tables.POPULAR,
            tables.CLUSTERS,
            tables.VIEWER_PROFILES,
            tables.FAIRNESS,
            tables.DISTRIBUTION,
            tables.CREATORS,
            tables.TRENDS,
            tables.STARTERS,
        ),
        (),
        "Writes the night's report as one offline HTML page.",
    ),
)

BEFORE_THE_STEPS = ("build_missing_days", "build_video_ids", "build_viewer_ids")
"""Jobs that are no step of a night: they make up for nights that the lake lacks."""

FOR_PEOPLE = (tables.SESSIONS,)
"""Working tables that no step reads yet: for notebooks, and for what is built on them next."""

ALSO_WRITES_CHECKS = ("build_catalogue", "build_controls", "build_events", "publish")
"""These steps leave rows in `checks`, each under its own name, so they do not wait for one another."""

ALSO_WRITES_EVALUATIONS = ("build_cold_factors",)
"""These steps add rows of their own rankings to `evaluations`, after its writer has replaced the day."""

NOT_NAMED_BY_NOUN = ("publish", "report", "evaluate_factors", "train_factors", "train_reranker")
"""Steps whose verb is not `build`."""

BY_NAME = {step.name: step for step in STEPS}

PER_LANDED_DAY = ("build_controls", "build_video_ids", "build_viewer_ids", "build_events", "build_views")
"""What an earlier landed day of the window needs, if the lake lacks it, before a night can run.

Controls come first: they hold for ever, also where the rest of the day is refused. Of landed days before the window
they are all that is taken.
"""


def edges() -> list[tuple[str, str]]:
    """Pairs (earlier, later): the later step reads a table that the earlier one writes tonight."""
    writers = {table.path: step.name for step in STEPS for table in step.writes}
    found = [(writers[table.path], step.name) for step in STEPS for table in step.reads if table.path in writers]
    return sorted(set(found), key=lambda edge: ([*BY_NAME].index(edge[1]), [*BY_NAME].index(edge[0])))


def processes() -> dict[str, tuple[Step, ...]]:
    """The Spark processes of a scheduled night, each by the step that leads it, with its steps in their order."""
    leaders = [step.name for step in STEPS if not step.process]
    return {name: tuple(step for step in STEPS if name in (step.name, step.process)) for name in leaders}


def process_edges() -> list[tuple[str, str]]:
    """Pairs (earlier, later) of processes: a step of the later one reads what a step of the earlier one writes."""
    leader = {step.name: step.process or step.name for step in STEPS}
    found = {(leader[earlier], leader[later]): None for earlier, later in edges()}
    return [(earlier, later) for earlier, later in found if earlier != later]


def manifest(landing: str, day: str) -> str:
    """The file whose presence says that a day has landed."""
    return f"{landing}/day={day}/_manifest.json"
