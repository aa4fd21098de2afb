"""Every table of the lake, declared once. `docs/tables.md` is generated from this file."""

from __future__ import annotations

from foryou.contract import ID_PATTERN, Column, Table

KINDS = (
    "play",
    "like",
    "unlike",
    "share",
    "comment",
    "follow",
    "unfollow",
    "save",
    "profile_visit",
    "post",
    "not_interested",
    "report",
    "exit",
)
VIDEO_KINDS = ("play", "like", "unlike", "share", "comment", "save", "not_interested", "report")
SURFACES = ("for_you", "explore", "following", "search", "profile", "other")
MODERATION = ("auto_ok", "flagged", "human_ok", "rejected")
STATUSES = ("live", "private", "deleted")
AUDIENCES = ("all", "adult")
CONTROL_KINDS = (
    "mute_sound",
    "mute_tag",
    "mute_creator",
    "block_creator",
    "reset_feed",
    "opt_out",
    "opt_in",
    "erase",
)

SOURCES = ("factors", "similar", "popular")
"""Bit i of a `sources` column stands for the i-th name."""

LANDED = {
    "events": "event_id string, happened_at string, viewer_id string, device_id string, kind string, "
    "video_id string, creator_id string, watched_ms bigint, duration_ms bigint, pauses int, surface string, "
    "position int, release_id string, propensity double, referrer string",
    "videos": "video_id string, creator_id string, sound_id string, category string, tags array<string>, "
    "caption string, language string, country string, duration_ms bigint, uploaded_at string, "
    "moderation string, status string, audience string, content_hash string, visual_vector array<float>, "
    "audio_vector array<float>, tone string",
    "viewers": "viewer_id string, device_id string, language string, country string, device_class string, "
    "age_band string, referrer string, signed_up_at string",
    "follows": "viewer_id string, creator_id string, since string",
    "controls": "viewer_id string, kind string, target string, happened_at string",
}
"""The landing contract: the fields of each kind of file as Spark DDL; times are ISO 8601 text in UTC."""

EVERYWHERE = "*:*"
"""The widest segment: everybody."""

DAY = Column("day", "date", "The day (UTC) that the row belongs to.", required=True)
VIEWER = Column("viewer", "int", "Dense id of the viewer (`viewer_ids`).", required=True, at_least=0)
VIDEO = Column("video", "int", "Dense id of the video (`video_ids`).", required=True, at_least=0)
VIEWER_ID = Column("viewer_id", "string", "The viewer's id in the log.", required=True, pattern=ID_PATTERN)
VIDEO_ID = Column("video_id", "string", "The video's id in the log.", required=True, pattern=ID_PATTERN)
RELEASE_ID = Column("release_id", "string", "The release that the row was published in.", required=True)
SEGMENT = Column("segment", "string", "Country and language: `US:en`, else `*:en`, else `*:*`.", required=True)
SOURCE_BITS = "Bit set of the sources that found the video, lowest bit first: " + ", ".join(SOURCES) + "."


def _text(name: str, doc: str, one_of: tuple[str, ...] = (), *, required: bool = False) -> Column:
    return Column(name, "string", doc, one_of=one_of, required=required)


def _plain_id(name: str, doc: str) -> Column:
    return Column(name, "string", doc, pattern=ID_PATTERN)


EVENTS = Table(
    "events",
    "The checked event log: parsed, validated, each event once.",
    "one event of the log of its landing day",
    (
        DAY,
        Column("event_id", "string", "The event's id.", required=True, pattern=ID_PATTERN),
        Column("happened_at", "timestamp", "When it happened (UTC).", required=True),
        Column(
            "viewer_id",
            "string",
            "Who did it; a device before sign-up as `device-` and a hash.",
            required=True,
            pattern=ID_PATTERN,
        ),
        _text("kind", "What was done.", KINDS, required=True),
        _plain_id("video_id", "The video it was done to."),
        _plain_id("creator_id", "The creator it was done to (follow, unfollow, profile_visit)."),
        Column("watched_ms", "int", "Milliseconds watched (play).", at_least=0),
        Column("duration_ms", "int", "Milliseconds that the video lasts; null if unknown.", at_least=1),
        _text("surface", "Where the video was shown.", SURFACES),
        Column("position", "int", "Place in the list shown, from 1.", at_least=0),
        Column("release_id", "string", "The release that the list came from."),
        Column(
            "propensity",
            "double",
            "Probability with which a random policy showed it.",
            at_least=0,
            at_most=1,
        ),
    ),
    key=("event_id",),
    keep_days=30,
)

