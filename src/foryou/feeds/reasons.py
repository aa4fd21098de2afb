"""Why a video is in a feed: a code with its object in the tables, words for people."""

from __future__ import annotations

LIKE_YOU, SIMILAR_TO, POPULAR_IN = range(3)
CODES = ("like_you", "similar_to", "popular_in", "following", "trending", "exploring", "starting")
"""Reason number i is written as the i-th code; `similar_to` takes a video, `popular_in` a segment."""

WORDS = {
    "en": {
        "like_you": "people who watch like you watched it to the end",
        "similar_to": "similar to {object}, which you liked",
        "popular_in": "popular in {object} right now",
        "following": "new from a creator you follow",
        "trending": "on the rise where you are",
        "exploring": "new here: watch it and help others find it",
        "starting": "liked by many different people",
    },
    "de": {
        "like_you": "Menschen mit deinem Geschmack haben es zu Ende gesehen",
        "similar_to": "ähnlich wie {object}, das dir gefiel",
        "popular_in": "gerade beliebt in {object}",
        "following": "neu von jemandem, dem du folgst",
        "trending": "gerade im Kommen, wo du bist",
        "exploring": "neu hier: sieh es an und hilf anderen, es zu finden",
        "starting": "gefällt vielen verschiedenen Menschen",
    },
    "es": {
        "like_you": "lo vieron hasta el final personas con tus gustos",
        "similar_to": "parecido a {object}, que te gustó",
        "popular_in": "popular ahora en {object}",
        "following": "nuevo de alguien a quien sigues",
        "trending": "en alza donde estás",
        "exploring": "nuevo aquí: míralo y ayuda a otros a encontrarlo",
        "starting": "gusta a muchas personas distintas",
    },
}

EVERYWHERE_WORDS = {"en": "all countries", "de": "allen Ländern", "es": "todos los países"}


def in_words(reason: str, language: str | None = None, titles: dict[str, str] | None = None) -> str:
    """A reason such as `similar_to:v17` as a sentence in the viewer's language, English where we do not speak it.

    `titles` gives the captions of videos, to be named in place of their ids. A code that is not known here, such as
    a later release may hold, is given back as it is.
    """
    spoken = language if language in WORDS else "en"
    code, _, named = reason.partition(":")
    if code == "popular_in":
        named = _place(named, spoken)
    elif titles and titles.get(named):
        named = f"“{titles[named]}”"
    return WORDS[spoken][code].format(object=named) if code in CODES else reason


def _place(segment: str, language: str) -> str:
    country, _, spoken = segment.partition(":")
    if country != "*":
        return f"{country} ({spoken})"
    return EVERYWHERE_WORDS[language] if spoken == "*" else f"{EVERYWHERE_WORDS[language]} ({spoken})"
