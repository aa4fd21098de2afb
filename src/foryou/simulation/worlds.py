"""The worlds that simulations run in, each frozen by its hash: to develop on, to judge by, and to do no harm in.

Whoever tunes something looks at `dev` alone. `judge` has other numbers of topics, other catalogues, tags that are
often wrong, more taste that no tag explains, tastes that wander. In each world of `neutral` some part of the system
has nothing to work with and may cost next to nothing.
"""

from __future__ import annotations

from dataclasses import replace

from foryou.sources.world import WorldParameters, world_hash

WARM_DAYS = 6
"""Days under the world's own logging policy before the first night."""

_PLAIN = WorldParameters(
    viewers=1_200,
    videos=2_400,
    days=WARM_DAYS + 14,
    events=480_000,
    seed=100,
    topics=16,
    early_share=0.0,
    robot_rate=0.0,
    duplicate_rate=0.0,
    late_rate=0.0,
    dirt_rate=0.0,
    broken_rate=0.0,
)
"""Twenty plays a viewer and day: people watch hundreds, but then would have seen the catalogue in a week.

Without dirt, which is for the steps that clean: a simulation begins after them."""

WORLDS = {
    "dev": {
        "plain": _PLAIN,
        "vague": replace(_PLAIN, seed=200, videos=1_800, true_tags=0.8, latent_sd=1.1, drift=0.005),
    },
    "judge": {
        "wide": replace(_PLAIN, seed=1_100, videos=3_200, topics=24, latent=12, known_videos=0.5),
        "hidden": replace(_PLAIN, seed=1_200, true_tags=0.6, topic_sd=0.7, latent_sd=1.2, creator_share=0.4),
        "drifting": replace(_PLAIN, seed=1_300, topics=12, videos=2_000, drift=0.02, true_tags=0.9, home_share=0.6),
    },
    "neutral": {
        "nothing_new": replace(_PLAIN, seed=2_100, known_videos=1.0),
        "nobody_new": replace(_PLAIN, seed=2_200, known_viewers=1.0),
        "one_taste": replace(_PLAIN, seed=2_300, topic_sd=0.0, latent_sd=0.0),
        "equal_creators": replace(_PLAIN, seed=2_500, creator_share=0.0, home_share=0.0),
        "tags_say_nothing": replace(_PLAIN, seed=2_400, true_tags=0.0, home_share=0.0, creator_share=0.0),
    },
}

FROZEN = {
    "plain": "5f142121aab4",
    "vague": "bf22b7bc4692",
    "wide": "efd0ab92755d",
    "hidden": "3393176d65fb",
    "drifting": "92ad75b7e1e0",
    "nothing_new": "fa4abff0ef8c",
    "nobody_new": "4ac12bcb8e99",
    "one_taste": "5415a4f95dda",
    "equal_creators": "2ff0eb882b86",
    "tags_say_nothing": "ae797cd97494",
}
"""The hash of each world's first seed: a figure belongs to it."""


def of(name: str) -> dict[str, WorldParameters]:
    """The worlds of a set, or one world by its name. Raises ValueError if there is neither."""
    if name in WORLDS:
        return WORLDS[name]
    every = {world: parameters for worlds in WORLDS.values() for world, parameters in worlds.items()}
    if name in every:
        return {name: every[name]}
    sets, names = ", ".join(WORLDS), ", ".join(every)
    raise ValueError(f"there is no world or set of worlds {name!r}, only the sets {sets} and the worlds {names}")


def seeded(parameters: WorldParameters, place: int) -> WorldParameters:
    """The same kind of world with other people and videos; place 0 is the one that is frozen."""
    return replace(parameters, seed=parameters.seed + place)


def hashes() -> dict[str, str]:
    """The hash of every world as it is now."""
    return {name: world_hash(parameters) for worlds in WORLDS.values() for name, parameters in worlds.items()}