REJECTED_EVENTS = Table(
    "rejected_events",
    "What the log held and `events` does not, with the reason.",
    "one refused line of the log",
    (
        DAY,
        _text(
            "reason",
            "Why it was refused; `duplicate` and `unknown_video` do not count as bad.",
            required=True,
        ),
        _text("line", "The line as it came, cut to 2,000 characters."),
    ),
    key=(),
    keep_days=30,
)

VIEWS = Table(
    "views",
    "The log in its compact daily form, from which every window is built.",
    "all that one viewer did with one video on one day",
    (
        DAY,
        VIEWER,
        VIDEO,
        Column("plays", "int", "How often it was started.", required=True, at_least=0),
        Column("watched_ms", "int", "Milliseconds watched over all plays.", required=True, at_least=0),
        Column("duration_ms", "int", "Milliseconds that the video lasts; null if unknown.", at_least=1),
        Column("completion", "float", "min(1, longest play / duration); null if unknown.", at_least=0, at_most=1),
        Column("rewatched", "boolean", "Watched twice its length, or a second play at least half through.", True),
        Column("liked", "boolean", "Liked, and not taken back.", True),
        Column("shared", "boolean", "Shared.", True),
        Column("commented", "boolean", "Commented on.", True),
        Column("followed", "boolean", "Its creator followed, and not taken back.", True),
        Column("saved", "boolean", "Saved.", True),
        Column("skipped", "boolean", "Left within min(2 s, 10 % of its length), nothing done.", True),
        Column("good", "boolean", "A good watch: the label that models learn and are judged by.", True),
        Column("points", "float", "Signed points of the day, DESIGN §7.", True),
        Column("propensity", "float", "Probability of a random exposure; null otherwise.", at_least=0, at_most=1),
    ),
    key=("viewer", "video"),
    keep_days=60,
)

SEEN = Table(
    "seen",
    "Which videos a viewer was shown, ever: kept beyond the window.",
    "one viewer and video met on that day",
    (DAY, VIEWER, VIDEO),
    key=("viewer", "video"),
)

VIEWER_IDS = Table(
    "viewer_ids",
    "Dense ids of viewers: append-only.",
    "one viewer ever seen, with the day it was first met",
    (DAY, VIEWER_ID, VIEWER),
    key=("viewer_id",),
)

VIDEO_IDS = Table(
    "video_ids",
    "Dense ids of videos: append-only.",
    "one video ever landed, with the day it was first met",
    (DAY, VIDEO_ID, VIDEO),
    key=("video_id",),
)

VIDEOS = Table(
    "videos",
    "The catalogue as of a day.",
    "one video known by that day",
    (
        DAY,
        VIDEO,
        VIDEO_ID,
        _plain_id("creator_id", "Who made it."),
        _plain_id("sound_id", "The sound it uses."),
        _text("category", "Its category, if the platform has any."),
        Column("tags", "array<string>", "Its hashtags, lower case, without the sign.", required=True),
        _text("caption", "Its caption."),
        _text("language", "Language of the caption."),
        _text("country", "Country of the upload."),
        Column("duration_ms", "int", "Milliseconds that it lasts; null if unknown.", at_least=1),
        Column("uploaded_at", "timestamp", "When it was uploaded (UTC)."),
        _text("moderation", "What moderation says.", MODERATION, required=True),
        _text("status", "Whether it is up.", STATUSES, required=True),
        _text("audience", "Whom it may be shown to.", AUDIENCES, required=True),
        _text("content_hash", "Equal for copies of one video; null if unknown."),
        Column("shown", "boolean", "Whether any list may hold it: live and passed by moderation.", required=True),
        Column("for_all", "boolean", "Whether lists of people of any age may: shown and for all.", required=True),
        Column("copy_of", "int", "The least dense id of its content hash: its own if none.", required=True, at_least=0),
    ),
    key=("video_id",),
    keep_days=30,
)

VIEWERS = Table(
    "viewers",
    "The viewers as of a day.",
    "one signed-up viewer known by that day",
    (
        DAY,
        VIEWER,
        VIEWER_ID,
        _text("language", "Language setting."),
        _text("country", "Country setting."),
        _text("device_class", "Class of device."),
        _text("age_band", "Age band, as the platform cuts it."),
        _text("referrer", "The app or site that the viewer came from."),
        Column("signed_up_at", "timestamp", "When the viewer signed up (UTC)."),
        Column("adult", "boolean", "Whether the age band begins at 18 or later; false if unknown.", required=True),
    ),
    key=("viewer_id",),
    keep_days=30,
)

