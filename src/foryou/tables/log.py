"""Tables of what happened: the checked log and what is folded from it."""

from __future__ import annotations

from foryou.contract import ID_PATTERN, Column, Table
from foryou.tables.words import CONTROL_KINDS, DAY, KINDS, SURFACES, VIDEO, VIEWER, VIEWER_ID, plain_id, text

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
        text("kind", "What was done.", KINDS, required=True),
        plain_id("video_id", "The video it was done to."),
        plain_id("creator_id", "The creator it was done to (follow, unfollow, profile_visit)."),
        Column("watched_ms", "int", "Milliseconds watched (play).", at_least=0),
        Column("duration_ms", "int", "Milliseconds that the video lasts; null if unknown.", at_least=1),
        text("surface", "Where the video was shown.", SURFACES),
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
        text(
            "reason",
            "Why it was refused; `duplicate`, `unknown_video` and `too_fast` do not count as bad.",
            required=True,
        ),
        text("line", "The line as it came, cut to 2,000 characters."),
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
        Column("own", "boolean", "The viewer posted it: no points, neither good nor skipped.", True),
        Column(
            "quantile",
            "float",
            "Rank of the time watched among views of videos that last as long, from `watch_norms`; null without plays, "
            "length or norms.",
            at_least=0,
            at_most=1,
        ),
        Column("position", "int", "Place among the plays of its session, from 1; null without plays.", at_least=1),
        Column("scroll_s", "float", "Seconds from its first play to the session's next; null if last.", at_least=0),
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

POSTS = Table(
    "posts",
    "Who posted which video: what one thinks of one's own says nothing.",
    "one viewer and video posted on that day",
    (DAY, VIEWER, VIDEO),
    key=("viewer", "video"),
)

WATCH_NORMS = Table(
    "watch_norms",
    "How long videos of a length are watched: one small histogram a day, and the ranks that the days before give.",
    "one stretch of watch time of one stretch of lengths",
    (
        DAY,
        Column("duration_bucket", "int", "Number of the stretch of lengths, four an octave.", True, at_least=0),
        Column("bin", "int", "Number of the stretch of milliseconds watched, eight an octave.", True, at_least=0),
        Column("views", "bigint", "Views of this day that fell there, own ones left out.", True, at_least=0),
        Column(
            "quantile",
            "float",
            "Midrank of the bin in its bucket among the days before this one; null while they hold too few views.",
            at_least=0,
            at_most=1,
        ),
    ),
    key=("duration_bucket", "bin"),
    keep_days=60,
)

SESSIONS = Table(
    "sessions",
    "Plays of a viewer without a long pause, told on the day on which the pause began.",
    "one session that ended on the day; those still open at its end belong to the next",
    (
        DAY,
        VIEWER,
        Column("session", "int", "Counts up through the viewer's day.", required=True, at_least=1),
        Column("started_at", "timestamp", "When its first play began (UTC).", required=True),
        Column("ended_at", "timestamp", "When its last play began (UTC).", required=True),
        Column("plays", "int", "How many plays it holds.", required=True, at_least=1),
        Column("videos", "int", "How many different videos, the viewer's own left out.", required=True, at_least=0),
        Column("watched_ms", "bigint", "Milliseconds watched over all plays.", required=True, at_least=0),
        Column("videos_a_minute", "float", "Videos passed a minute; null if only one, or at one moment.", at_least=0),
        Column("is_new", "boolean", "Whether the viewer came to the platform within the last day.", required=True),
    ),
    key=("viewer", "session"),
    keep_days=60,
)

EXITS = Table(
    "exits",
    "In how many sessions a video was shown, and in how many it was the last.",
    "one video, class of device and country, of the sessions that ended on the day; own views left out",
    (
        DAY,
        VIDEO,
        text("device_class", "Class of device of the viewers; null if unknown."),
        text("country", "Country of the viewers; null if unknown."),
        Column("sessions", "int", "Sessions that showed it.", required=True, at_least=0),
        Column("exits", "int", "Of these, ended within it: it was the last play.", required=True, at_least=0),
        Column("new_sessions", "int", "Sessions of new viewers with it among the first videos.", True, at_least=0),
        Column("new_exits", "int", "Of these, ended within the first videos.", required=True, at_least=0),
    ),
    key=("video", "device_class", "country"),
    keep_days=60,
)

CONTROLS = Table(
    "controls",
    "What viewers asked of their feeds on a day.",
    "one use of a control",
    (
        DAY,
        VIEWER_ID,
        text("kind", "Which control.", CONTROL_KINDS, required=True),
        text("target", "The sound, tag or creator it is about."),
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
        Column("good", "boolean", "Watched well on some day of the window.", required=True),
    ),
    key=("viewer", "video"),
    keep_days=3,
)
