"""The truth of a synthetic world: who would watch what well, saved apart from everything that landed.

The log-odds that a viewer watches a video well are one dot product, `taste · appeal`:

    topics (sd 0.9)  +  latent part that no tag explains (sd 0.9)  +  quality (sd 0.55)  +  generosity (sd 0.4)
    +  0.6 for a shared language  -  2.5
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from foryou.errors import InputMissing
from foryou.sources.world_words import LANGUAGES

TOPIC_SD, LATENT_SD, QUALITY_SD, GENEROSITY_SD, SHARED_LANGUAGE, BASE = 0.9, 0.9, 0.55, 0.4, 0.6, -2.5
FILE = "world.npz"

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Texts = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Truth:
    """All that a benchmark may know and a recommender may not.

    `taste` is [viewers, d] and `appeal` [videos, d], float32; row n belongs to `viewer_ids[n]` and
    `video_ids[n]`. Days count from the world's first: a video can be shown from `first_day` (that of its upload,
    if no moderator held it) up to and including `last_day`, to anyone unless it is `adult` and the viewer a
    `minor`.
    """

    viewer_ids: Texts
    video_ids: Texts
    taste: Floats
    appeal: Floats
    topic: Ints
    quality: Floats
    first_day: Ints
    last_day: Ints
    adult: npt.NDArray[np.bool_]
    minor: npt.NDArray[np.bool_]
    robot: npt.NDArray[np.bool_]

    def affinity(self, viewers: Ints, videos: Ints) -> Floats:
        """Probability of a good watch, pair by pair: `videos` is [n] or [n, k] beside `viewers` [n]."""
        wide = videos.reshape(len(viewers), -1)
        odds = np.einsum("nd,nkd->nk", self.taste[viewers], self.appeal[wide])
        return sigmoid(odds).reshape(videos.shape)

    def affinities(self, viewers: Ints) -> Floats:
        """Probability of a good watch of every video, [viewers, videos]; call it block by block."""
        return sigmoid(self.taste[viewers] @ self.appeal.T)

    def showable(self, day: int) -> npt.NDArray[np.bool_]:
        """Which videos can be shown on day `day`, [videos]; minors see those that are not `adult`."""
        return (self.first_day <= day) & (day <= self.last_day)

    def viewers_at(self, ids: Texts) -> npt.NDArray[np.int64]:
        """Row of each viewer id, -1 for an unknown one."""
        return _rows(self.viewer_ids, ids)

    def videos_at(self, ids: Texts) -> npt.NDArray[np.int64]:
        """Row of each video id, -1 for an unknown one."""
        return _rows(self.video_ids, ids)

    def save(self, folder: Path) -> Path:
        """Write the truth as one npz without pickle and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez(folder / FILE, allow_pickle=False, **arrays)
        return folder / FILE


def open_truth(landing: Path) -> Truth:
    """The truth of the world that was generated into `landing`. Raises `InputMissing` where there is none."""
    path = Path(landing) / "_truth" / FILE
    if not path.is_file():
        raise InputMissing(
            "truth", wanted=str(path), found="no such file", next_step="generate it: foryou world --out ..."
        )
    with np.load(path, allow_pickle=False) as stored:
        return Truth(**{field.name: stored[field.name] for field in fields(Truth)})


def draw_taste(
    topics: int,
    latent: int,
    languages: Ints,
    rng: np.random.Generator,
    *,
    topic_sd: float = TOPIC_SD,
    latent_sd: float = LATENT_SD,
) -> npt.NDArray[np.float32]:
    """Viewers' side of the dot product, [viewers, topics + latent + 2 + languages].

    A viewer likes a few topics much: the square root of a sparse Dirichlet draw, standardised.
    """
    count = len(languages)
    liked = np.sqrt(rng.dirichlet(np.full(topics, 0.25), count))
    liked = topic_sd * (liked - liked.mean()) / max(float(liked.std()), 1e-9)
    hidden = rng.standard_normal((count, latent)) * (latent_sd / np.sqrt(latent))
    generosity = BASE + GENEROSITY_SD * rng.standard_normal((count, 1))
    speaks = SHARED_LANGUAGE * np.eye(len(LANGUAGES))[languages]
    return np.hstack([liked, hidden, generosity, np.ones((count, 1)), speaks]).astype(np.float32)


def draw_appeal(
    topics: npt.NDArray[np.float64], hidden: npt.NDArray[np.float64], quality: Floats, languages: Ints
) -> npt.NDArray[np.float32]:
    """Videos' side of the dot product, in the order of `draw_taste`: topic shares, latent part, 1, quality."""
    ones = np.ones((len(quality), 1))
    spoken = np.eye(len(LANGUAGES))[languages]
    return np.hstack([topics, hidden, ones, quality[:, None], spoken]).astype(np.float32)


def sigmoid(odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-odds))


def _rows(known: Texts, wanted: Texts) -> npt.NDArray[np.int64]:
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)
    found = order[place]
    return np.where(known[found] == wanted, found, -1)
