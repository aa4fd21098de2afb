"""Worlds are frozen, and judged ones are others than those to develop on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foryou.simulation import parts, worlds
from foryou.sources.world import WorldParameters, begin, world_hash
from tests.benchmarks import marginals


def test_every_world_is_the_one_that_figures_were_told_of():
    assert worlds.hashes() == worlds.FROZEN


def test_worlds_of_before_keep_their_hash_although_there_are_more_parameters_now():
    assert world_hash(WorldParameters()) == "fb0fd5790109"
    assert world_hash(WorldParameters(drift=0.1)) != world_hash(WorldParameters())


def test_no_judging_world_is_one_to_develop_on():
    dev, judge = (worlds.of(name).values() for name in ("dev", "judge"))
    seeds = {parameters.seed + place for parameters in dev for place in range(100)}
    assert not seeds & {parameters.seed + place for parameters in judge for place in range(100)}
    for name in ("topics", "videos", "true_tags", "latent_sd", "drift"):
        assert {getattr(one, name) for one in judge} - {getattr(one, name) for one in dev}, name


def test_a_set_or_one_world_is_found_by_its_name():
    assert set(worlds.of("judge")) == {"wide", "hidden", "drifting"}
    assert set(worlds.of("plain")) == {"plain"}
    with pytest.raises(ValueError, match="only the sets"):
        worlds.of("moon")


def test_every_part_can_be_left_out_and_has_its_world(chosen):
    for name, part in parts.PARTS.items():
        changed, skipped = parts.without(chosen, name)
        assert (changed != chosen) or skipped
        assert part.cannot_help in worlds.of("neutral") or name in ("popular", "reranker")
    with pytest.raises(ValueError, match="negatives"):
        parts.without(chosen, "gravity")


def test_a_knob_does_what_it_says():
    plain = WorldParameters(viewers=300, videos=300, days=3, events=3_000, seed=5)
    world, _, _ = begin(replace(plain, topic_sd=0.0, latent_sd=0.0))
    tastes = world.taste[:, : plain.topics + plain.latent]
    assert abs(tastes).max() == 0
    drifting, _, _ = begin(replace(plain, drift=0.1))
    assert (drifting.taste_on(0) == drifting.taste).all()
    moved = drifting.taste_on(10)  # a quarter turn
    assert abs(moved[:, : plain.topics] - drifting.later_taste[:, : plain.topics]).max() < 1e-5
    assert (moved[:, -1] == drifting.taste[:, -1]).all()
    told, _, _ = begin(replace(plain, true_tags=0.0))
    same, _, _ = begin(plain)
    assert (told.videos.topic == same.videos.topic).all()
    first = (each[0] for each in (told.videos.frame["tags"].to_list(), same.videos.frame["tags"].to_list()))
    assert told.videos.frame["tags"].to_list() != same.videos.frame["tags"].to_list(), list(first)


@pytest.mark.skipif(not marginals.KUAIRAND.exists(), reason="the KuaiRand subset is not beside the repository")
def test_what_goes_along_with_a_like_is_of_the_size_that_kuairand_has():
    world, _, _ = begin(worlds.of("plain")["plain"])
    for name, real, ours in marginals.table(world, 6):
        if real is not None:
            assert 0.4 * real < ours < 2.5 * real, name
