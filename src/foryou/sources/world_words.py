"""The words of the synthetic world: topics with their tags and things, captions by language, countries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Topic:
    """One topic: the category it belongs to, its tags (its own name first) and the things captions name."""

    name: str
    category: str
    tags: tuple[str, ...]
    things: tuple[str, ...]


def _topic(category: str, tags: str, things: str) -> Topic:
    words = tuple(tags.split())
    return Topic(words[0], category, words, tuple(thing.strip() for thing in things.split(",")))


TOPICS = (
    _topic(
        "food",
        "cooking easy recipe dinner kitchen noodles mealprep",
        "garlic noodles, one-pot curry, crispy potatoes, lemon chicken, fried rice, tomato soup, miso salmon",
    ),
    _topic(
        "dance",
        "dance choreo dancechallenge hiphop freestyle dancer moves",
        "hip hop routine, wedding dance, shuffle steps, freestyle battle, couple choreo, slow-motion turn",
    ),
    _topic(
        "comedy",
        "comedy funny skit jokes relatable prank memes",
        "monday meeting skit, dad joke, roommate sketch, airport impression, group chat drama, fake call",
    ),
    _topic(
        "music",
        "music cover singing guitar acoustic songwriter livemusic",
        "piano cover, acoustic song, bathroom concert, loop pedal jam, bass line, street duet, new chorus",
    ),
    _topic(
        "animals",
        "pets dog cat puppy kitten cutepets rescue",
        "sleepy kitten, puppy bath, rescue dog, parrot talk, cat zoomies, grumpy rabbit, first walk",
    ),
    _topic(
        "sports",
        "football soccer goals skills freekick training matchday",
        "free kick, last-minute goal, nutmeg, keeper save, street football, crossbar challenge",
    ),
    _topic(
        "sports",
        "fitness gym workout homeworkout abs strength running",
        "ten-minute abs, leg day, push-up ladder, morning run, kettlebell flow, stretch routine",
    ),
    _topic(
        "games",
        "gaming gameplay speedrun streamer console esports clutch",
        "boss fight, clutch round, speedrun, pixel farm, hidden level, ranked comeback, retro cartridge",
    ),
    _topic(
        "beauty",
        "makeup beauty skincare eyeliner grwm lipstick glowup",
        "soft glam, five-minute face, winged eyeliner, skin care night, festival look, lip combo",
    ),
    _topic(
        "fashion",
        "fashion outfit ootd thrift style streetwear sneakers",
        "thrift haul, rainy-day outfit, office look, vintage jacket, sneaker rotation, capsule wardrobe",
    ),
    _topic(
        "travel",
        "travel trip wanderlust beach citybreak backpacking hiddengem",
        "hidden beach, night train, rooftop view, old town walk, mountain hut, island ferry, street market",
    ),
    _topic(
        "making",
        "diy crafts homemade woodwork upcycle handmade tools",
        "pallet table, paper lamp, clay mug, bookshelf build, old chair rescue, wall painting",
    ),
    _topic(
        "learning",
        "science physics experiment space chemistry facts stem",
        "vacuum test, black hole, dry ice trick, magnet puzzle, water rocket, colour reaction",
    ),
    _topic(
        "learning",
        "languages vocabulary speaking grammar polyglot phrases study",
        "ten useful phrases, accent test, false friends, verb trick, ordering coffee, tongue twister",
    ),
    _topic(
        "cars",
        "cars drift supercar restoration engine roadtrip garage",
        "barn find, engine swap, drift corner, old pickup, track day, paint correction",
    ),
    _topic(
        "nature",
        "nature hiking wildlife mountains ocean sunset forest",
        "fox at dawn, sunset ridge, forest rain, whale jump, frozen lake, moss valley",
    ),
    _topic(
        "art",
        "art drawing painting sketch digitalart watercolor artist",
        "one-line portrait, watercolor sky, sketchbook tour, speed painting, mural, ink dragon",
    ),
    _topic(
        "family",
        "parenting baby momlife dadlife kids toddler family",
        "first steps, lunch box idea, bedtime trick, toddler logic, messy kitchen, twin chaos",
    ),
    _topic(
        "food",
        "baking cake bread dessert cookies pastry sourdough",
        "sourdough loaf, lava cake, cinnamon rolls, brown butter cookies, mirror glaze, cheese bread",
    ),
    _topic(
        "tech",
        "tech gadgets phone setup review coding apps",
        "desk setup, tiny keyboard, camera test, phone repair, home server, robot arm, app idea",
    ),
    _topic(
        "home",
        "home decor cleaning organize plants smallspace interior",
        "small balcony, plant corner, fridge reset, closet clear-out, rented kitchen, lamp swap",
    ),
    _topic(
        "film",
        "movies cinema series filmtok trailer review actor",
        "plot twist, one-take scene, villain ranking, lost ending, trailer breakdown, film poster",
    ),
    _topic(
        "money",
        "money budget saving sidehustle career investing business",
        "weekly budget, first salary, market stall, grocery challenge, job interview, tax basics",
    ),
    _topic(
        "magic",
        "magic cards illusion trick mindreader sleight magician",
        "coin vanish, card force, cup trick, mind read, rubber band jump, street magic",
    ),
)

NOISE_TAGS = ("fyp", "viral", "trending", "foryou", "new", "love", "daily")
STYLES = ("quick", "cozy", "late-night", "honest", "slow", "wild", "tiny", "perfect", "weekend", "first")
CAPTIONS = {
    "en": (
        "{style} {thing}",
        "my {style} {thing}, part 2",
        "how I do a {style} {thing}",
        "you asked for it: {thing}",
        "{thing} in under a minute",
        "wait for the end... {thing}",
    ),
    "es": ("mi {thing} de hoy", "así hago: {thing}", "{thing}, espera al final", "{thing} en un minuto"),
    "pt": ("meu {thing} de hoje", "como eu faço: {thing}", "{thing}, olha o final", "{thing} em um minuto"),
    "hi": ("aaj ka {thing}", "dekho mera {thing}", "{thing}, end tak dekho", "ek minute mein {thing}"),
    "id": ("{thing} hari ini", "cara aku: {thing}", "{thing}, tunggu akhirnya", "{thing} dalam semenit"),
    "fr": ("mon {thing} du jour", "comment je fais : {thing}", "{thing}, regarde la fin"),
    "de": ("mein {thing} von heute", "so mache ich das: {thing}", "{thing}, warte bis zum Ende"),
}
LANGUAGES = tuple(CAPTIONS)


@dataclass(frozen=True)
class Country:
    """Where people live: its share of them, hours ahead of UTC, and the shares of its languages."""

    code: str
    share: float
    ahead_h: int
    languages: dict[str, float]


COUNTRIES = (
    Country("US", 0.30, -6, {"en": 0.86, "es": 0.14}),
    Country("BR", 0.18, -3, {"pt": 1.0}),
    Country("IN", 0.17, 5, {"hi": 0.6, "en": 0.4}),
    Country("MX", 0.12, -6, {"es": 0.97, "en": 0.03}),
    Country("GB", 0.08, 0, {"en": 1.0}),
    Country("ID", 0.07, 7, {"id": 0.95, "en": 0.05}),
    Country("FR", 0.05, 1, {"fr": 1.0}),
    Country("DE", 0.03, 1, {"de": 0.9, "en": 0.1}),
)


def captions(topics: npt.NDArray[np.int64], languages: npt.NDArray[np.int64], rng: np.random.Generator) -> list[str]:
    """One caption per video, without its hashtags: a sentence of its language about a thing of its topic."""
    draws = rng.random((len(topics), 3))
    return [_caption(TOPICS[t], LANGUAGES[lang], *draw) for t, lang, draw in zip(topics, languages, draws, strict=True)]


def _caption(topic: Topic, language: str, which: float, thing: float, style: float) -> str:
    templates = CAPTIONS[language]
    return templates[int(which * len(templates))].format(
        thing=topic.things[int(thing * len(topic.things))], style=STYLES[int(style * len(STYLES))]
    )
