"""The videos, creators and sounds of a synthetic world, in the order in which they are uploaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from foryou.sources.world_parameters import DAY_MS, WorldParameters
from foryou.sources.world_people import arrivals, draw_homes, numbered
from foryou.sources.world_truth import QUALITY_SD, draw_appeal
from foryou.sources.world_words import COUNTRIES, LANGUAGES, NOISE_TAGS, TOPICS, captions

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = 10_000
"""A day number after every world."""


@dataclass(frozen=True)
class Videos:
    """One entry per video: `frame` is the landing record, the arrays are what the simulation needs.

    Day numbers count from the world's first day: `rejected_from`, `private_from`, `deleted_from` are when a video
    stops being shown (`NEVER` for most); `flagged_until` is when it may first be shown, the day of its upload or
    that on which a human has looked at it. `appeal` is the videos' side of the truth, `owner` who posted it.
    """

    frame: pl.DataFrame
    uploaded_ms: Ints
    uploaded_day: Ints
    creator: Ints
    owner: Ints
    topic: Ints
    language: Ints
    duration_ms: Ints
    quality: Floats
    adult: Bools
    appeal: npt.NDArray[np.float32]
    rejected_from: Ints
    private_from: Ints
    deleted_from: Ints
    flagged_until: Ints

    def __len__(self) -> int:
        return len(self.topic)

    def known(self, day: int) -> int:
        """How many are uploaded by the end of a day; they are the first so many."""
        return int(np.searchsorted(self.uploaded_day, day, side="right"))

    @property
    def gone_from(self) -> Ints:
        """The first day on which a video is no longer shown."""
        return np.minimum(np.minimum(self.rejected_from, self.private_from), self.deleted_from)

    def snapshot(self, day: int) -> pl.DataFrame:
        """The landing records of all videos known by a day, with moderation and status as of that day."""
        known = self.known(day)
        rejected, flagged = self.rejected_from[:known] <= day, self.flagged_until[:known] > day
        looked_at = (self.flagged_until[:known] > self.uploaded_day[:known]) & ~flagged
        moderation = np.select([rejected, flagged, looked_at], [3, 1, 2], 0)
        status = np.select([self.deleted_from[:known] <= day, self.private_from[:known] <= day], [2, 1], 0)
        return self.frame.head(known).with_columns(
            moderation=pl.Series(("auto_ok", "flagged", "human_ok", "rejected")).gather(moderation),
            status=pl.Series(("live", "private", "deleted")).gather(status),
        )


@dataclass(frozen=True)
class _Creators:
    """One entry per creator: home topic, language, country, hidden style [creators, latent], share of uploads."""

    topic: Ints
    country: Ints
    language: Ints
    style: Floats
    skill: Floats
    share: Floats
    owner: Ints


def draw_videos(parameters: WorldParameters, known_viewers: int, rng: np.random.Generator) -> Videos:
    """All videos of the world; about one in seventy is a re-upload of an earlier one by somebody else."""
    count = parameters.videos
    creators = _draw_creators(max(1, count // 6), parameters, known_viewers, rng)
    moment = arrivals(count, parameters.known_videos, parameters.days, 30.0, rng)
    creator = rng.choice(len(creators.share), count, p=creators.share)
    copied = _copies(count, rng)
    at_home = rng.random(count) < parameters.home_share
    topic = np.where(at_home, creators.topic[creator], rng.integers(0, parameters.topics, count))[copied]
    theirs, own = parameters.creator_share, float(np.sqrt(1 - parameters.creator_share**2))
    hidden = (theirs * creators.style[creator] + own * rng.standard_normal((count, parameters.latent)))[copied]
    quality = (QUALITY_SD * (theirs * creators.skill[creator] + own * rng.standard_normal(count)))[copied]
    duration = np.clip(rng.lognormal(np.log(19_000), 0.75, count), 4_000, 240_000).astype(np.int64)[copied]
    language = creators.language[creator]
    day = np.floor(moment).astype(np.int64)
    uploaded = parameters.day_start_ms(0) + (moment * DAY_MS).astype(np.int64)
    adult = rng.random(count) < 0.015
    told = _told_topic(topic, copied, parameters)
    frame = _records(parameters, creator, copied, told, language, duration, adult, rng).with_columns(
        country=pl.Series([place.code for place in COUNTRIES]).gather(creators.country[creator]),
        uploaded_at=pl.Series(uploaded).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC"),
    )
    return Videos(
        frame=frame,
        uploaded_ms=uploaded,
        uploaded_day=day,
        creator=creator,
        owner=creators.owner[creator],
        topic=topic,
        language=language,
        duration_ms=duration,
        quality=quality,
        adult=adult,
        appeal=draw_appeal(_topic_shares(topic, parameters.topics, rng), hidden, quality, language),
        **_fates(day, parameters.days, rng),
    )


def _draw_creators(count: int, parameters: WorldParameters, known_viewers: int, rng: np.random.Generator) -> _Creators:
    country, language = draw_homes(count, parameters.countries, rng)
    share = rng.lognormal(0.0, 1.0, count)
    return _Creators(
        topic=rng.integers(0, parameters.topics, count),
        country=country,
        language=language,
        style=rng.standard_normal((count, parameters.latent)),
        skill=rng.standard_normal(count),
        share=share / share.sum(),
        owner=rng.integers(0, known_viewers, count),
    )


def _copies(count: int, rng: np.random.Generator) -> Ints:
    """For each video the one whose content it shows: itself, or for a few an earlier one."""
    own = np.arange(count)
    earlier = (rng.random(count) * own).astype(np.int64)
    first = np.where(rng.random(count) < 0.015, earlier, own)
    return first[first]


def _told_topic(topic: Ints, copied: Ints, parameters: WorldParameters) -> Ints:
    """The topic that tags, words, category and sound speak of: for some videos any other."""
    if parameters.true_tags == 1:
        return topic
    rng = np.random.default_rng([parameters.seed, 1])
    true = rng.random(len(topic)) < parameters.true_tags
    return np.where(true, topic, rng.integers(0, parameters.topics, len(topic)))[copied]


def _topic_shares(topic: Ints, topics: int, rng: np.random.Generator) -> Floats:
    """How much each video is about each topic, [videos, topics]: mostly its own, a little of a second."""
    shares = np.zeros((len(topic), topics))
    rows = np.arange(len(topic))
    np.add.at(shares, (rows, rng.integers(0, topics, len(topic))), 0.2)
    np.add.at(shares, (rows, topic), 0.8)
    return shares


def _fates(day: Ints, days: int, rng: np.random.Generator) -> dict[str, Ints]:
    """When each video is rejected, hidden, deleted or released by a moderator."""
    count = len(day)
    fate = rng.choice(5, count, p=(0.006, 0.008, 0.015, 0.012, 0.959))
    later = np.maximum(day, 0) + rng.integers(0, days + 1, count)
    return {
        "rejected_from": np.where(fate == 0, day + 1, NEVER),
        "private_from": np.where(fate == 1, later, NEVER),
        "deleted_from": np.where(fate == 2, later + 1, NEVER),
        # Half of the flagged ones are looked at the next day; the others still wait.
        "flagged_until": np.where(fate == 3, np.where(rng.random(count) < 0.5, day + 1, NEVER), day),
    }


def _records(
    parameters: WorldParameters,
    creator: Ints,
    copied: Ints,
    topic: Ints,
    language: Ints,
    duration: Ints,
    adult: Bools,
    rng: np.random.Generator,
) -> pl.DataFrame:
    count = len(creator)
    tags = draw_tags(topic, parameters.topics, rng)
    texts = pl.Series(captions(topic, language, rng)).gather(copied)
    return pl.DataFrame(
        {
            "video_id": numbered("v", count),
            "creator_id": "c" + pl.Series(creator).cast(pl.String).str.zfill(5),
            "sound_id": _sounds(topic, parameters.topics, rng),
            "category": pl.Series([one.category for one in TOPICS]).gather(topic),
            "tags": tags,
            "caption": texts + (" #" + tags.list.join(" #")).set(tags.list.len() == 0, ""),
            "language": pl.Series(LANGUAGES).gather(language),
            "duration_ms": duration,
            "audience": pl.Series(("all", "adult")).gather(adult.astype(np.int64)),
            "content_hash": _hashes(copied, rng),
        }
    ).with_columns(
        category=pl.when(pl.Series(rng.random(count) >= 0.05)).then("category"),
        # Unknown lengths are seen in real catalogues: the event may still carry one.
        duration_ms=pl.when(pl.Series(rng.random(count) >= 0.01)).then("duration_ms"),
    )


def draw_tags(topic: Ints, topics: int, rng: np.random.Generator) -> pl.Series:
    """Up to six tags per video: its topic's own for four in five, others of the topic, wrong ones, noise."""
    count, width = len(topic), max(len(one.tags) for one in TOPICS)
    words = [*(tag for one in TOPICS for tag in one.tags + ("",) * (width - len(one.tags))), *NOISE_TAGS, ""]
    nothing, noise = len(words) - 1, len(TOPICS) * width
    other = rng.integers(0, topics, count)
    slots = np.column_stack(
        [
            np.where(rng.random(count) < 0.8, topic * width, nothing),
            *(np.where(rng.random(count) < 0.55, _a_tag(topic, width, rng), nothing) for _ in range(3)),
            np.where(rng.random(count) < 0.08, _a_tag(other, width, rng), nothing),
            np.where(rng.random(count) < 0.35, noise + rng.integers(0, len(NOISE_TAGS), count), nothing),
        ]
    )
    flat = pl.DataFrame({"tag": pl.Series(words).gather(slots.ravel())}).to_series()
    lists = flat.reshape((count, slots.shape[1])).arr.to_list().list.unique(maintain_order=True)
    return lists.list.eval(pl.element().filter(pl.element() != "")).alias("tags")


