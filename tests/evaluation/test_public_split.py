"""Splits as people have them: any ids, any header, times or none, and everything that can be wrong with a file."""

from __future__ import annotations

import gzip
import pickle

import numpy as np
import pytest

from foryou.errors import ContractBroken, DataRejected, InputMissing
from foryou.evaluation.public_split import read

TRAIN, VALID, TEST = "a,x\na,y\nb,x", "b,z", "a,z"


def split_of(folder, train=TRAIN, valid=VALID, test=TEST, vectors=()):
    """Reads the three texts, or bytes, as files, and matrices as vector files."""
    paths = []
    for name, content in (("train.csv", train), ("valid.csv", valid), ("test.csv", test)):
        paths.append(folder / name)
        paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
    for number, matrix in enumerate(vectors):
        np.save(folder / f"vectors{number}.npy", matrix)
    return read(*paths, [folder / f"vectors{number}.npy" for number in range(len(vectors))])


def dense(split):
    return [part.toarray().tolist() for part in (split.train.values, split.valid, split.test)]


def test_ids_are_numbered_in_their_order_and_items_of_all_three_files_are_ranked(tmp_path):
    split = split_of(tmp_path)
    assert dense(split) == [[[1, 1, 0], [1, 0, 0]], [[0, 0, 0], [0, 0, 1]], [[0, 0, 1], [0, 0, 0]]]
    assert split.train.age is None and split.train.order is None and split.vectors == ()


@pytest.mark.parametrize(
    "train",
    [
        "user,item\na,x\na,y\nb,x",
        "item,user\nx,a\ny,a\nx,b",
        "Item_ID,rating,USER_ID\nx,5,a\ny,4,a\nx,3,b",
        "\ufeffuser,item\na,x\na,y\nb,x",
        "\ufeffa,x\na,y\nb,x",
        "user,item\r\na,x\r\na,y\r\nb,x\r\n",
        "\n\nuser,item\n\na,x\n a , y\nb,x\n\n",
        '"user","item","what, else"\n"a","x","1,2"\na,y,2\nb,x,3',
        gzip.compress(b"user,item\na,x\na,y\nb,x"),
    ],
)
def test_headers_line_ends_marks_and_quotes_change_nothing(tmp_path, train):
    name = "train.csv.gz" if isinstance(train, bytes) else "train.csv"
    (tmp_path / name).write_bytes(train if isinstance(train, bytes) else train.encode())
    for other, text in (("valid.csv", VALID), ("test.csv", TEST)):
        (tmp_path / other).write_text(text)
    split = read(tmp_path / name, tmp_path / "valid.csv", tmp_path / "test.csv")
    assert dense(split) == dense(split_of(tmp_path))


def test_a_quoted_id_may_hold_a_comma_and_words_that_mean_nothing_elsewhere_are_ids(tmp_path):
    split = split_of(tmp_path, 'user,item\n"a, junior",NA\na,"x, y"', "a,NA", "a,null")
    assert dense(split) == [[[0, 0, 1], [1, 0, 0]], [[1, 0, 0], [0, 0, 0]], [[0, 1, 0], [0, 0, 0]]]


def test_where_all_items_are_whole_numbers_007_is_7_and_10_comes_after_9(tmp_path):
    split = split_of(tmp_path, "0,007\n0,10", "1,9", "1,7")
    assert split.train.values.toarray().tolist() == [[1, 0, 1], [0, 0, 0]]
    assert split.test.toarray().tolist() == [[0, 0, 0], [1, 0, 0]]


def test_where_one_file_has_an_item_that_is_no_number_007_is_not_7(tmp_path):
    split = split_of(tmp_path, "0,007\n0,10", "1,9", "1,7\n1,x")
    assert split.train.values.shape == (2, 5)
    assert "2 of 2 pairs of test.csv have an item that train.csv lacks" in split.notes


def test_users_in_numbers_and_items_in_words_go_their_own_ways(tmp_path):
    split = split_of(tmp_path, "01,x\n2,y", "1,y", "2,x")
    assert split.train.values.shape == (2, 2)


def test_numbers_of_every_size_and_sign_are_ids(tmp_path):
    split = split_of(tmp_path, f"-3,{2**40}\n{10**30},0", "-3,0", f"{10**30},{2**40}")
    assert split.train.values.shape == (2, 2) and split.test.nnz == 1


