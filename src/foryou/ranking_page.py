"""`docs/how-it-ranks.md`, written from the settings: how feeds come about, for viewers and creators."""

from __future__ import annotations

import sys
from math import exp, log
from pathlib import Path

from foryou import settings
from foryou.settings import Settings

PAGE = """# How feeds come about

Written by `make docs` from `conf/base.yaml`; a test fails while the two differ. Every number here is one that the
nightly run uses.

## For viewers

**What you watch counts, not what you click.** For every video and day:

| what you do | points |
|---|---:|
| watch it again (twice its length, or a second time at least half through) | {v.points_rewatch:g} |
| watch it to the end (long ones count up to {v.length_max:g} times, short ones less) | {v.points_completion:g} |
| share it | {v.points_share:g} |
| follow its creator | {v.points_follow:g} |
| comment | {v.points_comment:g} |
| save it | {v.points_save:g} |
| like it | {v.points_like:g} |
| leave within {v.skip_max_s:g} seconds (or a tenth of a shorter video) | {v.points_skip:g} |
| say that you are not interested | {v.points_not_interested:g} |
| report it | {v.points_report:g} |

Each counts once a day: a hundred loops are one rewatch. Points halve every {i.half_life_days:g} days, and after
{i.window_days} days they are gone. Videos that you posted yourself say nothing about your taste.

**Your list** is put together each night from what people who watch like you watched to the end, what is
like the last {c.similar_recent} videos you liked, and what is popular where you are. All of it is ordered by how well
it fits whom you watch like (weight {c.weight_factors:g}) and what you like videos to be about (weight
{c.weight_content:g} at first, then what the last {c.content_weight_days} days of watching say it is worth), and a
little by how popular it is (weight {c.weight_popular:g}). Nothing that you have seen comes again. Some places are
kept:

| place in the list | for |
|---|---|
| {following} | new videos of creators you follow |
| {trending} | what is on the rise in your country, if it is among the {c.trending_within} that fit you best |
| {exploring} | new videos that nobody knows yet, drawn by chance |

What is drawn by chance is drawn for you: a video that fits your taste by one standard deviation more is up to
{odds:.0f} times as likely. {c.exploring_even_share:.0%} of the draws are even for all; of the others
{c.exploring_thompson_share:.0%} look for the video that people like you may watch best of all, as far as anybody can
tell, and the rest for those that need viewers most. Followed creators and what is on the rise are shown by what fits
you, too.

**No list says one thing again and again.** Each place goes to the best video that is left, where one just like another
above it gives up {f.variety:.1f} standard deviations of its score. Of any {f.category_places} in a row at most
{f.category_share:.0%} are of one category. A sound comes again after {f.sound_gap} places at the earliest and stands
in a list {f.sound_most} times at most, a creator after {f.creator_gap} and {f.creator_most} times. Where no video is
left that keeps to all of this, the share of a category gives way first, then the distances, then the numbers. The next
list goes on from where you stopped. What you passed over in the last {f.lookback_days} days sinks, by
{f.passed_over:.1f} standard deviations a day.

Every video comes with its reason: what sets it apart from the others that were found for you. That is a tag of at
least {f.reason_min_finished} videos that you finished (watched well), or one such video; people who watch like you, if
at least {f.reason_min_viewers} people watched it well; what is popular, or new in your country; or a creator who does
better than others. You are not reminded of what you have muted, and nothing is said of other people. Whoever runs this
can ask for all that is behind one video, or keeps it from you: `foryou feed VIEWER --why VIDEO`.

**If you are new**, you meet eight videos on eight topics, liked by many different people. What you watch leads to
the next eight: four of that topic, four on others. Until you have met {c.enough_events} videos, your own list and
these share the places, more of your own with every video.

**What you ask for holds the same night.** Muted and blocked creators, sounds and tags never come. After "not
interested" the video never comes again; its creator, sound and tags stay away for {a.hidden_days} days and then come
back slowly, over {a.fading_days} days. A reset forgets what you liked, not what you have seen. Whoever opts out has
no profile and gets the lists of the country. Who is not known to be grown up is only shown videos for every age.

**What is not used**: searches, messages, contacts, where you are beyond the country, anything outside the app.

## For creators

**A new video is tested** on {targets} impressions (or on {percents} % of the active viewers where that is less),
spread over four groups of viewers and given first to those it is likely to suit. There are only so many places: tests
take turns, later ones first, then by the odds that the video is good, for which at first only its likeness to videos
that people liked speaks. After {d.max_test_days} days a test is judged by what it has. Its rate of good watches is
held against that of other videos of its length that were shown in the same places. It goes on when it is better with
{p:.0%} certainty, for everybody or for one group; it pauses when it is most likely worse; in between the test is made
longer, at most {d.max_extensions} times. Copies of earlier videos and videos that moderation has not passed are not
tested. A paused video gets one more try after {d.revival_days} days if you have posted nothing else. Once it is let
out to everybody it is helped along, by {d.push_deviations:g} of a standard deviation, for {d.push_days} days; after
that ever less, and taste alone finds its viewers.

**Your standing** moves your videos by at most {low:+.2f} to {high:+.2f} of a standard deviation. It rests on how
well your videos are watched (weight {r.weight_engagement:g}), in how many of the last {r.active_weeks} weeks you
posted ({r.weight_activity:g}), whether your newer videos do better ({r.weight_quality_trend:g}), and your followers:
never more than {r.weight_reach:g}. Rejected and reported videos cost standing; after {r.penalty_days} days all is
forgotten.

**What does not help**: watching your own videos, loops, accounts that play faster than a person can (more than
{e.max_plays_a_minute} videos a minute), posting the same video twice.
"""


def page(chosen: Settings) -> str:
    """The whole page with the numbers of these settings."""
    return PAGE.format(
        v=chosen.views,
        i=chosen.interactions,
        c=chosen.candidates,
        a=chosen.viewer_controls,
        f=chosen.feeds,
        d=chosen.distribution,
        r=chosen.creators,
        e=chosen.events,
        p=chosen.distribution.min_posterior,
        odds=exp(chosen.candidates.exploring_taste),
        low=log(chosen.creators.multiplier_min),
        high=log(chosen.creators.multiplier_max),
        following=_listed(chosen.feeds.following_places),
        trending=_listed(chosen.feeds.trending_places),
        exploring=_listed(chosen.feeds.exploring_places),
        targets=", ".join(f"{number:,}" for number in chosen.distribution.impressions),
        percents=", ".join(f"{share:g}" for share in chosen.distribution.active_percent),
    )


def _listed(places: tuple[int, ...]) -> str:
    return ", ".join(map(str, places))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(settings.load()), encoding="utf-8")
