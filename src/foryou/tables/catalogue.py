"""Tables of who and what there is: ids, videos, viewers, and what videos are about."""

from __future__ import annotations

from foryou.contract import ID_PATTERN, Column, Table
from foryou.tables.words import AUDIENCES, DAY, MODERATION, STATUSES, VIDEO, VIDEO_ID, VIEWER, VIEWER_ID, plain_id, text

DEVICE = text("device", "The device's name in the log before sign-up: a salted digest; null if unknown.")

VIEWER_IDS = Table(
    "viewer_ids",
    "Dense ids of viewers: append-only. A viewer who signed up after watching on a device has one id and two names.",
    "one name of a viewer ever seen, with the day it was first met",
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
        plain_id("creator_id", "Who made it."),
        plain_id("sound_id", "The sound it uses."),
        text("category", "Its category, if the platform has any."),
        Column("tags", "array<string>", "Its hashtags, lower case, without the sign.", required=True),
        text("caption", "Its caption."),
        text("language", "Language of the caption."),
        text("country", "Country of the upload."),
        Column("duration_ms", "int", "Milliseconds that it lasts; null if unknown.", at_least=1),
        Column("uploaded_at", "timestamp", "When it was uploaded (UTC)."),
        text("moderation", "What moderation says.", MODERATION, required=True),
        text("status", "Whether it is up.", STATUSES, required=True),
        text("audience", "Whom it may be shown to.", AUDIENCES, required=True),
        text("content_hash", "Equal for copies of one video; null if unknown."),
        text("tone", "Its mood or manner, as an upstream model calls it."),
        Column("visual_vector", "array<float>", "What it looks like, by an upstream model; all of one length."),
        Column("audio_vector", "array<float>", "What it sounds like, by an upstream model; all of one length."),
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
        text("language", "Language setting."),
        text("country", "Country setting."),
        text("device_class", "Class of device."),
        text("age_band", "Age band, as the platform cuts it."),
        text("referrer", "The app or site that the viewer came from."),
        Column("signed_up_at", "timestamp", "When the viewer signed up (UTC)."),
        Column("adult", "boolean", "Whether the age band begins at 18 or later; false if unknown.", required=True),
        DEVICE,
    ),
    key=("viewer_id",),
    keep_days=30,
)

SIGN_UPS = Table(
    "sign_ups",
    "Accounts of the last days that may inherit what was watched on their device before.",
    "one account, the first on its device",
    (
        DAY,
        VIEWER_ID,
        DEVICE,
        Column("signed_up_at", "timestamp", "When the viewer signed up (UTC).", required=True),
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

STAGES = ("refused", "waiting", "first", "second", "third", "fourth", "wide", "paused")

DISTRIBUTION = Table(
    "distribution",
    "How far each new video has been let out, and why. A video without a row is wide.",
    "one video on its way from upload to everybody, as of the night",
    (
        DAY,
        VIDEO,
        text("stage", "After tonight: below `wide` only exploration places hold it.", STAGES, required=True),
        text("decision", "What tonight decided: go_on, widen, widen_to_groups, extend, pause, ...", required=True),
        text("reason", "What the decision rests on.", required=True),
        Column("since", "date", "The night it came to this stage.", required=True),
        Column("wanted", "bigint", "Impressions that its test wants; 0 outside tests.", required=True, at_least=0),
        Column("impressions", "bigint", "Distinct viewers and days since then.", required=True, at_least=0),
        Column("viewers", "bigint", "Distinct viewers since then.", required=True, at_least=0),
        Column("good", "bigint", "Of them, those who watched it well.", required=True, at_least=0),
        Column("rate", "float", "good / viewers; null without any.", at_least=0, at_most=1),
        Column("bar", "float", "The rate of other videos of its duration, shown alike.", True, at_least=0, at_most=1),
        Column("posterior", "float", "Probability that its rate is above the bar.", True, at_least=0, at_most=1),
        Column("promise", "float", "Quality that its content foretells.", True, at_least=0, at_most=1),
        Column("push", "float", "How much a wide video is helped along: 1 for a week, then less.", True, at_least=0),
        Column("in_turn", "boolean", "Whether exploration places are kept for it tonight.", required=True),
        Column("groups", "array<int>", "The coarse viewer groups that its test is open to.", required=True),
        Column("group_impressions", "array<bigint>", "Impressions in each group, of its present stage.", required=True),
        Column(
            "alphas", "array<float>", "Of the rate's Beta posterior: everybody's, then each group's.", required=True
        ),
        Column("betas", "array<float>", "As `alphas`; the mean is alpha / (alpha + beta).", required=True),
        Column("extensions", "int", "How often the test was made longer.", required=True, at_least=0),
        Column("revived", "boolean", "Whether it has had its second try.", required=True),
    ),
    key=("video",),
    keep_days=30,
)

CONTENT = Table(
    "content",
    "What a video is about, as a vector of unit length in a sparse and a dense part, and whether it is a near copy.",
    "one video of the catalogue",
    (
        DAY,
        VIDEO,
        Column("dimensions", "array<int>", "Hashed tokens of tags, caption, sound, category, ...", required=True),
        Column(
            "weights", "array<float>", "Their weights; the squares, and those of `dense`, add up to 1.", required=True
        ),
        Column("dense", "array<float>", "Upstream vectors, whitened and weighted; null where there are none."),
        Column("embedding", "array<float>", "The whole vector in its leading singular directions; null if empty."),
        Column(
            "near_copy_of",
            "int",
            "The least dense id among its near copies (content hash, or text and duration): its own if none.",
            required=True,
            at_least=0,
        ),
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
