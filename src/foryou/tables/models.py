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

RANKINGS = ("factors", "popularity", "baseline", "taste", "content", "predicted")

EVALUATIONS = Table(
    "evaluations",
    "How yesterday's model did on the day, beside popularity and the baseline score; how new videos could be ranked.",
    "one measure of one ranking",
    (
        DAY,
        text("ranking", "What was judged.", RANKINGS, required=True),
        text("measure", "`auc_exposed`, `recall@20`, `coverage@100`, `content_weight`, `cold_auc`, ...", required=True),
        Column("value", "double", "The mean over viewers.", required=True),
        Column("low", "double", "Lower end of its 95 % interval."),
        Column("high", "double", "Upper end of its 95 % interval."),
        Column("viewers", "bigint", "How many viewers it rests on.", required=True, at_least=0),
        text("model_version", "The model that was judged."),
    ),
    key=("ranking", "measure"),
)

FAIRNESS = Table(
    "fairness",
    "Who is shown in the feeds of a night, and how much of one thing each viewer gets.",
    "one measure of one slice",
    (
        DAY,
        text("measure", "`exposure`, `gini`, `topic_entropy_bits`, `relaxed`, ...", required=True),
        text("slice", "Whose: a tier of creators, videos, viewers; which rule of a feed.", required=True),
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
