"""The final list: what never stands in one, which rules give way in which order, and all of it beside plain Python."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from foryou.feeds import final_list, rules
from foryou.feeds.rules import EXPLORING, STARTING, UNIT, Lists, Past, Videos
from foryou.tables import KEPT, RULES

FOLLOWING = KEPT.index("following")
FREE = rules.Rules(10, 10, 1, 1, 10_000, 10_000, 0.0, 100, 0.0)
"""No rule that gives way, no variety."""

DESIGN = FREE._replace(category_most=4, sound_gap=5, creator_gap=5, sound_most=2, creator_most=2)


def catalogue(n, *, category=None, sound=None, creator=None, copies=None, vectors=None):
    """`n` videos; labels by video, others unknown; vectors of any length, zero where none is given."""
    labels = np.full((n, 3), -1, np.int32)
    for kind, given in enumerate((category, sound, creator)):
        for video, label in (given or {}).items():
            labels[video, kind] = label
    copy_of = np.arange(n, dtype=np.int32)
    for video, first in (copies or {}).items():
        copy_of[video] = first
    dense = np.zeros((n, 2), np.float32)
    for video, vector in (vectors or {}).items():
        dense[video] = vector
    return Videos(copy_of, labels, rules.whole(dense))


def past(rows=1, watched=(), passed=None):
    """The same for every viewer: `passed` by video, how often."""
    ids, times = np.array([*(passed or {})], np.int32), np.array([*(passed or {}).values()], np.float32)
    indptr = np.arange(rows + 1, dtype=np.int64) * len(ids)
    return Past(
        np.array([watched] * rows, np.int32).reshape(rows, -1), indptr, np.tile(ids, rows), np.tile(times, rows)
    )


def feed(own, videos, chosen, *, kept=None, wanted=(), length=None, known=1.0, before=None):
    """One viewer's feed as (video, rules broken); `own` by falling score, or {video: score}."""
    scores = [*own.values()] if isinstance(own, dict) else [float(-at) for at in range(len(own))]
    width = max(map(len, (kept or {0: []}).values()))
    lists = np.full((len(KEPT), 1, max(1, width)), -1, np.int32)
    for number, of in (kept or {}).items():
        lists[number, 0, : len(of)] = of
    places = np.full(length or len(own), -1, np.int8)
    for turn, number in dict(wanted).items():
        places[turn] = number
    given = Lists(np.array([[*own]], np.int32), np.array([scores], np.float32), lists, np.array([known], np.float32))
    source, place, relaxed = final_list.fill(given, places, before or past(), videos, chosen)
    found = []
    for asked, at, broken in zip(source[0], place[0], relaxed[0], strict=True):
        if asked >= 0:
            video = given.own[0, at] if asked == 0 else lists[asked - 1, 0, at]
            found.append((int(video), [name for bit, name in enumerate(RULES) if broken >> bit & 1]))
    return found


def order(*arguments, **named):
    return [video for video, _ in feed(*arguments, **named)]


# ---- variety


NEAR = {0: (1, 0), 1: (1, 0.1), 2: (0, 1)}


def test_what_says_the_same_as_one_above_gives_way_to_what_does_not():
    own = {0: 3.0, 1: 2.9, 2: 2.8}
    assert order(own, catalogue(3, vectors=NEAR), FREE) == [0, 1, 2]
    assert order(own, catalogue(3, vectors=NEAR), FREE._replace(variety=3.0)) == [0, 2, 1]


def test_variety_costs_no_more_deviations_than_asked():
    """The scores' deviation is .082, so the second is 1.22 deviations ahead of the third, and .995 alike."""
    own = {0: 3.0, 1: 2.9, 2: 2.8}
    assert order(own, catalogue(3, vectors=NEAR), FREE._replace(variety=1.2)) == [0, 1, 2]
    assert order(own, catalogue(3, vectors=NEAR), FREE._replace(variety=1.25)) == [0, 2, 1]


def test_the_opposite_is_not_more_different_than_what_has_nothing_in_common():
    vectors = {0: (1, 0), 1: (0, 1), 2: (-1, 0)}
    assert order({0: 3.0, 1: 2.0, 2: 1.9}, catalogue(3, vectors=vectors), FREE._replace(variety=9.0)) == [0, 1, 2]