FOLLOWS = Table(
    "follows",
    "Who follows whom as of a day.",
    "one viewer following one creator",
    (
        DAY,
        VIEWER_ID,
        Column("creator_id", "string", "The creator followed.", required=True, pattern=ID_PATTERN),
        Column("since", "timestamp", "Since when (UTC)."),
    ),
    key=("viewer_id", "creator_id"),
    keep_days=3,
)

CONTROLS = Table(
    "controls",
    "What viewers asked of their feeds on a day.",
    "one use of a control",
    (
        DAY,
        VIEWER_ID,
        _text("kind", "Which control.", CONTROL_KINDS, required=True),
        _text("target", "The sound, tag or creator it is about."),
        Column("happened_at", "timestamp", "When (UTC).", required=True),
    ),
    key=("viewer_id", "kind", "target", "happened_at"),
)

INTERACTIONS = Table(
    "interactions",
    "What a viewer thinks of a video, as of a day: the matrix that models learn from.",
    "one viewer and video met inside the window",
    (
        DAY,
        VIEWER,
        VIDEO,
        Column("strength", "float", "Signed, aged points over the mean of positive ones.", required=True),
        Column("last_day", "date", "The last day on which they met.", required=True),
    ),
    key=("viewer", "video"),
    keep_days=3,
)

CONTENT = Table(
    "content",
    "What a video is about, as a sparse vector of unit length.",
    "one video of the catalogue that shares a word, tag, sound, ... with another",
    (
        DAY,
        VIDEO,
        Column("dimensions", "array<int>", "Hashed tokens of tags, caption, sound, category, ...", required=True),
        Column("weights", "array<float>", "Their weights; the squares add up to 1.", required=True),
    ),
    key=("video",),
    keep_days=3,
)

SIMILAR = Table(
    "similar",
    "Videos alike in content.",
    "one video with its nearest neighbours, best first",
    (
        DAY,
        VIDEO,
        Column("videos", "array<int>", "Dense ids of the neighbours.", required=True),
        Column("scores", "array<float>", "Cosine of the content vectors.", required=True),
    ),
    key=("video",),
    keep_days=3,
)

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

MODELS = Table(
    "models",
    "Which model a night used and why.",
    "one night's decision",
    (
        DAY,
        _text(
            "state",
            "`accepted`, or `refused`: then an earlier model stays.",
            ("accepted", "refused"),
            required=True,
        ),
        Column("model_day", "date", "The day whose factors the night uses.", required=True),
        _text("model_version", "The model's name in the registry and in releases.", required=True),
        _text("faults", "What was wrong with tonight's model; empty if nothing."),
        _text("mlflow_run_id", "The run that trained tonight's model."),
        _text("sha256", "Digest of the factor file."),
    ),
    key=("day",),
)

EVALUATIONS = Table(
    "evaluations",
    "How yesterday's model did on the day, beside popularity.",
    "one measure of one ranking",
    (
        DAY,
        _text("ranking", "What was judged.", ("factors", "popularity"), required=True),
        _text("measure", "`auc_exposed`, `recall@20`, `ndcg@100`, `coverage@100`, ...", required=True),
        Column("value", "double", "The mean over viewers.", required=True),
        Column("low", "double", "Lower end of its 95 % interval."),
        Column("high", "double", "Upper end of its 95 % interval."),
        Column("viewers", "bigint", "How many viewers it rests on.", required=True, at_least=0),
        _text("model_version", "The model that was judged."),
    ),
    key=("ranking", "measure"),
)

POPULAR = Table(
    "popular",
    "What a segment watches to the end, lately.",
    "one rank of one segment",
    (
        DAY,
        SEGMENT,
        Column("rank", "int", "From 1.", required=True, at_least=1),
        VIDEO,
        Column("score", "float", "Good watches by distinct viewers, halved every two days.", required=True),
    ),
    key=("segment", "rank"),
    keep_days=30,
)

CANDIDATES = Table(
    "candidates",
    "What each viewer might like, from all sources.",
    "one viewer with up to 200 candidates, best first",
    (
        DAY,
        VIEWER,
        Column("videos", "array<int>", "Dense ids, best first.", required=True),
        Column("scores", "array<float>", "The blended score.", required=True),
        Column("sources", "array<int>", SOURCE_BITS, required=True),
        Column("leads", "array<int>", "Number of the source that gave each its highest score.", required=True),
        Column("ranks", "array<int>", "Rank from 1 in the leading source's own list.", required=True),
    ),
    key=("viewer",),
    keep_days=3,
)

