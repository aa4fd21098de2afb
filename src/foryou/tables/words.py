"""Words and columns that several tables share."""

from __future__ import annotations

from collections.abc import Sequence

from foryou.contract import ID_PATTERN, Column

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

CLUSTER_KINDS = ("videos", "viewers", "groups")
HELD_KINDS = ("mute_sound", "mute_tag", "mute_creator", "block_creator", "opted_out", "reset")
"""The controls that are in force as of a day."""

TIRED_KINDS = ("creator", "sound", "tag")
"""What a viewer who was not interested in a video is tired of."""

TASTES = ("factors", "similar", "popular")
"""Sources that are blended into candidates."""

POLICIES = {
    "evenly": "with equal odds",
    "taste": "by the viewer's taste alone",
    "content": "by what the viewer likes videos to be about alone",
    "newest": "with half the odds for each day of age",
    "thompson": "by the odds of having the best rate alone",
}
"""Other ways to draw videos under test, with words for them: it is asked each night what they would have earned."""

KEPT = ("following", "trending", "exploring", "starting")
"""Sources that have places kept for them in a feed."""

SOURCES = (*TASTES, *KEPT)
"""Bit i of a `sources` column stands for the i-th name."""

PARTS = ("factors", "content", "popular", "creator")
"""What a candidate's score adds up: who watches alike, what it is about, what is watched where the viewer is, and its
creator's standing with what new videos are helped along by. Number i of a `leads` column stands for the i-th."""

RULES = ("category_share", "sound_gap", "creator_gap", "sound_most", "creator_most")
"""Rules of a feed that are relaxed, in this order, where a list would fall short; bit i of `relaxed` is the i-th."""

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


def ladder(segment: str) -> tuple[str, str, str]:
    """The segments that somebody asks, one after another, until one has a list: `US:en`, `*:en`, `*:*`."""
    return segment, f"*:{segment.partition(':')[2] or '*'}", EVERYWHERE


def starting_rungs(segment: str, variants: Sequence[str] = ()) -> list[str]:
    """The segments of starters in the order in which they are asked for: on each rung the variants, then the plain one.

    A variant is the end of a name: `@age_band=18-24`.
    """
    return [f"{rung}{variant}" for rung in ladder(segment) for variant in (*variants, "")]


DEVICE_NAME = "^device-[0-9a-f]{24}$"
"""What a viewer is called before sign-up: a salted digest of the device's id (`foryou/secret.py`)."""

DAY = Column("day", "date", "The day (UTC) that the row belongs to.", required=True)

VIEWER = Column("viewer", "int", "Dense id of the viewer (`viewer_ids`).", required=True, at_least=0)

VIDEO = Column("video", "int", "Dense id of the video (`video_ids`).", required=True, at_least=0)

VIEWER_ID = Column("viewer_id", "string", "The viewer's id in the log.", required=True, pattern=ID_PATTERN)

VIDEO_ID = Column("video_id", "string", "The video's id in the log.", required=True, pattern=ID_PATTERN)

RELEASE_ID = Column("release_id", "string", "The release that the row was published in.", required=True)

SEGMENT = Column("segment", "string", "Country and language: `US:en`, else `*:en`, else `*:*`.", required=True)

STARTERS_SEGMENT = Column(
    "segment",
    "string",
    "As in `popular`; or a variant of it, for people from one app or of one age: `US:en@referrer=invite`, "
    "`*:en@age_band=18-24`.",
    required=True,
)

RULE_BITS = "Bit set of the rules that the place breaks, lowest bit first: " + ", ".join(RULES) + "."

SOURCE_BITS = "Bit set of the sources that found the video, lowest bit first: " + ", ".join(SOURCES) + "."


def text(name: str, doc: str, one_of: tuple[str, ...] = (), *, required: bool = False) -> Column:
    return Column(name, "string", doc, one_of=one_of, required=required)


def plain_id(name: str, doc: str) -> Column:
    return Column(name, "string", doc, pattern=ID_PATTERN)