def test_a_pair_that_comes_twice_counts_once_at_its_last_time(tmp_path):
    split = split_of(tmp_path, "0,0,10\n0,1,20\n0,0,30\n0,0,5\n1,1,10", "0,2,1\n0,2,1", "1,0")
    assert split.train.values.toarray().tolist() == [[1, 1, 0], [0, 1, 0]]
    np.testing.assert_allclose(split.train.age, [0, 0.5, 1])
    assert split.train.order.tolist() == [0, 1, 0]
    assert split.valid.sum() == 1


@pytest.mark.parametrize(
    "times",
    [
        ["2026-03-10T12:00:00", "2026-03-10T13:00:00", "2026-03-10T14:00:00"],
        ["2026-03-10 12:00:00", "2026-03-10 13:00:00", "2026-03-10 14:00:00"],
        ["2026-03-10T12:00:00.123456789Z", "2026-03-10T13:00:00.123456789Z", "2026-03-10T14:00:00.123456789Z"],
        ["2026-03-10", "2026-03-11", "2026-03-12"],
        ["1.5", "2.5", "3.5"],
        ["-1", "0", "1"],
    ],
)
def test_times_may_be_stamps_days_or_numbers(tmp_path, times):
    rows = "\n".join(f"{item},{time},0" for item, time in enumerate(times))
    split = split_of(tmp_path, f"item,timestamp,user\n{rows}", "0,3", "0,4")
    assert split.train.order.tolist() == [2, 1, 0]
    np.testing.assert_allclose(split.train.age, [1, 0.5, 0])


def test_equal_times_are_no_time_apart(tmp_path):
    split = split_of(tmp_path, "0,0,7\n0,1,7", "0,2", "0,3")
    assert split.train.age.tolist() == [0, 0] and split.train.order.tolist() == [0, 1]


def test_pairs_to_judge_by_that_were_trained_on_are_left_out_and_counted(tmp_path):
    split = split_of(tmp_path, TRAIN, "b,z\na,x", "a,z\na,y\nc,q\nb,z")
    assert split.valid.sum() == 1 and split.test.sum() == 3
    assert split.notes == (
        "1 pairs of valid.csv are in train.csv too, and left out",
        "1 of 1 pairs of valid.csv have an item that train.csv lacks",
        "1 pairs of test.csv are in train.csv too, and left out",
        "3 of 3 pairs of test.csv have an item that train.csv lacks",
        "1 of 3 users of test.csv have no pair in train.csv",
        "1 pairs of test.csv are in valid.csv too, and judged all the same",
    )


