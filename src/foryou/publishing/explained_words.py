"""What `explain` finds, as lines to read in the languages that reasons are told in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from foryou.feeds.reasons import in_words
from foryou.plain_text import plain_text

WORDS = {
    "en": {
        "feeds": "{video} stands at place {place} of {of} in the feed, with a score of {score}, found by {sources}.",
        "candidates": "{video} is candidate {place} of {of}, with a score of {score}, found by {sources}.",
        "nowhere": "{video} is in none of the viewer's lists.",
        "why": "Why: {reason}.",
        "drawn": "Drawn by chance for its place, with a probability of {propensity}.",
        "below": "a candidate, below the end of the feed",
        "opted_out": "The viewer has opted out or asked to be erased: nothing is kept that could be explained.",
        "unknown_viewer": "No night has met a viewer of this id.",
        "unknown_video": "No night has met a video of this id.",
        "not_kept": "The lake no longer keeps what the night of {day} knew of the video.",
        "not_in_catalogue": "The catalogue of {day} does not have it.",
        "not_shown": "It may not be shown: moderation says {moderation}, its status is {status}.",
        "adults_only": "It is for adults, and the viewer is not known to be one.",
        "seen": "The viewer has seen it, last on {day}.",
        "muted": "The viewer asked for {control} of {target} on {day}.",
        "tired": "The viewer was not interested in something with the {kind} {name} on {day}.",
        "under_test": "Not everybody gets it yet (stage {stage}, {decision}: {reason}): at most as a test.",
        "copy": "Its copy {video_id} stands at place {place}.",
        "no_list": "The viewer has no list of their own: nothing was met inside the window.",
        "below_the_end": "Others fit better: it is candidate {place} of {of} with {score}; the feed's last has {bar}.",
        "no_room": "The feed's rules left no room: candidate {place} of {of} with {score}, the feed's last has {bar}.",
        "no_candidate": "Others fit better: its score would be about {score}; the last candidate has {bar}.",
        "parts": "What its score of {score} is made of, against the viewer's mean candidate ({mean}): {parts}.",
        "factors": "who watches alike",
        "content": "what it is about",
        "creator": "its creator's standing and its newness",
        "rest": "the rest",
        "popular": "popularity where the viewer is, and what the viewer tires of",
        "by_factors": "By who watches alike ({score}), it is drawn by these videos watched: {shares}.",
        "by_about": "By what it is about ({score}), it is drawn by: {shares}.",
        "by_content": "The same by the videos watched: {shares}.",
        "others": "others",
        "open": "left open by the fit",
        "tag": "#{object}",
        "finished": "#{object} ({finished} finished)",
        "sound": "its sound {object}",
        "category": "its category {object}",
        "about_creator": "its creator {object}",
        "language": "its language {object}",
        "tone": "its tone {object}",
        "caption": "the words of its caption",
        "looks_and_sounds": "how it looks and sounds",
    },
    "de": {
        "feeds": "{video} steht auf Platz {place} von {of} im Feed, mit {score} Punkten, gefunden von {sources}.",
        "candidates": "{video} ist Kandidat {place} von {of}, mit {score} Punkten, gefunden von {sources}.",
        "nowhere": "{video} steht in keiner Liste.",
        "why": "Warum: {reason}.",
        "drawn": "Durch Zufall für diesen Platz gezogen, mit einer Wahrscheinlichkeit von {propensity}.",
        "below": "ein Kandidat hinter dem Ende des Feeds",
        "opted_out": "Widersprochen oder Löschung verlangt: es ist nichts da, was zu erklären wäre.",
        "unknown_viewer": "Unter dieser Kennung hat noch niemand etwas angesehen.",
        "unknown_video": "Ein Video mit dieser Kennung ist unbekannt.",
        "not_kept": "Was die Nacht vom {day} über das Video wusste, ist nicht mehr da.",
        "not_in_catalogue": "Im Katalog vom {day} steht es nicht.",
        "not_shown": "Es darf nicht gezeigt werden: Moderation {moderation}, Zustand {status}.",
        "adults_only": "Es ist für Erwachsene, und das Alter ist nicht bekannt oder zu niedrig.",
        "seen": "Schon gesehen, zuletzt am {day}.",
        "muted": "Am {day} verlangt: {control} {target}.",
        "tired": "Am {day} kein Interesse an etwas mit {kind} {name}.",
        "under_test": "Noch nicht für alle (Stufe {stage}, {decision}: {reason}): höchstens zur Probe.",
        "copy": "Die Kopie {video_id} steht auf Platz {place}.",
        "no_list": "Keine eigene Liste: im Zeitraum wurde nichts angesehen.",
        "below_the_end": "Anderes passt besser: Kandidat {place} von {of} mit {score}; der letzte im Feed hat {bar}.",
        "no_room": "Die Regeln ließen keinen Platz: Kandidat {place} von {of} mit {score}, der letzte hat {bar}.",
        "no_candidate": "Anderes passt besser: es käme auf etwa {score}; der letzte Kandidat hat {bar}.",
        "parts": "Woraus {score} Punkte bestehen, verglichen mit dem mittleren Kandidaten ({mean}): {parts}.",
        "factors": "wer Ähnliches ansieht",
        "content": "worum es geht",
        "creator": "Ruf des Urhebers und Neuheit",
        "rest": "der Rest",
        "popular": "Beliebtheit am Ort und was ermüdet",
        "by_factors": "Wer Ähnliches ansieht ({score}): den Ausschlag gaben diese gesehenen Videos: {shares}.",
        "by_about": "Worum es geht ({score}): den Ausschlag gaben: {shares}.",
        "by_content": "Dasselbe nach gesehenen Videos: {shares}.",
        "others": "andere",
        "open": "von der Anpassung offen gelassen",
        "tag": "#{object}",
        "finished": "#{object} ({finished} zu Ende gesehen)",
        "sound": "der Ton {object}",
        "category": "die Kategorie {object}",
        "about_creator": "von {object}",
        "language": "die Sprache {object}",
        "tone": "die Stimmung {object}",
        "caption": "die Worte der Beschreibung",
        "looks_and_sounds": "wie es aussieht und klingt",
    },
    "es": {
        "feeds": "{video} está en el puesto {place} de {of} de la lista, con {score} puntos, hallado por {sources}.",
        "candidates": "{video} es el candidato {place} de {of}, con {score} puntos, hallado por {sources}.",
        "nowhere": "{video} no está en ninguna lista.",
        "why": "Por qué: {reason}.",
        "drawn": "Sorteado para su puesto, con una probabilidad de {propensity}.",
        "below": "un candidato, más allá del final de la lista",
        "opted_out": "Se dio de baja o pidió ser borrado: no se guarda nada que explicar.",
        "unknown_viewer": "Nadie con este identificador ha visto nada todavía.",
        "unknown_video": "No se conoce ningún vídeo con este identificador.",
        "not_kept": "Ya no se guarda lo que la noche del {day} sabía del vídeo.",
        "not_in_catalogue": "El catálogo del {day} no lo tiene.",
        "not_shown": "No se puede mostrar: moderación {moderation}, estado {status}.",
        "adults_only": "Es para adultos, y no consta que la persona lo sea.",
        "seen": "Ya lo ha visto, la última vez el {day}.",
        "muted": "El {day} pidió {control} de {target}.",
        "tired": "El {day} no le interesó algo con {kind} {name}.",
        "under_test": "Aún no es para todos (fase {stage}, {decision}: {reason}): como mucho, a prueba.",
        "copy": "Su copia {video_id} está en el puesto {place}.",
        "no_list": "No tiene lista propia: no ha visto nada en el periodo.",
        "below_the_end": "Otros encajan mejor: es el candidato {place} de {of} con {score}; el último tiene {bar}.",
        "no_room": "Las reglas no dejaron sitio: es el candidato {place} de {of} con {score}; el último tiene {bar}.",
        "no_candidate": "Otros encajan mejor: tendría unos {score}; el último candidato tiene {bar}.",
        "parts": "De qué se componen sus {score} puntos, frente al candidato medio ({mean}): {parts}.",
        "factors": "quién ve cosas parecidas",
        "content": "de qué trata",
        "creator": "la fama de quien lo hizo y su novedad",
        "rest": "el resto",
        "popular": "lo popular donde está y lo que le cansa",
        "by_factors": "Por quién ve cosas parecidas ({score}), lo traen estos vídeos vistos: {shares}.",
        "by_about": "Por aquello de lo que trata ({score}), lo traen: {shares}.",
        "by_content": "Lo mismo por los vídeos vistos: {shares}.",
        "others": "otros",
        "open": "abierto tras el ajuste",
        "tag": "#{object}",
        "finished": "#{object} ({finished} vistos hasta el final)",
        "sound": "su sonido {object}",
        "category": "su categoría {object}",
        "about_creator": "quien lo hizo, {object}",
        "language": "su idioma {object}",
        "tone": "su tono {object}",
        "caption": "las palabras de su descripción",
        "looks_and_sounds": "cómo se ve y suena",
    },
}

_CAPTION = 40


def told(facts: Mapping[str, Any], captions: Mapping[str, str], language: str | None) -> dict[str, Any]:
    """`words`, one sentence on why, and `lines`, everything in words; English where we do not speak the language.

    Names of others come as plain text. `captions` are told beside the ids of videos.
    """
    spoken = language if language in WORDS else "en"
    words = WORDS[spoken]
    titles = {video: text for video, text in captions.items() if text}
    lines = [plain_text(line) for line in _lines(facts, words, titles, spoken)]
    findings = [words[each["code"]].format(**_shown(each)) for each in facts["findings"]]
    why = plain_text(" ".join(findings)) or words["below" if facts["table"] else "nowhere"].format(video="")
    if facts["table"] == "feeds":
        why = in_words(facts["reason"], spoken, titles, facts["reason_value"])
    return {"words": why, "lines": lines}


def _lines(facts: Mapping[str, Any], words: Mapping[str, str], titles: dict[str, str], spoken: str) -> Iterator[str]:
    video = _named(facts["video_id"], titles)
    if [each["code"] for each in facts["findings"]] != ["opted_out"]:
        standing = {name: facts.get(name) for name in ("place", "of")}
        found = {"score": _number(facts.get("score")), "sources": ", ".join(facts.get("sources", ()))}
        yield words[facts["table"] or "nowhere"].format(video=video, **standing, **found)
    if facts["table"] == "feeds":
        yield words["why"].format(reason=in_words(facts["reason"], spoken, titles, facts["reason_value"]))
        if facts.get("propensity") is not None:
            yield words["drawn"].format(propensity=f"{facts['propensity']:.3g}")
    yield from (words[each["code"]].format(**_shown(each)) for each in facts["findings"])
    yield from _contributions(facts, words, titles)


def _contributions(facts: Mapping[str, Any], words: Mapping[str, str], titles: dict[str, str]) -> Iterator[str]:
    if facts["parts"]:
        names = {"rest": words["popular"]}
        parts = [f"{value:+.2f} {names.get(name, words[name])}" for name, value in facts["parts"]["parts"].items()]
        score, mean = (_number(facts["parts"][name]) for name in ("score", "mean"))
        yield words["parts"].format(score=score, mean=mean, parts=", ".join(parts))
    for name, line in (("factors", "by_factors"), ("content", "by_content")):
        split = facts[name]
        if split and name == "content":
            shares = [_share(_about(each, words), each) for each in split["about"]]
            yield words["by_about"].format(score=_number(split["score"]), shares=", ".join(shares))
        if split and split["videos"]:
            shares = [_share(_named(each["video_id"], titles), each) for each in split["videos"]]
            for more, called in (("others", "others"), ("rest", "open" if name == "factors" else "rest")):
                if abs(split[more]) >= 0.005 * abs(split["score"]):
                    share = split[more] / split["score"] if split["score"] > 0 else None
                    shares.append(_share(words[called], {"value": split[more], "share": share}))
            yield words[line].format(score=_number(split["score"]), shares=", ".join(shares))


def _about(each: Mapping[str, Any], words: Mapping[str, str]) -> str:
    kind, _, named = each["about"].partition(":")
    key = "finished" if each.get("finished") else "about_creator" if kind == "creator" else kind
    return words[key].format(object=named, finished=each.get("finished"))


def _share(name: str, each: Mapping[str, Any]) -> str:
    told = f"{each['share']:.0%}" if each["share"] is not None else f"{each['value']:+.3g}"
    return f"{name} {told}"


def _shown(finding: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _number(value) if name in ("score", "bar") else value for name, value in finding.items()}


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


def _named(video_id: str, titles: Mapping[str, str]) -> str:
    text = plain_text(titles.get(video_id, ""))
    cut = text if len(text) <= _CAPTION else text[: _CAPTION - 1] + "…"
    return f"{video_id} “{cut}”" if text else video_id
