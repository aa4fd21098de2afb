"""The whole benchmark on tiny splits whose answer is known, and on what splits have that ought not to be there."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from typer.testing import CliRunner

from foryou import cli
from foryou.evaluation import benchmark, shown
from foryou.evaluation.budget import LENGTH, Budget, Plan
from foryou.evaluation.public_split import Split
from foryou.models import families
from foryou.models.families import Pairs

SMALL = Budget(trials=2, table_trials=2, search_factors=4, rounds=3, widths=(8,), most_points=1, steps=3)
TASTE = 30
"""Users of a taste, and items of it."""


def ones(shape, pairs):
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    return sparse.csr_matrix((np.ones(len(pairs), np.float32), (rows, columns)), shape=shape)


def split_of(train, valid, test, shape, vectors=()):
    return Split(Pairs(ones(shape, train)), ones(shape, valid), ones(shape, test), tuple(vectors), ())


def two_tastes(vectors=(), **times):
    """Each user watched all items of its taste but two: one is held out for validation, the other for the test."""
    train, valid, test = [], [], []
    for user in range(2 * TASTE):
        own = [user // TASTE * TASTE + (user + step) % TASTE for step in range(TASTE)]
        valid.append((user, own[0]))
        test.append((user, own[1]))
        train += [(user, item) for item in own[2:]]
    split = split_of(train, valid, test, (2 * TASTE, 2 * TASTE), vectors)
    return replace(split, train=Pairs(split.train.values, **times))


def ran(split, k=20, budget=SMALL, **how):
    return benchmark.run(split, k, lambda text: None, budget, **how)


def figures(result):
    return [
        (name, each.recall, each.ndcg, each.recall_error, each.ndcg_error, each.point)
        for name, each in [*result.sources.items(), ("blend", result.blend)]
    ]


def test_of_two_tastes_the_blend_finds_what_was_held_out_of_ones_own():
    vectors = np.repeat(np.eye(2), TASTE, axis=0) + np.random.default_rng(1).normal(0, 0.01, (2 * TASTE, 2))
    pairs = two_tastes().train.values.nnz
    order = np.tile(np.arange(TASTE - 2, dtype=np.int32), 2 * TASTE)
    age = np.linspace(0, 1, pairs, dtype=np.float32)
    result = ran(two_tastes([vectors.astype(np.float32)], age=age, order=order), k=2)
    wanted = {"factors", "content factors, all", "item walk", "svd", "popular", "linear", "sequence"}
    assert set(result.sources) == wanted
    assert result.blend.recall == 1.0
    assert result.sources["factors"].recall == 1.0
    assert result.sources["popular"].recall <= 0.5
    assert "popular" not in result.chosen.names


def test_recall_and_ndcg_of_what_is_popular_are_those_of_a_hand():
    """Items by popularity: 0 (4 users), 1 (3), 2 (2), 3 (1), 4 and 5 (none). A list for each user without its own."""
    train = [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (0, 3)]
    test = [(3, 1), (3, 3), (2, 3), (0, 4), (4, 0)]
    result = ran(split_of(train, [(1, 3)], test, (5, 6)), k=2)
    popular = result.sources["popular"]
    # user 3: lists 1, 2, wants 1 and 3; user 2: lists 2, 3, wants 3; user 0: lists nothing; user 4: lists 0, 1, wants 0
    second = 1 / math.log2(3)
    recalls, ndcgs = [1 / 2, 1, 0, 1], [1 / (1 + second), second, 0, 1]
    assert (popular.recall, popular.ndcg) == (pytest.approx(np.mean(recalls)), pytest.approx(np.mean(ndcgs)))
    assert popular.recall_error == pytest.approx(np.std(recalls, ddof=1) / 2)
    assert result.users == 4 and result.items == 6


def test_the_same_arguments_give_the_same_figures_on_any_number_of_threads():
    split = two_tastes([np.random.default_rng(2).normal(size=(2 * TASTE, 3)).astype(np.float32)])
    one = ran(split, threads=1)
    assert figures(one) == figures(ran(split, threads=1)) == figures(ran(split, threads=3))
    assert one.chosen == ran(split, threads=3).chosen


def test_who_has_no_training_pairs_gets_what_is_popular():
    split = two_tastes()
    train = split.train.values.tolil()
    train[0] = 0
    train[:, 5] = 1
    train[0, 5] = 0
    test = ones(split.test.shape, [(0, 5)])
    result = ran(replace(split, train=Pairs(train.tocsr()), test=test), k=1)
    assert result.blend.recall == 1.0
    assert {name for name, each in result.sources.items() if each.recall} == {"popular"}


def test_lists_that_are_too_short_go_on_with_what_they_lack():
    ids = np.array([[3, 1, -1, -1], [-1, -1, -1, -1], [0, 1, 2, 3], [7, -1, -1, -1]], np.int32)
    by = np.array([[1, 2, 3, 4], [5, 6, -1, -1], [9, 9, 9, 9], [-1, -1, -1, -1]], np.int32)
    wanted = [[3, 1, 2, 4], [5, 6, -1, -1], [0, 1, 2, 3], [7, -1, -1, -1]]
    assert benchmark.continued(ids, by).tolist() == wanted


@pytest.mark.parametrize(
    ("train", "valid", "test", "shape"),
    [
        ([(0, 0), (1, 1)], [(0, 1)], [(1, 2)], (2, 3)),
        ([(0, 0)], [(0, 1)], [(0, 2)], (1, 3)),
        ([(0, 0), (1, 0)], [(2, 0)], [(3, 0)], (4, 1)),
        ([(0, 0), (1, 0)], [(0, 1)], [(1, 1)], (2, 2)),
        ([(0, 0)], [(1, 1)], [(2, 2)], (3, 3)),
        ([(0, item) for item in range(40)] + [(1, 3)], [(1, 4)], [(1, 5), (0, 41)], (2, 42)),
    ],
)
@pytest.mark.parametrize("with_vectors", [False, True])
def test_the_smallest_splits_have_figures_too(train, valid, test, shape, with_vectors):
    vectors = [np.eye(shape[1], 3, dtype=np.float32), np.zeros((shape[1], 2), np.float32)] if with_vectors else []
    result = ran(split_of(train, valid, test, shape, vectors))
    assert 0 <= result.blend.ndcg <= result.blend.recall + 1e-9 <= 1 + 1e-9
    json.dumps(benchmark.as_json(result, 20), allow_nan=False)
    assert not with_vectors or "content, all left out: no two items are alike" in result.notes


def test_a_user_with_all_items_has_nothing_left_to_be_listed():
    split = two_tastes()
    train = split.train.values.tolil()
    train[0] = 1
    both = replace(split, train=Pairs(train.tocsr()), test=ones(split.test.shape, [(0, 1), (1, 2)]))
    assert ran(both, k=2).blend.recall == 0.5  # the pair of user 0 was trained on, so nobody lists it


def test_a_user_of_a_hundred_thousand_pairs_is_one_among_others():
    split, wide = two_tastes(), 100_000
    given = sparse.block_diag([split.train.values, np.ones((1, wide), np.float32)], format="csr")
    held = [sparse.block_diag([part, sparse.csr_matrix((1, wide))], format="csr") for part in (split.valid, split.test)]
    budget = replace(SMALL, walk_work=1e9, search_work=5e5)
    result = ran(Split(Pairs(given), *held, (), ("odd",)), k=2, budget=budget)
    assert result.blend.recall == 1.0
    assert result.notes == ["odd", "item walk left out: it would cost 10.0 times what is allowed"]


def test_searches_draw_users_and_leave_the_greatest_for_last():
    train = Pairs(ones((101, 1000), [(0, item) for item in range(1000)] + [(user, 1) for user in range(1, 101)]))
    drawn = benchmark._drawn(train, 50, seed=1)
    assert drawn.values.nnz == 50 and drawn.values[0].nnz == 0
    assert benchmark._drawn(train, 2000, seed=1) is train
    alone = Pairs(ones((1, 1000), [(0, item) for item in range(1000)]))
    assert benchmark._drawn(alone, 50, seed=1).values.nnz == 1000


@pytest.mark.parametrize("pairs", [1, 60_000, 400_000, 2_000_000, 10_000_000])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_plan_keeps_to_the_work_and_the_room_of_its_budget(pairs, count):
    budget, users = Budget(), min(pairs, 140_000)
    plan = Plan.of(budget, pairs, users, count)
    least = plan.factors == budget.widths[0] and plan.points == 1
    assert least or plan.factors * plan.points * pairs * count * budget.rounds <= budget.final_work
    searches = plan.searched_pairs * budget.trials * count * budget.search_factors * budget.rounds
    assert searches <= budget.search_work
    assert plan.points == 1 or plan.points * users * LENGTH * 8 * count <= budget.list_bytes
    assert 1 <= plan.searched_pairs <= pairs


def test_what_grows_with_the_catalogue_is_held_by_the_budget():
    budget = Budget()
    linear = next(each for each in families.of(two_tastes().train, {}) if each.name == "linear")
    assert [budget.trials_of(linear, items) for items in (100, 6_710, 12_000)] == [10, 10, 4]
    assert [budget.dimensions(items, 3) for items in (6_710, 50_000, 10**6)] == [256, 66, 32]
    heavy = sparse.csr_matrix(np.ones((2, 100), np.float32))
    assert replace(budget, walk_work=1e4, linear_work=1e5).costs(heavy) == {"item walk": 2.0, "linear": 2.0}


def written(folder):
    split = two_tastes()
    for name, part in (("train", split.train.values), ("valid", split.valid), ("test", split.test)):
        rows = "\n".join(f"u{row},v{column}" for row, column in zip(*part.nonzero(), strict=True))
        (folder / f"{name}.csv").write_text(f"user,item\n{rows}\n")
    return [word for name in ("train", "valid", "test") for word in (f"--{name}", str(folder / f"{name}.csv"))]


def asked(arguments):
    return CliRunner().invoke(cli.app, ["benchmark", *arguments])


@pytest.fixture
def small(monkeypatch):
    """The command asks for nothing but files; its budget is that of tests."""
    monkeypatch.setattr(benchmark.run, "__defaults__", (SMALL, *benchmark.run.__defaults__[1:]))


def test_json_is_one_document_on_standard_output_with_universe_and_masking(tmp_path, small):
    result = asked([*written(tmp_path), "--json", "--k", "2"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["blend"]["recall"] == {"2": 1.0} and set(told["blend"]["ndcg"]) == {"2"}
    assert told["universe"] == "60 items" and told["masked"] == "items of train" and told["users"] == 60
    assert {"factors", "popular"} <= set(told["sources"]) and told["seconds"] > 0 and told["peak_gib"] > 0
    assert set(told["sources"]["factors"]) == {"recall", "ndcg", "standard_errors", "seconds", "settings"}
    assert "trial 1" in result.stderr and "Warning" not in result.stderr


def test_the_table_names_universe_and_masking(tmp_path, small):
    result = asked([*written(tmp_path), "-k", "2"])
    assert result.exit_code == 0, result.output
    assert "60 users of test; all 60 items ranked; masked: each user's items of train" in " ".join(
        result.stdout.split()
    )
    assert "blend" in result.stdout and "1.0000 ±0.0000" in result.stdout


def test_a_source_in_the_blend_says_how_often():
    result = ran(two_tastes())
    columns = shown.benchmark(result, 20).columns
    cells = dict(zip(columns[0].cells, columns[1].cells, strict=True))
    assert cells[result.chosen.names[0]] == f"{result.chosen.names.count(result.chosen.names[0])} x"
    assert "–" in cells.values()


@pytest.mark.parametrize(
    ("change", "code", "error"),
    [
        ({"train.csv": None}, 3, "InputMissing"),
        ({"valid.csv": ""}, 4, "DataRejected"),
        ({"test.csv": "a\nb\n"}, 5, "ContractBroken"),
    ],
)
def test_files_that_are_wrong_end_with_the_exit_code_of_their_kind(tmp_path, change, code, error):
    arguments = written(tmp_path)
    for name, text in change.items():
        (tmp_path / name).unlink() if text is None else (tmp_path / name).write_text(text)
    result = asked([*arguments, "--json"])
    assert result.exit_code == code
    assert json.loads(result.stdout)["error"] == error
    assert next(iter(change)) in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--k", "0"], ["--k", "41"], ["--item-vectors"], ["--what"]])
def test_a_command_without_sense_is_a_matter_of_usage(tmp_path, arguments):
    assert asked([*written(tmp_path), *arguments]).exit_code == 2


def test_a_vector_file_for_items_that_are_words_is_refused(tmp_path):
    np.save(tmp_path / "vectors.npy", np.eye(60))
    result = asked([*written(tmp_path), "--item-vectors", str(tmp_path / "vectors.npy"), "--json"])
    assert result.exit_code == 5 and json.loads(result.stdout)["table"] == "item vectors"
