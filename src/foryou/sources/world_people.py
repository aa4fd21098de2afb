"""The viewers of a synthetic world, in the order in which they sign up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from foryou.sources.world_parameters import DAY_MS, WorldParameters
from foryou.sources.world_words import COUNTRIES, LANGUAGES

Ints = npt.NDArray[np.int64]

AGES = ("13-17", "18-24", "25-34", "35-44", "45+")
AGE_SHARES = (0.10, 0.34, 0.31, 0.15, 0.10)
DEVICES = ("phone_low", "phone_mid", "phone_high", "tablet", "web")
REFERRERS = ("organic", "invite", "ad", "search")


@dataclass(frozen=True)
class Viewers:
    """One entry per viewer: `frame` is the landing record, the arrays are what the simulation needs.

    `signed_up_ms` is when the account began (since 1970); from `active_from` (a day number) on a viewer may
    already watch on a device without an account. `activity` is proportional to the expected sessions a day,
    `talkative` multiplies the rates of likes, comments and the like.
    """

    frame: pl.DataFrame
    signed_up_ms: Ints
    signed_up_day: Ints
    active_from: Ints
    country: Ints
    language: Ints
    minor: npt.NDArray[np.bool_]
    activity: npt.NDArray[np.float64]
    talkative: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.country)

    def known(self, day: int) -> int:
        """How many have signed up by the end of a day; they are the first so many."""
        return int(np.searchsorted(self.signed_up_day, day, side="right"))


def draw_viewers(parameters: WorldParameters, rng: np.random.Generator) -> Viewers:
    """All viewers of the world; some of the new ones first come without an account, up to three days before."""
    count = parameters.viewers
    moment = arrivals(count, parameters.known_viewers, parameters.days, 200.0, rng)
    day = np.floor(moment).astype(np.int64)
    country, language = draw_homes(count, parameters.countries, rng)
    age = rng.choice(len(AGES), count, p=AGE_SHARES)
    signed_up = parameters.day_start_ms(0) + (moment * DAY_MS).astype(np.int64)
    early = np.where(rng.random(count) < parameters.early_share, rng.integers(1, 4, count), 0)
    return Viewers(
        frame=_records(signed_up, country, language, age, rng),
        signed_up_ms=signed_up,
        signed_up_day=day,
        active_from=day - early,
        country=country,
        language=language,
        minor=age == 0,
        activity=rng.lognormal(0.0, 1.0, count),
        talkative=rng.lognormal(-0.5, 1.0, count),
    )


def arrivals(
    count: int, known: float, days: int, mean_age_days: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """When each of `count` things came, in days from the first midnight, ascending.

    A share `known` came before, with exponential ages; the rest come evenly over the days, at least one before.
    """
    before = min(count, max(1, round(count * known)))
    old = -(rng.exponential(mean_age_days, before) % (5 * mean_age_days)) - 0.01
    return np.sort(np.concatenate([old, rng.random(count - before) * days]))


def draw_homes(count: int, countries: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """A country and a language for each of `count` people, as indices into `COUNTRIES` and `LANGUAGES`."""
    places = COUNTRIES[:countries]
    share = np.array([place.share for place in places])
    country = rng.choice(countries, count, p=share / share.sum())
    spoken = np.array([[place.languages.get(name, 0.0) for name in LANGUAGES] for place in places])
    bounds = np.cumsum(spoken, axis=1)
    bounds[:, -1] = 1.0
    language = (rng.random(count)[:, None] >= bounds[country]).sum(axis=1)
    return country, language


def _records(signed_up_ms: Ints, country: Ints, language: Ints, age: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """The landing records; some fields are unknown for some people."""
    count = len(country)
    device = rng.choice(len(DEVICES), count, p=(0.25, 0.40, 0.25, 0.04, 0.06))
    referrer = rng.choice(len(REFERRERS), count, p=(0.5, 0.2, 0.2, 0.1))
    frame = pl.DataFrame(
        {
            "viewer_id": numbered("u", count),
            "device_id": numbered("d", count),
            "language": pl.Series(LANGUAGES).gather(language),
            "country": pl.Series([place.code for place in COUNTRIES]).gather(country),
            "device_class": pl.Series(DEVICES).gather(device),
            "age_band": pl.Series(AGES).gather(age),
            "referrer": pl.Series(REFERRERS).gather(referrer),
            "signed_up_at": pl.Series(signed_up_ms).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC"),
        }
    )
    unknown = {"language": 0.03, "country": 0.02, "device_class": 0.05, "age_band": 0.1, "referrer": 0.3}
    # A minor's age is never unknown, so that a list can be judged against the records alone.
    told = {name: (rng.random(count) >= share) | (age == 0) for name, share in unknown.items()}
    return frame.with_columns(pl.when(pl.Series(mask)).then(name).alias(name) for name, mask in told.items())


def numbered(letter: str, count: int, digits: int = 6) -> pl.Series:
    """Ids such as `u000123`, in order."""
    return letter + pl.Series(np.arange(count)).cast(pl.String).str.zfill(digits)
