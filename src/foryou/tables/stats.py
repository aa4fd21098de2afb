"""Tables of how videos, tags, sounds and creators do."""

from __future__ import annotations

from foryou.contract import ID_PATTERN, Column, Table
from foryou.tables.words import DAY, VIDEO, text

VIDEO_STATS = Table(
    "video_stats",
    "What each video is worth to those who watched it, and how often sessions end with it.",
    "one video of the catalogue",
    (
        DAY,
        VIDEO,
        Column("viewers", "int", "Distinct viewers of the window, without who posted it.", True, at_least=0),
        Column("good", "int", "Those of them who watched it well.", True, at_least=0),
        Column("quality", "float", "Lower bound of its share of good watches.", True, at_least=0, at_most=1),
        Column("z", "float", "Deviations by which that share lies above its duration bucket's.", required=True),
        Column("sessions", "int", "Sessions that showed it.", True, at_least=0),
        Column("exits", "int", "Those of them that ended with it.", True, at_least=0),
        Column("exit_rate", "float", "Exits a session, drawn to the platform's.", True, at_least=0, at_most=1),
        Column("new_exit_rate", "float", "The same of new viewers' first two videos.", True, at_least=0, at_most=1),
    ),
    key=("video",),
    keep_days=30,
)

EXIT_RATES = Table(
    "exit_rates",
    "How often sessions end within a video, by where and on what they are watched.",
    "one device class in one country; `*` stands for all of them",
    (
        DAY,
        text("device_class", "Class of device, `unknown`, or `*`.", required=True),
        text("country", "Country of the viewer, `unknown`, or `*`.", required=True),
        Column("sessions", "bigint", "Sessions, each counted for every video it showed.", True, at_least=0),
        Column("exits", "bigint", "Sessions that ended.", True, at_least=0),
        Column("rate", "float", "Exits a video shown, drawn to the platform's.", True, at_least=0, at_most=1),
    ),
    key=("device_class", "country"),
    keep_days=30,
)

TRENDS = Table(
    "trends",
    "What rises: tags and sounds watched, and tags posted, more than in the two weeks before.",
    "one rising tag, sound or challenge of one country",
    (
        DAY,
        text("country", "Country of the viewers, of a challenge that of the uploads; `*` for all.", required=True),
        text("kind", "What rises; a challenge is a tag that is posted.", ("tag", "sound", "challenge"), required=True),
        text("name", "The tag, or the id of the sound.", required=True),
        Column("count", "bigint", "Views of the day, of a challenge videos uploaded.", True, at_least=0),
        Column("share", "float", "Its share of the day's.", True, at_least=0, at_most=1),
        Column("mean", "float", "Its mean share of the days before.", True, at_least=0, at_most=1),
        Column("z", "float", "By how many deviations the share lies above the mean.", required=True),
        Column("rank", "int", "From 1, within country and kind.", True, at_least=1),
    ),
    key=("country", "kind", "name"),
    keep_days=30,
)

TRENDING = Table(
    "trending",
    "The best videos of what rises.",
    "one rank of one country",
    (
        DAY,
        text("country", "Country of the viewers; `*` for all.", required=True),
        Column("rank", "int", "From 1.", True, at_least=1),
        VIDEO,
        Column("score", "float", "The video's quality.", True, at_least=0, at_most=1),
    ),
    key=("country", "rank"),
    keep_days=30,
)

CREATORS = Table(
    "creators",
    "How creators do, and how much that moves the place of their videos.",
    "one creator of the catalogue, or one whose penalty outlives the videos",
    (
        DAY,
        Column("creator_id", "string", "The creator.", required=True, pattern=ID_PATTERN),
        Column("videos", "int", "Videos in the catalogue that were not rejected.", True, at_least=0),
        text("stage", "See `catalogue/creators.py`.", ("new", "rising", "established", "dormant"), required=True),
        Column("followers", "bigint", "Viewers who follow.", True, at_least=0),
        Column("good_rate", "float", "Good watches a viewer, drawn to the platform's.", True, at_least=0, at_most=1),
        Column("completion", "float", "Mean completion of the window's views; null if none.", at_least=0, at_most=1),
        Column("exits_a_video", "float", "Sessions that ended with a video, per video.", True, at_least=0),
        Column("engagement", "float", "Part of credibility.", True, at_least=0, at_most=1),
        Column("activity", "float", "Part of credibility: active weeks of twelve.", True, at_least=0, at_most=1),
        Column("quality_trend", "float", "Part of credibility; .5 is steady.", True, at_least=0, at_most=1),
        Column("reach", "float", "Part of credibility: rank by followers.", True, at_least=0, at_most=1),
        Column("credibility", "float", "The parts, weighted, less the penalty.", True, at_least=0, at_most=1),
        Column("authority", "float", "How the first five videos did.", required=True),
        Column("penalty", "float", "For rejected and reported videos; fades.", True, at_least=0, at_most=1),
        Column("multiplier", "float", "What a video's place is moved by, as `z + log(multiplier)`.", required=True),
        Column(
            "clusters", "array<int>", "Viewer clusters of the good watches, most first; empty if few.", required=True
        ),
        Column("audience", "array<float>", "The share of each.", required=True),
        Column("rising_tags", "array<string>", "What rises where the audience is, most first.", required=True),
        Column("authority_viewers", "int", "On how many viewers the authority rests.", True, at_least=0),
        Column("rejected", "array<int>", "Videos that the penalty counts.", required=True),
        Column("rejected_on", "array<date>", "The day on which each was first seen rejected.", required=True),
        Column("report_penalty", "float", "The penalty for reports as of `reported_on`.", True, at_least=0, at_most=1),
        Column("reported_on", "date", "The day of that penalty; null if none."),
    ),
    key=("creator_id",),
    keep_days=30,
)