FEEDS = Table(
    "feeds",
    "What each viewer is shown next, in serving order.",
    "one viewer with up to 100 videos",
    (
        DAY,
        VIEWER,
        Column("videos", "array<int>", "Dense ids, in serving order.", required=True),
        Column("scores", "array<float>", "The blended score.", required=True),
        Column("sources", "array<int>", SOURCE_BITS, required=True),
        Column("reasons", "array<int>", "Number of the reason code (`feeds/reasons.py`).", required=True),
        Column(
            "objects",
            "array<int>",
            "What the reason is about: a video, a segment; -1 for nothing.",
            required=True,
        ),
        Column("values", "array<float>", "How strongly the reason holds.", required=True),
    ),
    key=("viewer",),
    keep_days=3,
)

CHECKS = Table(
    "checks",
    "What was checked and how it came out.",
    "one expectation on one table",
    (
        DAY,
        _text("step", "The step that asked.", required=True),
        _text("table", "The table that was checked.", required=True),
        _text("expectation", "What was expected.", required=True),
        Column("passed", "boolean", "Whether it held.", required=True),
        Column("gates", "boolean", "Whether the night stops if it does not hold.", required=True),
        _text("observed", "What was seen."),
        _text("override", "The reason that a person gave for going on all the same."),
    ),
    key=("step", "table", "expectation"),
    keep_days=400,
)

_ITEM = "video_id string, score float"

PUBLISHED_CANDIDATES = Table(
    "candidates",
    "Up to 200 candidates per viewer, best first, for services that rank themselves.",
    "one viewer",
    (
        DAY,
        RELEASE_ID,
        VIEWER_ID,
        Column("items", f"array<struct<{_ITEM}, sources int>>", f"Best first. {SOURCE_BITS}", required=True),
    ),
    key=("viewer_id",),
    partition=(),
    published=True,
)

PUBLISHED_FEEDS = Table(
    "feeds",
    "The list of each viewer in serving order, with reasons.",
    "one viewer",
    (
        DAY,
        RELEASE_ID,
        VIEWER_ID,
        Column(
            "items",
            f"array<struct<{_ITEM}, sources int, reason string, reason_value float, propensity float>>",
            "In serving order; `reason` is a code with its object; `propensity` is null outside exploration. "
            + SOURCE_BITS,
            required=True,
        ),
    ),
    key=("viewer_id",),
    partition=(),
    published=True,
)

PUBLISHED_POPULAR = Table(
    "popular",
    "What to show to someone unknown, by segment.",
    "one rank of one segment",
    (
        DAY,
        RELEASE_ID,
        SEGMENT,
        Column("rank", "int", "From 1.", required=True, at_least=1),
        VIDEO_ID,
        Column("score", "float", "Good watches by distinct viewers, halved every two days.", required=True),
        _text("reason", "A code with its object: `popular_in:US:en`.", required=True),
    ),
    key=("segment", "rank"),
    partition=(),
    published=True,
)

PUBLISHED_SIMILAR = Table(
    "similar",
    "Videos alike in content.",
    "one video",
    (
        DAY,
        RELEASE_ID,
        VIDEO_ID,
        Column("items", f"array<struct<{_ITEM}>>", "Nearest first; score is a cosine.", required=True),
    ),
    key=("video_id",),
    partition=(),
    published=True,
)

RELEASES = Table(
    "releases",
    "The pointer: which versions of the published tables belong together, and which release is live.",
    "one release",
    (
        RELEASE_ID,
        DAY,
        _text("state", "Exactly one release is live.", ("live", "retired", "refused"), required=True),
        _text("status", "Whether the night had to fall back on something.", ("ok", "degraded"), required=True),
        Column("published_at", "timestamp", "When it was published (UTC).", required=True),
        Column("contract_version", "int", "Version of this contract.", required=True),
        _text("model_version", "The model behind it."),
        Column("tables", "map<string,bigint>", "The Delta version of each published table.", required=True),
        Column("counts", "map<string,bigint>", "The rows of each published table.", required=True),
    ),
    key=("release_id",),
    partition=(),
    published=True,
)

CONTRACT_VERSION = 1
"""Raised when a published column changes its meaning or goes; new columns do not raise it."""

PUBLISHED = (PUBLISHED_CANDIDATES, PUBLISHED_FEEDS, PUBLISHED_POPULAR, PUBLISHED_SIMILAR)

ALL = (
    VIDEOS,
    VIEWERS,
    FOLLOWS,
    CONTROLS,
    VIEWER_IDS,
    VIDEO_IDS,
    EVENTS,
    REJECTED_EVENTS,
    VIEWS,
    SEEN,
    INTERACTIONS,
    CONTENT,
    SIMILAR,
    MODELS,
    VIEWER_FACTORS,
    VIDEO_FACTORS,
    EVALUATIONS,
    POPULAR,
    CANDIDATES,
    FEEDS,
    CHECKS,
    *PUBLISHED,
    RELEASES,
)
