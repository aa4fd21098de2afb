"""Why a video is in a feed: a code with its object in the tables, words for people."""

from __future__ import annotations

from foryou.plain_text import plain_text

CODES = (
    "like_you",
    "similar_to",
    "popular_in",
    "following",
    "trending",
    "exploring",
    "starting",
    "finished_tag",
    "new_in",
    "creator",
    "your_taste",
)
"""Reason number i is written as the i-th code, with what it is about behind a colon.

`similar_to` takes a video, `popular_in` a segment, `finished_tag` and `trending` a tag, `new_in` a country, `following`
and `creator` a creator; `trending` has none where no tag of the video rises.
"""

(
    LIKE_YOU,
    SIMILAR_TO,
    POPULAR_IN,
    FOLLOWING,
    TRENDING,
    EXPLORING,
    STARTING,
    FINISHED_TAG,
    NEW_IN,
    CREATOR,
    YOUR_TASTE,
) = range(len(CODES))

WORDS = {
    "en": {
        "like_you": "people who watch like you watched it to the end",
        "similar_to": "similar to {object}, which you liked",
        "popular_in": "popular in {object} right now",
        "following": "new from {object}, whom you follow",
        "trending": "#{object} is on the rise where you are",
        "exploring": "new here: watch it and help others find it",
        "starting": "liked by many different people",
        "finished_tag": "because you finished {value} videos tagged #{object}",
        "new_in": "new in your country",
        "creator": "from {object}, whose videos are watched to the end",
        "your_taste": "chosen by what you watch",
    },
    "de": {
        "like_you": "Menschen mit deinem Geschmack haben es zu Ende gesehen",
        "similar_to": "ähnlich wie {object}, das dir gefiel",
        "popular_in": "gerade beliebt in {object}",
        "following": "neu von {object}, dem du folgst",
        "trending": "#{object} ist gerade im Kommen, wo du bist",
        "exploring": "neu hier: sieh es an und hilf anderen, es zu finden",
        "starting": "gefällt vielen verschiedenen Menschen",
        "finished_tag": "weil du {value} Videos mit #{object} zu Ende gesehen hast",
        "new_in": "neu in deinem Land",
        "creator": "von {object}: diese Videos werden zu Ende gesehen",
        "your_taste": "ausgesucht nach dem, was du ansiehst",
    },
    "es": {
        "like_you": "lo vieron hasta el final personas con tus gustos",
        "similar_to": "parecido a {object}, que te gustó",
        "popular_in": "popular ahora en {object}",
        "following": "nuevo de {object}, a quien sigues",
        "trending": "#{object} está en alza donde estás",
        "exploring": "nuevo aquí: míralo y ayuda a otros a encontrarlo",
        "starting": "gusta a muchas personas distintas",
        "finished_tag": "porque viste hasta el final {value} vídeos con #{object}",
        "new_in": "nuevo en tu país",
        "creator": "de {object}: sus vídeos se ven hasta el final",
        "your_taste": "elegido por lo que ves",
    },
}

PLAIN = {
    "en": {
        "following": "new from a creator you follow",
        "trending": "on the rise where you are",
        "finished_tag": "because you finish videos tagged #{object}",
    },
    "de": {
        "following": "neu von jemandem, dem du folgst",
        "trending": "gerade im Kommen, wo du bist",
        "finished_tag": "weil du Videos mit #{object} zu Ende siehst",
    },
    "es": {
        "following": "nuevo de alguien a quien sigues",
        "trending": "en alza donde estás",
        "finished_tag": "porque ves hasta el final vídeos con #{object}",
    },
}
"""The words of codes where the object, or the value, is not known."""

EVERYWHERE_WORDS = {"en": "all countries", "de": "allen Ländern", "es": "todos los países"}


def in_words(
    reason: str, language: str | None = None, titles: dict[str, str] | None = None, value: float | None = None
) -> str:
    """A reason such as `similar_to:v17` as a sentence in the viewer's language, English where we do not speak it.

    `titles` gives the captions of videos, to be told in place of their ids; `value` is the row's `reason_value`. What
    a reason is about comes from creators: nothing in it steers a terminal. A code that is not known here, such as a
    later release may hold, is given back as it is.
    """
    spoken = language if language in WORDS else "en"
    code, _, named = reason.partition(":")
    if code not in CODES:
        return plain_text(reason)
    if code == "popular_in":
        named = _place(named, spoken)
    elif code == "similar_to" and titles and titles.get(named):
        named = f"“{titles[named]}”"
    lacking = not named or (code == "finished_tag" and value is None)
    words = (PLAIN[spoken] if lacking and code in PLAIN[spoken] else WORDS[spoken])[code]
    return words.format(object=plain_text(named), value="" if value is None else f"{value:.0f}")


def _place(segment: str, language: str) -> str:
    country, _, spoken = segment.partition(":")
    if country != "*":
        return f"{country} ({spoken})"
    return EVERYWHERE_WORDS[language] if spoken == "*" else f"{EVERYWHERE_WORDS[language]} ({spoken})"