@pytest.mark.parametrize(
    ("files", "kind", "words"),
    [
        ({"train": ""}, DataRejected, "train.csv.*found none"),
        ({"valid": ""}, DataRejected, "valid.csv.*found none"),
        ({"valid": "user,item\n"}, DataRejected, "valid.csv.*lines below the header"),
        ({"test": "\n\n"}, DataRejected, "test.csv.*found none"),
        ({"valid": "a,x"}, DataRejected, "valid.csv.*1 pairs, all of them in train.csv"),
        ({"train": "a\nb"}, ContractBroken, "train.csv.*first line 'a'"),
        ({"train": "a\tx\nb\ty"}, ContractBroken, "first line"),
        ({"train": "a,x,1,2\na,y,1,2"}, ContractBroken, "first line"),
        ({"train": "user,what\na,x"}, ContractBroken, "first line 'user, what'"),
        ({"train": "u,i\n0,1\n0,2"}, ContractBroken, "first line 'u, i' above numbers"),
        ({"train": "a,x\na,y,3"}, ContractBroken, "Expected 2 columns, got 3"),
        ({"train": "a,x\n,y"}, ContractBroken, "lines whose user is empty"),
        ({"train": "user,item\na,x\nb, "}, ContractBroken, "lines whose item is empty"),
        ({"train": b"a,x\nb,\xff\xfe"}, ContractBroken, "train.csv.*UTF8"),
        ({"train": "a,x,1\na,y,"}, ContractBroken, "train.csv.*empty times"),
        ({"train": "a,x,1\na,y,nan"}, ContractBroken, "train.csv.*(NaN|empty times)"),
        ({"train": "a,x,1.5\na,y,inf"}, ContractBroken, "train.csv.*infinity"),
        ({"train": "a,x,soon\na,y,later"}, ContractBroken, "train.csv.*type string"),
        ({"train": "a,x,12:00:00\na,y,13:00:00"}, ContractBroken, "train.csv.*type time32"),
        ({"train": "user,item,time\na,x,\na,y,"}, ContractBroken, "train.csv.*type null"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_sentence(tmp_path, files, kind, words):
    with pytest.raises(kind, match=words) as told:
        split_of(tmp_path, **files)
    assert "\n" not in str(told.value)


def test_times_of_the_files_to_judge_by_are_not_looked_at(tmp_path):
    assert split_of(tmp_path, TRAIN, "b,z,soon", "user,item,time\na,z,\n").test.nnz == 1


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(InputMissing, match=r"nowhere\.csv"):
        read(tmp_path / "nowhere.csv", tmp_path, tmp_path)


def test_one_file_may_be_given_twice(tmp_path):
    (tmp_path / "train.csv").write_text("0,0\n1,1")
    (tmp_path / "held.csv").write_text("0,1\n1,0")
    split = read(tmp_path / "train.csv", tmp_path / "held.csv", tmp_path / "held.csv")
    assert (split.valid != split.test).nnz == 0


def test_row_i_of_the_vectors_is_item_i_and_rows_without_pairs_are_ranked_too(tmp_path):
    split = split_of(tmp_path, "a,3", "a,1", "a,0", [np.eye(5, dtype=np.float16)])
    assert dense(split) == [[[0, 0, 0, 1, 0]], [[0, 1, 0, 0, 0]], [[1, 0, 0, 0, 0]]]
    np.testing.assert_array_equal(split.vectors[0], np.eye(5))


@pytest.mark.parametrize(
    ("train", "vectors", "words"),
    [
        ("a,x", [np.eye(5)], "not all of at most 18 digits"),
        ("a,-1", [np.eye(5)], "items from 0 to 4.*items from -1 to 3"),
        ("a,5", [np.eye(5)], "items from 0 to 4.*items from 1 to 5"),
        (f"a,{2**40}", [np.eye(5)], f"items from 1 to {2**40}"),
        (f"a,{10**30}", [np.eye(5)], "not all of at most 18 digits"),
        ("a,0", [np.eye(5), np.eye(6)], "5 and 6 rows"),
    ],
)
def test_items_that_the_vectors_do_not_fit_are_refused(tmp_path, train, vectors, words):
    with pytest.raises(ContractBroken, match=words):
        split_of(tmp_path, train, "a,1", "a,3", vectors)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e300])
def test_vectors_that_are_not_finite_are_refused_and_counted(tmp_path, wrong):
    vectors = np.eye(5)
    vectors[2, 3] = wrong
    with pytest.raises(DataRejected, match=r"vectors0.npy.*1 of 5 rows"):
        split_of(tmp_path, "a,0", "a,1", "a,2", [vectors])


@pytest.mark.parametrize(
    "wrong", [np.ones(5), np.ones((5, 2, 2)), np.ones((5, 0)), np.full((5, 2), "x"), np.eye(5) > 0]
)
def test_vectors_of_another_shape_or_kind_are_refused(tmp_path, wrong):
    with pytest.raises(ContractBroken, match=r"vectors0.npy"):
        split_of(tmp_path, "a,0", "a,1", "a,2", [wrong])


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (type(self.mark).touch, (self.mark,))


def test_a_pickle_is_refused_and_never_opened(tmp_path):
    mark = tmp_path / "unpickled"
    objects = np.empty((1, 1), object)
    objects[0, 0] = Trap(mark)
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Trap(mark)))
    np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "several.npz", np.eye(3))
    (tmp_path / "half.npy").write_bytes((tmp_path / "objects.npy").read_bytes()[:20])
    (tmp_path / "empty.npy").touch()
    for name, text in (("train.csv", "a,0"), ("valid.csv", "a,1"), ("test.csv", "a,2")):
        (tmp_path / name).write_text(text)
    for name in ("plain.npy", "objects.npy", "several.npz", "half.npy", "empty.npy"):
        with pytest.raises(ContractBroken, match=name) as told:
            read(tmp_path / "train.csv", tmp_path / "valid.csv", tmp_path / "test.csv", [tmp_path / name])
        assert "\n" not in str(told.value)
    assert not mark.exists()
    pickle.loads((tmp_path / "plain.npy").read_bytes())
    assert mark.exists()  # the trap works


def test_vectors_that_are_not_there_are_missing(tmp_path):
    for name, text in (("train.csv", "a,0"), ("valid.csv", "a,1"), ("test.csv", "a,2")):
        (tmp_path / name).write_text(text)
    with pytest.raises(InputMissing, match=r"none\.npy"):
        read(tmp_path / "train.csv", tmp_path / "valid.csv", tmp_path / "test.csv", [tmp_path / "none.npy"])