def test_variety_ends_where_it_is_told_to():
    own, chosen = {0: 3.0, 1: 2.9, 2: 2.8}, FREE._replace(variety=9.0, varied_places=1)
    assert order(own, catalogue(3, vectors=NEAR), chosen) == [0, 1, 2]


# ---- never


def test_no_copy_no_repeat_nothing_without_a_score_and_no_id_that_is_none():
    own = {3: 5.0, 2: math.nan, 4: 4.0, -1: 3.9, 99: 3.8, 5: math.inf, 0: 1.0}
    assert order(own, catalogue(6, copies={4: 3}), FREE) == [3, 0]
    assert order([1, 1, 0, 1], catalogue(6), FREE) == [1, 0]


@pytest.mark.parametrize("seed", range(20))
def test_what_may_never_be_in_a_list_is_in_none_whatever_comes_in(seed):
    rng = np.random.default_rng(seed)
    given, wanted, before, videos, chosen = some(rng, rows=20, junk=True)
    source, place, relaxed = final_list.fill(given, wanted, before, videos, chosen)
    for row in range(20):
        fed = [listed(given, row, asked, at) for asked, at in zip(source[row], place[row], strict=True) if asked >= 0]
        groups = [int(videos.copy_of[video]) for video in fed]
        assert len(set(groups)) == len(groups)
        assert all(0 <= video < len(videos.copy_of) for video in fed)
        assert np.isfinite(given.scores[row][place[row][source[row] == 0]]).all()
        assert (source[row][len(fed) :] == -1).all()
        assert not relaxed[row][source[row] == 1 + EXPLORING].any()


# ---- rules that give way


def test_four_of_ten_in_a_row_are_of_one_category_while_there_are_others():
    category = dict.fromkeys(range(8), 0) | dict.fromkeys(range(8, 20), 1)
    fed = feed(range(20), catalogue(20, category=category), DESIGN, length=10)
    assert [video for video, _ in fed] == [0, 1, 2, 3, 8, 9, 10, 11, 4, 5]
    assert [broken for _, broken in fed] == [[]] * 8 + [["category_share"]] * 2
    of_three = category | dict.fromkeys(range(14, 20), 2)
    assert order(range(20), catalogue(20, category=of_three), DESIGN, length=12) == [
        *(0, 1, 2, 3, 8, 9, 10, 11, 14, 15),
        *(4, 5),
    ]


def test_a_creator_comes_again_five_places_on_and_no_third_time():
    creator = {0: 7, 1: 7, 2: 7}
    fed = feed(range(9), catalogue(9, creator=creator), DESIGN, length=9)
    assert fed[:8] == [(video, []) for video in (0, 3, 4, 5, 6, 1, 7, 8)]
    assert fed[8] == (2, ["creator_gap", "creator_most"])


def test_what_has_no_label_is_at_odds_with_nothing():
    fed = feed(range(30), catalogue(30), DESIGN)
    assert fed == [(video, []) for video in range(30)]


BREAKS = {  # by rule: labels (category, sound, creator) of what stands above, and of what would break that rule alone
    "category_share": ([(0, -1, -1)] * 4, (0, -1, -1)),
    "sound_gap": ([(-1, 1, -1)], (-1, 1, -1)),
    "creator_gap": ([(-1, -1, 2)], (-1, -1, 2)),
    "sound_most": ([(-1, 3, -1), *[(-1, -1, -1)] * 4, (-1, 3, -1), *[(-1, -1, -1)] * 4], (-1, 3, -1)),
    "creator_most": ([(-1, -1, 4), *[(-1, -1, -1)] * 4, (-1, -1, 4), *[(-1, -1, -1)] * 4], (-1, -1, 4)),
}


@pytest.mark.parametrize(("sooner", "later"), [(a, b) for at, a in enumerate(RULES) for b in RULES[at + 1 :]])
def test_of_two_rules_the_one_named_first_gives_way_and_is_recorded(sooner, later):
    """The higher score would break the later rule."""
    above, of_later = BREAKS[later][0], BREAKS[later][1]
    above = [*above, *BREAKS[sooner][0]] if len(above) > 5 else [*BREAKS[sooner][0], *above]
    told = [*above, of_later, BREAKS[sooner][1]]
    labels = [{video: each[kind] for video, each in enumerate(told)} for kind in range(3)]
    own = {video: -0.001 * video for video in range(len(told))}
    videos = catalogue(len(told), category=labels[0], sound=labels[1], creator=labels[2])
    fed = feed(own, videos, DESIGN, length=len(told) - 1)
    assert [video for video, _ in fed[:-1]] == [*range(len(above))]
    assert fed[-1] == (len(told) - 1, [sooner])