def _a_tag(topic: Ints, width: int, rng: np.random.Generator) -> Ints:
    sizes = np.array([len(one.tags) for one in TOPICS])[topic]
    return topic * width + 1 + (rng.random(len(topic)) * (sizes - 1)).astype(np.int64)


def _sounds(topic: Ints, topics: int, rng: np.random.Generator) -> pl.Series:
    """A sound per video, a few much used; three in five belong to the topic; one video in seven has its own."""
    count = len(topic)
    groups = max(1, count // 12 // topics)
    rank = (groups * rng.random(count) ** 3).astype(np.int64)
    home = np.where(rng.random(count) < 0.6, topic, rng.integers(0, topics, count))
    names = "s" + pl.Series(rank * topics + home).cast(pl.String).str.zfill(5)
    return names.set(pl.Series(rng.random(count) < 0.15), None)


def _hashes(copied: Ints, rng: np.random.Generator) -> pl.Series:
    """Content hashes: a re-upload has the hash of the first; two in five were re-encoded and differ at the end."""
    values = rng.integers(0, 1 << 62, len(copied), dtype=np.int64)[copied]
    encoded_again = (copied != np.arange(len(copied))) & (rng.random(len(copied)) < 0.4)
    values = np.where(encoded_again, values ^ 5, values)
    return pl.Series([f"{value:016x}" for value in values.tolist()])
