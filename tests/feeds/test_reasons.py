"""Reasons in words, in every language that we speak."""

from __future__ import annotations

import pytest

from foryou.feeds.reasons import CODES, EVERYWHERE_WORDS, PLAIN, WORDS, in_words

OF_OBJECTS = ("similar_to", "popular_in", "following", "trending", "finished_tag", "creator")


@pytest.mark.parametrize("language", WORDS)
def test_every_code_has_words_in_every_language(language):
    assert set(WORDS[language]) == set(CODES)
    assert set(PLAIN[language]) == set(PLAIN["en"]) <= set(CODES)
    assert language in EVERYWHERE_WORDS


@pytest.mark.parametrize("language", WORDS)
def test_words_name_the_object_where_the_code_has_one(language):
    assert all("v17" in in_words(f"{code}:v17", language, value=4.0) for code in OF_OBJECTS)
    assert not any(set("{}") & set(in_words(code, language)) for code in CODES)


def test_how_many_videos_were_finished_is_told():
    assert in_words("finished_tag:cooking", value=4.0) == "because you finished 4 videos tagged #cooking"
    assert in_words("finished_tag:cooking", "de", value=4) == "weil du 4 Videos mit #cooking zu Ende gesehen hast"
    assert in_words("finished_tag:cooking") == "because you finish videos tagged #cooking"


def test_a_reason_of_an_earlier_release_that_names_nobody_has_words():
    assert in_words("following") == "new from a creator you follow"
    assert in_words("trending", "es") == "en alza donde estás"
    assert in_words("trending:tango", "es") == "#tango está en alza donde estás"


def test_what_a_reason_is_about_steers_no_terminal():
    for reason in ("finished_tag:\x1b[31mred\u202e", "creator:c\ud800", "later_code:\x07", "trending:{0}{object}:x"):
        told = in_words(reason, value=3.0)
        assert told.isprintable()
    assert "#{0}{object}:x is" in in_words("trending:{0}{object}:x")


def test_a_video_is_named_by_its_caption_where_it_has_one():
    titles = {"v17": "Pasta in ten minutes", "v18": ""}
    assert in_words("similar_to:v17", "en", titles) == "similar to “Pasta in ten minutes”, which you liked"
    assert "v19" in in_words("similar_to:v19", "en", titles)
    assert "v18" in in_words("similar_to:v18", "en", titles)


def test_braces_in_a_caption_stay_as_they_are():
    assert "“{object} {0}”" in in_words("similar_to:v17", "en", {"v17": "{object} {0}"})


def test_a_segment_is_named_by_country_and_language():
    assert in_words("popular_in:US:en") == "popular in US (en) right now"
    assert in_words("popular_in:*:en") == "popular in all countries (en) right now"
    assert in_words("popular_in:*:*") == "popular in all countries right now"
    assert in_words("popular_in:*:de", "de") == "gerade beliebt in allen Ländern (de)"


def test_a_language_that_we_do_not_speak_is_answered_in_english():
    assert in_words("like_you", "fi") == in_words("like_you", None) == WORDS["en"]["like_you"]


def test_a_code_of_a_later_release_is_shown_as_it_is():
    assert in_words("unheard_of") == "unheard_of"
    assert in_words("unheard_of:cooking", "de", value=2.0) == "unheard_of:cooking"
    assert in_words("") == ""