def test_no_rule_gives_way_without_need():
    """Two are left, each by a creator that has its two videos; that of the better one came four places above."""
    videos = catalogue(12, creator={0: 1, 1: 2, 5: 1, 6: 2, 10: 2, 11: 1})
    assert feed(range(12), videos, DESIGN, length=11)[-1] == (11, ["creator_most"])


# ---- places kept for other lists


def test_kept_places_obey_the_rules_and_else_leave_their_place_to_taste():
    creator = {0: 7, 10: 7, 11: 8}
    kept = {FOLLOWING: [10, 11]}
    fed = feed(range(4), catalogue(12, creator=creator), DESIGN, kept=kept, wanted={2: FOLLOWING}, length=4)
    assert fed == [(0, []), (1, []), (11, []), (2, [])]
    kept = {FOLLOWING: [10]}
    fed = feed(range(4), catalogue(12, creator=creator), DESIGN, kept=kept, wanted={2: FOLLOWING}, length=4)
    assert fed == [(0, []), (1, []), (2, []), (3, [])]


def test_what_was_drawn_stands_and_the_others_keep_away_from_it():
    creator = dict.fromkeys((0, 10, 11), 7)
    kept = {EXPLORING: [10, 11]}
    wanted = {4: EXPLORING, 5: EXPLORING}
    fed = feed(range(10), catalogue(12, creator=creator), DESIGN, kept=kept, wanted=wanted, length=11)
    assert [video for video, _ in fed] == [1, 2, 3, 4, 10, 11, 5, 6, 7, 8, 9]
    assert all(not broken for _, broken in fed)


def test_what_was_drawn_is_shown_rather_than_its_copy():
    kept = {EXPLORING: [10]}
    assert order(range(3), catalogue(11, copies={10: 0}), FREE, kept=kept, wanted={2: EXPLORING}, length=3) == [
        1,
        2,
        10,
    ]


def test_a_list_that_ends_before_the_place_of_what_was_drawn_does_not_reach_it():
    assert order([0], catalogue(11), FREE, kept={EXPLORING: [10]}, wanted={2: EXPLORING}, length=4) == [0]


# ---- the lists before


def test_gaps_go_on_from_what_was_watched_last():
    creator = {0: 7, 20: 7}
    before = past(watched=[-1, 20, 21])
    assert order(range(5), catalogue(22, creator=creator), DESIGN, before=before) == [1, 2, 3, 0, 4]


def test_what_was_passed_over_sinks_the_more_often_the_further():
    """The deviation of 0, -1, .. -9 is 2.87."""
    chosen = FREE._replace(passed_over=0.5)
    assert order(range(10), catalogue(10), chosen, before=past(passed={0: 1}))[:3] == [1, 0, 2]
    assert order(range(10), catalogue(10), chosen, before=past(passed={0: 2}))[:4] == [1, 2, 0, 3]
    both = Lists(*(np.repeat(each, 2, axis=axis) for each, axis in zip(one_list(10), (0, 0, 1, 0), strict=True)))
    of_the_first = past(passed={0: 2})._replace(watched=np.empty((2, 0), np.int32), indptr=np.array([0, 1, 1]))
    _, place, _ = final_list.fill(both, np.full(3, -1, np.int8), of_the_first, catalogue(10), chosen)
    assert place.tolist() == [[1, 2, 0], [0, 1, 2]]


def one_list(n):
    own, scores = np.arange(n, dtype=np.int32)[None], -np.arange(n, dtype=np.float32)[None]
    return own, scores, np.full((len(KEPT), 1, 1), -1, np.int32), np.ones(1, np.float32)


# ---- beside plain Python


