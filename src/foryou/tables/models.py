"""Tables of what was learned, and how well."""

from __future__ import annotations

from foryou.contract import Column, Table
from foryou.tables.words import DAY, VIDEO, VIEWER, text

VIEWER_FACTORS = Table(
    "viewer_factors",
    "The taste of each viewer in the model of a night. Kept here, not in the model, so that a person can be erased.",
    "one viewer with interactions",
    (DAY, VIEWER, Column("factors", "array<float>", "The viewer's factors.", required=True)),
    key=("viewer",),
    keep_days=8,
)

VIDEO_FACTORS = Table(
    "video_factors",
    "The place of each video in the model of a night.",
    "one video with interactions",
    (DAY, VIDEO, Column("factors", "array<float>", "The video's factors.", required=True)),
    key=("video",),
    keep_days=8,
)

COLD_FACTORS = Table(
    "cold_factors",
    "Where videos that nobody has met would lie in the model of a night; empty if their content alone ranks better.",
    "one video of the catalogue without interactions",
    (DAY, VIDEO, Column("factors", "array<float>", "The factors predicted from its content.", required=True)),
    key=("video",),
    keep_days=3,
)

MODELS = Table(
    "models",
    "Which model a night used and why.",
    "one night's decision",
    (
        DAY,
        text(
            "state",
            "`accepted`, or `refused`: then an earlier model stays.",
            ("accepted", "refused"),
            required=True,
        ),
        Column("model_day", "date", "The day whose factors the night uses.", required=True),
        text("model_version", "The model's name in the registry and in releases.", required=True),
        text("faults", "What was wrong with tonight's model; empty if nothing."),
        text("mlflow_run_id", "The run that trained tonight's model."),
        text("sha256", "Digest of the factor file."),
    ),
    key=("day",),
)

EXPOSURES = Table(
    "exposures",
    "What viewers were shown, with what the night before knew of viewer and video: what the reranker learns from.",
    "one video met by one viewer, of a draw of the day's viewers",
    (
        DAY,
        Column("group", "int", "Number of the viewer in the draw: it names nobody.", required=True, at_least=0),
        Column("place", "int", "Counts through the group's rows.", required=True, at_least=0),
        Column("good", "boolean", "Whether it was watched well.", required=True),
        Column("weight", "float", "1; of a random exposure 1 / propensity, clipped.", required=True),
        Column("features", "array<float>", "See `models/reranker.py`; NaN where nothing is known.", required=True),
    ),
    key=("group", "place"),
    keep_days=8,
)

RERANKERS = Table(
    "rerankers",
    "Whether trees that learn from earlier days tell what is watched well better than the blend did on the day.",
    "one night's decision",
    (
        DAY,
        text("state", "`used`, or `left_out`: then the blend stands as it is.", ("used", "left_out"), required=True),
        text("why", "What the decision rests on.", required=True),
        Column("days", "int", "Earlier days that it learned from.", required=True, at_least=0),
        Column("rows", "bigint", "Their rows.", required=True, at_least=0),
        Column("viewers", "bigint", "How many viewers of the day it was judged on.", required=True, at_least=0),
        Column("blended", "double", "AUC of the blend among their exposed candidates; null if not judged."),
        Column("reranked", "double", "The same of the reranker."),
        Column("features", "array<string>", "What it looks at, most telling first.", required=True),
        Column("importances", "array<float>", "The share of the gain of all splits that each has.", required=True),
        Column("account_bound", "float", "By how much account settings may move a score; null if left out."),
        text("model", "The trees as LightGBM's text; null if left out."),
    ),
    key=("day",),
    keep_days=30,
)

RANKINGS = ("factors", "popularity", "baseline", "taste", "content", "predicted")

EVALUATIONS = Table(
    "evaluations",
    "How yesterday's model did on the day, beside popularity and the baseline score; how new videos could be ranked.",
    "one measure of one ranking",
    (
        DAY,
        text("ranking", "What was judged.", RANKINGS, required=True),
        text(
            "measure",
            "`auc_exposed`, `recall@20`, `map@10`, `diversity@100`, `content_weight`, `cold_auc`, ...",
            required=True,
        ),
        text("slice", "Of whom or of what alone: `new viewers`, `new videos`, `country US`; null: of all."),
        Column("value", "double", "The mean over viewers.", required=True),
        Column("low", "double", "Lower end of its 95 % interval; null where it has none."),
        Column("high", "double", "Upper end of its 95 % interval."),
        Column("viewers", "bigint", "How many viewers it rests on.", required=True, at_least=0),
        text("model_version", "The model that was judged."),
    ),
    key=("ranking", "measure", "slice"),
)

FAIRNESS = Table(
    "fairness",
    "Who is shown in the feeds of a night, and how much of one thing each viewer gets.",
    "one measure of one slice",
    (
        DAY,
        text("measure", "`exposure`, `gini`, `topic_entropy_bits`, ...", required=True),
        text("slice", "Whose: a tier of creators, videos, viewers.", required=True),
        Column("value", "double", "A share, or what the measure's name says.", required=True),
    ),
    key=("measure", "slice"),
)

CHECKS = Table(
    "checks",
    "What was checked and how it came out.",
    "one expectation on one table",
    (
        DAY,
        text("step", "The step that asked.", required=True),
        text("table", "The table that was checked.", required=True),
        text("expectation", "What was expected.", required=True),
        Column("passed", "boolean", "Whether it held.", required=True),
        Column("gates", "boolean", "Whether the night stops if it does not hold.", required=True),
        text("observed", "What was seen."),
        text("override", "The reason that a person gave for going on all the same."),
    ),
    key=("step", "table", "expectation"),
    keep_days=400,
)
