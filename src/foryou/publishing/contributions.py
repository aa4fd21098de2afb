"""The contributions to the score of one viewer and one video, split as exactly as the score's parts add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foryou import tables
from foryou.models import shares, tokens, training
from foryou.publishing.pair import Pair

MOST_NAMED = 10

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Model:
    """The factors that the night used: the viewer's, the videos' by dense id, and which videos were in the fit."""

    day: Any
    parameters: dict[str, float]
    viewer: Floats
    videos: Floats
    fitted: NDArray[np.int32]


def model(pair: Pair) -> Model | None:
    """None where the lake keeps the factors no more, and for a viewer without any."""
    decision = pair.working.rows(tables.MODELS, ["model_day"])
    if decision is None:
        return None
    day = decision["model_day"][0].as_py()
    own = pair.of_viewer(tables.VIEWER_FACTORS, ["viewer", "factors"], day=day)
    warm = pair.working.rows(tables.VIDEO_FACTORS, ["video", "factors"], day=day)
    cold = pair.working.rows(tables.COLD_FACTORS, ["video", "factors"])
    if own is None or warm is None or own.num_rows == 0:
        return None
    told = pair.working.rows(tables.MODELS, ["parameters"])
    parameters = dict(told["parameters"][0].as_py() or []) if told is not None else {}
    rows = warm if cold is None else pa.concat_tables([warm, cold])
    viewer = own["factors"][0].values.to_numpy()
    return Model(day, parameters, viewer, pair.dense(rows, "factors"), warm["video"].to_numpy())


def of_factors(pair: Pair, found: Model) -> dict[str, Any] | None:
    """The dot product of the factors, and what each watched video gives to it; None where it cannot be split.

    `rest` is what the rounds of the fit left open; `others` are watched videos that are not named here.
    """
    met = pair.of_viewer(tables.INTERACTIONS, ["video", "strength"], day=found.day)
    vector = found.videos[pair.video]
    if met is None or pair.catalogue is None or not found.parameters or not vector.any():
        return None
    met = met.filter(pc.not_equal(met["strength"], 0.0))
    strengths = met["strength"].to_numpy().astype(np.float64)
    row = training.explained(strengths, found.parameters)
    fitted = found.videos[found.fitted].astype(np.float64)
    given = shares.of_factors(
        vector,
        found.videos[met["video"].to_numpy()],
        row.pulls,
        row.extra,
        fitted.T @ fitted,
        a0=row.a0,
        regularization=row.regularization,
    )
    return _by_video(pair, float(found.viewer.astype(np.float64) @ vector), met, given)


def of_content(pair: Pair, max_strength: float) -> dict[str, Any] | None:
    """The dot product of the viewer's taste for content and the video's embedding: by what the video is about, and by
    the videos watched, each of which adds up to the whole and a `rest` of rounding; None where there is none."""
    taste = pair.of_viewer(tables.VIEWER_PROFILES, ["content_taste"])
    content = pair.working.rows(tables.CONTENT, ["video", "dimensions", "weights", "dense", "embedding"])
    if taste is None or content is None or pair.met is None or pair.catalogue is None or pair.about is None:
        return None
    own = content.filter(pc.equal(content["video"], pair.video))
    if not taste.num_rows or taste["content_taste"][0].as_py() is None or not own.num_rows:
        return None
    liked = taste["content_taste"][0].values.to_numpy().astype(np.float64)
    vectors = pair.dense(content, "embedding").astype(np.float64)
    if vectors.shape[1] != len(liked):
        return None
    score = float(liked @ vectors[pair.video])
    clipped = np.clip(pair.met["strength"].to_numpy(), -max_strength, max_strength)
    given = shares.of_content(vectors[pair.video], vectors[pair.met["video"].to_numpy()], clipped)
    by_video = _by_video(pair, score, pair.met, given)
    return by_video | {"about": _by_token(pair, own, tokens.directions(content, _dimensions(own)) @ liked, score)}


def _dimensions(own: pa.Table) -> NDArray[np.int64]:
    found: NDArray[np.int64] = own["dimensions"][0].values.to_numpy().astype(np.int64)
    return found


def _by_token(pair: Pair, own: pa.Table, tastes: Floats, score: float) -> list[dict[str, Any]]:
    """What each tag of the video, its other plain facts, the words of its caption, and all else give to the score.

    tastes [dimensions of the video]: the taste for each. Two tokens may share a dimension; the first is named.
    """
    about = pair.about
    assert about is not None
    parts = own["weights"][0].values.to_numpy() * tastes
    left = dict(zip(_dimensions(own).tolist(), parts.tolist(), strict=True))
    facts = [(f"tag:{tag}", "tags", tag) for tag in dict.fromkeys(about["tags"])]
    columns = {"sound": "sound_id", "category": "category", "creator": "creator_id"}
    columns |= {"language": "language", "tone": "tone"}
    facts += [(f"{name}:{about[column]}", name, about[column]) for name, column in columns.items()]
    told = []
    for name, block, text in facts:
        at = int(tokens.dimensions(block, pa.array([text]))[0]) if text else -1
        if at in left:
            told.append({"about": name, "value": left.pop(at)} | _finished(pair, name))
    told.append({"about": "caption", "value": sum(left.values())})
    rest = score - float(parts.sum())
    told.append({"about": "looks_and_sounds" if own["dense"][0].is_valid else "rest", "value": rest})
    return [each | {"share": _share(each["value"], score)} for each in told if abs(each["value"]) > 1e-6]


def _finished(pair: Pair, name: str) -> dict[str, int]:
    """How many videos with a tag the viewer finished, of those that they may be reminded of."""
    if not name.startswith("tag:") or pair.met is None:
        return {}
    good = pair.met.filter(pc.and_(pair.met["good"], pc.greater(pair.met["strength"], 0.0)))
    good = good.filter(pa.array(pair.nameable(good["video"])))
    return {"finished": int(pair.has_tag(good["video"], name.removeprefix("tag:")).sum())}


def _by_video(pair: Pair, score: float, met: pa.Table, given: Floats) -> dict[str, Any]:
    """The shares of watched videos, the greatest first; at most so many, and only such as may be named."""
    assert pair.catalogue is not None
    worth_naming = np.abs(given) > 0.005 * max(abs(score), np.abs(given).sum())
    named = np.flatnonzero(pair.nameable(met["video"]) & worth_naming)
    named = named[np.argsort(-np.abs(given[named]), kind="stable")][:MOST_NAMED]
    ids = dict(zip(pair.catalogue["video"].to_pylist(), pair.catalogue["video_id"].to_pylist(), strict=True))
    videos = [
        {
            "video_id": ids[met["video"][place].as_py()],
            "strength": met["strength"][place].as_py(),
            "value": float(given[place]),
            "share": _share(float(given[place]), score),
        }
        for place in named.tolist()
    ]
    others, rest = float(given.sum() - given[named].sum()), score - float(given.sum())
    return {"score": score, "videos": videos, "others": others, "rest": rest}


def _share(value: float, score: float) -> float | None:
    """Of a score above 0."""
    return value / score if score > 0 else None


def of_score(pair: Pair, found: Model | None, push_deviations: float) -> dict[str, Any] | None:
    """The parts of the blended score, each against its mean over the viewer's own candidates; None without them.

    `rest` is popularity where the viewer is and what the viewer tires of; only known for a candidate. Of another video
    `score` is what these parts make it.
    """
    columns = ["videos", "scores", "taste_scales"]
    row = pair.of_viewer(tables.CANDIDATES, columns)
    if row is None or row.num_rows == 0 or row["taste_scales"][0].as_py() is None or pair.catalogue is None:
        return None
    videos, scores, scales = (row[name][0].values.to_numpy() for name in columns)
    if len(videos) == 0:
        return None
    asked = np.append(videos, pair.video)
    parts = {
        "factors": scales[0] * _tastes(pair, found.videos, found.viewer, asked) if found else np.zeros(len(asked)),
        "content": scales[1] * _content_tastes(pair, asked),
        "creator": _standing(pair, asked, push_deviations),
    }
    mean = float(scores.mean())
    told = {name: float(values[-1] - values[:-1].mean()) for name, values in parts.items()}
    place = np.flatnonzero(videos == pair.video)
    score = float(scores[place[0]]) if len(place) else mean + sum(told.values())
    if len(place):
        told["rest"] = score - mean - sum(told.values())
    return {"score": score, "mean": mean, "least": float(scores.min()), "candidate": bool(len(place)), "parts": told}


def _content_tastes(pair: Pair, asked: NDArray[np.int32]) -> Floats:
    taste = pair.of_viewer(tables.VIEWER_PROFILES, ["content_taste"])
    content = pair.working.rows(tables.CONTENT, ["video", "embedding"])
    if taste is None or content is None or not taste.num_rows or taste["content_taste"][0].as_py() is None:
        return np.zeros(len(asked))
    return _tastes(pair, pair.dense(content, "embedding"), taste["content_taste"][0].values.to_numpy(), asked)


def _tastes(pair: Pair, vectors: Floats, taste: Floats, asked: NDArray[np.int32]) -> Floats:
    """Dot products; a video without a vector has the mean one of those that may be shown to everybody tonight."""
    if vectors.shape[1] != len(taste):
        return np.zeros(len(asked))
    assert pair.catalogue is not None
    among = pair.catalogue.filter(pair.catalogue["shown"])["video"].to_numpy()
    tests = pair.working.rows(tables.DISTRIBUTION, ["video"], pc.field("stage") != "wide")
    among = among if tests is None else np.setdiff1d(among, tests["video"].to_numpy())
    known: NDArray[np.bool_] = np.any(vectors, axis=1)
    mean = vectors[among[known[among]]].mean(axis=0, dtype=np.float64) if known[among].any() else np.zeros(len(taste))
    return np.asarray(np.where(known[asked, None], vectors[asked], mean) @ taste.astype(np.float64))


def _standing(pair: Pair, asked: NDArray[np.int32], push_deviations: float) -> Floats:
    """What the creator's standing and newness add to each."""
    assert pair.catalogue is not None
    rated = pair.working.rows(tables.CREATORS, ["creator_id", "multiplier"])
    pushed = pair.working.rows(tables.DISTRIBUTION, ["video", "push"], pc.field("stage") == "wide")
    place = pc.index_in(pa.array(asked, pa.int32()), pair.catalogue["video"].combine_chunks())
    found = np.zeros(len(asked))
    if rated is not None:
        row = pc.index_in(pair.catalogue["creator_id"].take(place), rated["creator_id"].combine_chunks())
        multipliers = np.append(rated["multiplier"].to_numpy(), 1.0)
        found += np.log(multipliers[pc.fill_null(row, rated.num_rows).to_numpy()])
    if pushed is not None:
        by_video = dict(zip(pushed["video"].to_pylist(), pushed["push"].to_pylist(), strict=True))
        found += push_deviations * np.array([by_video.get(video, 0.0) for video in asked.tolist()])
    return found