def some(rng, rows, junk=False):
    """Random lists, labels and pasts of few videos, so that much is at odds; with junk where asked for."""
    n, width, length = 40, 24, 20
    least = -2 if junk else 0
    own = rng.integers(least, n + (3 if junk else 0), (rows, width))
    kept = rng.integers(least, n + (3 if junk else 0), (len(KEPT), rows, 5))
    own[rng.random((rows, width)) < 0.1], kept[rng.random(kept.shape) < 0.3] = -1, -1
    scores = -np.sort(-rng.normal(size=(rows, width)).round(1), axis=1)
    if junk:
        rng.shuffle(scores, axis=1)
        scores[rng.random(scores.shape) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
    labels = np.stack([rng.integers(-1, most, n) for most in (3, 12, 9)], axis=1).astype(np.int32)
    copy_of = np.minimum(np.arange(n), rng.integers(0, 4 * n, n)).astype(np.int32)
    known = rng.choice([0.0, 0.3, 0.5, 1.0], rows).astype(np.float32)
    wanted = rng.choice([-1, -1, -1, 0, 1, EXPLORING], length).astype(np.int8)
    counts = rng.integers(0, 4, rows)
    met = np.concatenate([rng.choice(n, count, replace=False) for count in counts]).astype(np.int32)
    watched = rng.integers(-1, n, (rows, 9)).astype(np.int32)
    before = Past(watched, np.append(0, np.cumsum(counts)), met, rng.integers(1, 4, len(met)).astype(np.float32))
    chosen = DESIGN._replace(variety=rng.choice([0.0, 0.3, 2.0]), varied_places=12, passed_over=0.5)
    vectors = rules.whole(rng.standard_normal((n, 5)).astype(np.float32))
    given = Lists(own.astype(np.int32), scores.astype(np.float32), kept.astype(np.int32), known)
    return given, wanted, before, Videos(copy_of, labels, vectors), chosen


def listed(given, row, asked, at):
    return int(given.own[row, at] if asked == 0 else given.kept[asked - 1, row, at])


class Plain:
    """One viewer's list by the letter of the rules: places by turn, those before the list are negative."""

    def __init__(self, given, wanted, before, videos, chosen, row):
        self.given, self.wanted, self.videos, self.chosen, self.row = given, wanted.tolist(), videos, chosen, row
        self.labels = {
            at - before.watched.shape[1]: videos.labels[video].tolist()
            for at, video in enumerate(before.watched[row].tolist())
            if video >= 0
        }
        self.of_turn, self.shown = {}, {}
        met = slice(before.indptr[row], before.indptr[row + 1])
        self.passed = dict(zip(before.videos[met].tolist(), before.times[met].tolist(), strict=True))
        self.worth = self.standardised()

    def standardised(self):
        own, scores = self.given.own[self.row].tolist(), self.given.scores[self.row].tolist()
        fine = {
            at: score
            for at, score in enumerate(scores)
            if math.isfinite(score) and 0 <= own[at] < len(self.videos.copy_of)
        }
        total = squares = 0.0
        for score in fine.values():
            total += score
        mean = total / max(1, len(fine))
        for score in fine.values():
            squares += (score - mean) * (score - mean)
        deviation = math.sqrt(squares / max(1, len(fine))) or 1.0
        lost = {at: self.chosen.passed_over * self.passed.get(own[at], 0) for at in fine}
        return {at: (score - mean) / deviation - lost[at] for at, score in fine.items()}

    def fresh(self, video):
        copies = {self.videos.copy_of[other] for other in self.shown.values()}
        return 0 <= video < len(self.videos.copy_of) and self.videos.copy_of[video] not in copies

    def broken(self, video, turn):
        def near(kind, gap):
            return any(each[kind] == own[kind] for place, each in self.labels.items() if 0 < abs(place - turn) < gap)

        def too_many(kind, most):
            return sum(each[kind] == own[kind] for place, each in self.labels.items() if place >= 0) >= most

        own, chosen = self.videos.labels[video].tolist(), self.chosen
        crowded = any(
            sum(
                self.labels[at][0] == own[0] for at in range(first, first + chosen.category_places) if at in self.labels
            )
            >= chosen.category_most
            for first in range(turn - chosen.category_places + 1, turn + 1)
        )
        breaks = [
            own[0] >= 0 and crowded,
            own[1] >= 0 and near(1, chosen.sound_gap),
            own[2] >= 0 and near(2, chosen.creator_gap),
            own[1] >= 0 and too_many(1, chosen.sound_most),
            own[2] >= 0 and too_many(2, chosen.creator_most),
        ]
        return sum(bool(each) << bit for bit, each in enumerate(breaks))

    def value(self, at, video, turn):
        above = [self.shown[place] for place in range(turn)]
        vectors = self.videos.vectors.astype(int)
        nearest = max([0, *(int(vectors[video] @ vectors[other]) for other in above)])
        variety = self.chosen.variety if turn < self.chosen.varied_places else 0.0
        return self.worth[at] - variety / (UNIT * UNIT) * nearest

    def first(self, number, turn):
        videos = enumerate(self.given.kept[number, self.row].tolist())
        return [(self.broken(video, turn), at, 1 + number) for at, video in videos if self.fresh(video)]

    def best(self, turn):
        own = self.given.own[self.row].tolist()
        offers = [
            (self.broken(own[at], turn), -self.value(at, own[at], turn), at) for at in self.worth if self.fresh(own[at])
        ]
        return [(broken, at, 0) for broken, _, at in sorted(offers)]

    def take(self, turn, offer):
        broken, at, asked = offer
        video = listed(self.given, self.row, asked, at)
        self.of_turn[turn] = (asked, at, broken)
        self.shown[turn], self.labels[turn] = video, self.videos.labels[video].tolist()

    def fill(self):
        for turn, number in enumerate(self.wanted):
            drawn = self.first(EXPLORING, turn) if number == EXPLORING else []
            if drawn:
                self.take(turn, (0, drawn[0][1], drawn[0][2]))
        due = 0.0
        for turn, number in enumerate(self.wanted):
            if turn in self.of_turn:
                continue
            offers = sorted(self.first(number, turn))[:1] if number >= 0 else []
            if not offers or offers[0][0]:
                due += 1 - float(self.given.known[self.row])
                lists = [self.best(turn)[:1], sorted(self.first(STARTING, turn))[:1]]
                if due >= 1 - 1e-9:
                    due -= 1
                    lists = lists[::-1]
                offers += lists[0] + lists[1]
            if not offers:
                break
            self.take(turn, min(offers, key=lambda offer: offer[0]))
        told = []
        while len(told) in self.of_turn:
            told.append(self.of_turn[len(told)])
        return told


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("junk", [False, True])
def test_lists_agree_with_the_rules_in_plain_python(seed, junk):
    given, wanted, before, videos, chosen = some(np.random.default_rng(seed), rows=15, junk=junk)
    found = final_list.fill(given, wanted, before, videos, chosen)
    for row in range(15):
        told = [(int(s), int(p), int(r)) for s, p, r in zip(*(each[row] for each in found), strict=True) if s >= 0]
        assert told == Plain(given, wanted, before, videos, chosen, row).fill()


def test_a_list_does_not_depend_on_the_viewers_beside_it():
    given, wanted, before, videos, chosen = some(np.random.default_rng(3), rows=10)
    whole = final_list.fill(given, wanted, before, videos, chosen)
    for row in range(10):
        alone = Lists(given.own[[row]], given.scores[[row]], given.kept[:, [row]], given.known[[row]])
        met = slice(before.indptr[row], before.indptr[row + 1])
        own = Past(before.watched[[row]], np.array([0, met.stop - met.start]), before.videos[met], before.times[met])
        found = final_list.fill(alone, wanted, own, videos, chosen)
        assert all((one[0] == all_of[row]).all() for one, all_of in zip(found, whole, strict=True))


# ---- settings


def test_places_beyond_the_length_of_a_feed_are_not_kept(chosen):
    kept = {"following_places": (3,), "exploring_places": (5, 10), "trending_places": (6, 7)}
    wanted = rules.kept_places(replace(chosen.feeds, length=6, **kept))
    assert wanted.tolist() == [-1, -1, 0, -1, 2, 1]


def test_rules_are_those_of_the_settings(chosen):
    told = rules.of_settings(replace(chosen.feeds, category_share=0.4, category_places=10, sound_gap=3))
    assert (told.category_most, told.sound_gap) == (4, 3)
    assert rules.of_settings(replace(chosen.feeds, category_share=0.0)).category_most == 1
    assert rules.places_before(replace(chosen.feeds, category_places=1, creator_gap=7, sound_gap=2)) == 6


def test_vectors_in_whole_numbers_have_the_cosines_of_the_given_ones():
    vectors = np.random.default_rng(1).standard_normal((50, 32)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    products = rules.whole(vectors).astype(np.int64) @ rules.whole(vectors).astype(np.int64).T / UNIT**2
    assert abs(products - unit @ unit.T).max() < 4e-4
    bad = np.array([[0, 0], [np.nan, 1], [np.inf, 1]], np.float32)
    assert not rules.whole(bad).any()
