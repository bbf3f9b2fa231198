"""hold_out, k_fold and take: label shares, groups, times, missing labels, bad input."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.data import hold_out, k_fold, take

N = 2000
RATES = np.linspace(0.02, 0.5, 10)


def binary_tasks(rows=N, seed=0):
    """Ten tasks with 2 to 50 % of yes, which depend on each other."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=rows)
    noise = rng.normal(size=(rows, 10))
    scores = common[:, None] + noise
    return {f"t{i}": (scores[:, i] > np.quantile(scores[:, i], 1 - r)).astype(int) for i, r in enumerate(RATES)}


def spread(y, parts):
    """Returns the greatest distance of a part's share of yes from that of the whole."""
    return max(abs(labels[rows].mean() - labels.mean()) for labels in y.values() for rows in parts)


def test_ten_tasks_of_rare_labels_are_spread_within_one_per_cent():
    y = binary_tasks()
    folds = k_fold(y, k=5)
    ours, random = spread(y, [test for _, test in folds]), spread(y, [t for _, t in k_fold(y, k=5, stratify=False)])
    assert ours < 0.005  # 2 of 400 rows
    assert ours < 0.25 * random
    parts = hold_out(y)
    assert spread(y, parts.values()) < 0.01
    assert [len(rows) for rows in parts.values()] == [1600, 200, 200]


def test_of_very_many_rows_most_are_dealt_out_at_once():
    y = binary_tasks(60_000)
    folds = k_fold(y, k=4)
    assert spread(y, [test for _, test in folds]) < 0.001
    assert [len(test) for _, test in folds] == [15_000] * 4


@pytest.mark.parametrize("stratify", [False, True])
def test_folds_are_disjoint_and_complete(stratify):
    y = {f"t{i}": np.arange(203) % (i + 2) == 0 for i in range(4)}
    folds = k_fold(y, k=4, repeats=3, stratify=stratify)
    assert len(folds) == 12
    for start in (0, 4, 8):
        tests = [test for _, test in folds[start : start + 4]]
        np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(203))
        assert {len(test) for test in tests} == {50, 51}
    for train, test in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(203))
    assert not np.array_equal(folds[0][1], folds[4][1])


def test_the_seed_says_it_all():
    y = {"a": np.arange(300) % 3, "b": np.arange(300) % 2}
    same, again, other = (hold_out(y, seed=seed)["test"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(same, again)
    assert not np.array_equal(same, other)


def test_every_kind_of_label():
    """Classes, several labels a row, numbers, tags, and labels that are missing: each near its share of the whole."""
    rng = np.random.default_rng(0)
    y = {
        "class": rng.choice(4, N, p=[0.7, 0.2, 0.07, 0.03]),
        "name": rng.choice(["a", "b"], N, p=[0.9, 0.1]),
        "labels": (rng.uniform(size=(N, 3)) < [0.5, 0.1, 0.02]).astype(int),
        "number": rng.normal(size=N),
        "tags": np.where(rng.uniform(size=(N, 6)) < 0.02, rng.integers(1, 4, (N, 6)), 0),
        "partly": np.where(rng.uniform(size=N) < 0.1, rng.integers(0, 2, N), -1),
    }
    (_, test), *_ = k_fold(y, k=4)
    shares = {
        "class 3": y["class"] == 3,
        "name": y["name"] == "b",
        "label 2": y["labels"][:, 2] == 1,
        "low": y["number"] < np.quantile(y["number"], 0.2),
        "tag 3": (y["tags"] == 3).any(axis=1),
        "there": y["partly"] >= 0,
        "yes": y["partly"] == 1,
    }
    for name, whole in shares.items():
        assert whole[test].sum() == pytest.approx(whole.sum() / 4, abs=max(2.0, 0.02 * whole.sum())), name


def test_groups_stay_together():
    y, users = binary_tasks(1000), np.random.default_rng(0).integers(0, 120, 1000)
    parts = hold_out(y, {"train": 0.6, "test": 0.4}, groups=users)
    assert not set(users[parts["train"]]) & set(users[parts["test"]])
    assert len(parts["test"]) == pytest.approx(400, abs=25)
    assert spread(y, parts.values()) < 0.02
    for train, test in k_fold(y, k=3, groups=users):
        assert not set(users[train]) & set(users[test])


def test_an_order_cuts_time():
    y, time = {"a": np.arange(10) % 2}, np.array([5, 3, 3, 1, 9, 8, 7, 6, 2, 4])
    parts = hold_out(y, {"train": 0.5, "test": 0.5}, order=time)
    assert time[parts["train"]].max() < time[parts["test"]].min()
    folds = k_fold(y, k=2, order=time)
    assert [(sorted(time[train]), sorted(time[test])) for train, test in folds] == [
        ([1, 2, 3, 3], [4, 5, 6]),
        ([1, 2, 3, 3, 4, 5, 6], [7, 8, 9]),
    ]


def test_the_table_by_hand():
    y = {"yes": np.array([0, 1, 0, 1]), "age": np.array([10.0, np.nan, 30.0, 40.0])}
    parts = hold_out(y, {"a": 0.5, "b": 0.5}, order=np.arange(4))
    assert repr(parts).splitlines() == [
        "part  rows  yes                  age",
        "a     2     2: 0 50.0%, 1 50.0%  1: mean 10",
        "b     2     2: 0 50.0%, 1 50.0%  2: mean 35",
    ]


@pytest.mark.parametrize(
    ("labels", "lack"), [([0, 0, 0, 1], "one class only of the task 'a'"), ([0, 1, -1, -1], "no label of the task 'a'")]
)
def test_warns_of_a_part_that_lacks_something(labels, lack):
    y = {"a": np.array(labels), "b": np.array([0, 1, 0, 1])}
    with pytest.warns(UserWarning, match=rf"The part '\w+' has {lack}"):
        hold_out(y, {"train": 0.5, "test": 0.5}, order=np.arange(4))


def test_take():
    rows = np.array([2, 0])
    assert list(take(np.arange(4), rows)) == [2, 0]
    assert list(take(tf.range(4), rows).numpy()) == [2, 0]
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=[7, 8, 9])
    assert list(take(frame, rows)["a"]) == [3, 1]
    assert list(take(frame["a"], rows)) == [3, 1]
    both = take({"x": np.arange(4), "y": (np.arange(4.0), [np.arange(4)])}, rows)
    assert list(both["y"][1][0]) == [2, 0]
    assert len(take(np.arange(4), [])) == 0
    with pytest.raises(IndexError, match=r"from 0 to 3\. Received: -1 to 2"):
        take(np.arange(4), [-1, 2])
    for x, bad in ((np.arange(4), [[0]]), (np.arange(4), [0.5]), ("text", [0]), (None, [0])):
        with pytest.raises(ValueError, match=r"`(rows|x)` must be"):
            take(x, bad)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"sizes": {"a": 0.5, "b": 0.4}}, "sum up to 1"),
        ({"sizes": {"a": 1.5, "b": -0.5}}, "sizes"),
        ({"sizes": [0.5, 0.5]}, "`sizes` must be a dict"),
        ({"groups": np.arange(3)}, r"`groups` must have shape \(6,\)"),
        ({"groups": np.zeros(6)}, "at least 3 groups"),
        ({"order": np.arange(6), "groups": np.arange(6)}, "exclude each other"),
        ({"order": np.zeros(6)}, "different values"),
        ({"seed": -1}, "seed"),
        ({"stratify": 1}, "stratify"),
    ],
)
def test_bad_arguments(arguments, error):
    with pytest.raises(ValueError, match=error):
        hold_out({"a": np.arange(6) % 2}, **arguments)


@pytest.mark.parametrize("arguments", [{"k": 1}, {"k": 2.5}, {"repeats": 0}, {"order": np.arange(6), "repeats": 2}])
def test_bad_arguments_of_folds(arguments):
    with pytest.raises(ValueError, match="|".join(arguments)):
        k_fold({"a": np.arange(6) % 2}, **arguments)
    with pytest.raises(ValueError, match="at least 7 rows"):
        k_fold({"a": np.arange(6) % 2}, k=7)


def test_frames_and_lengths():
    frame = pd.DataFrame({"a": np.arange(20) % 2, "b": np.arange(20.0)})
    assert sum(map(len, mtl.data.hold_out(frame).values())) == 20
    with pytest.raises(ValueError, match="same length"):
        hold_out({"a": np.arange(4), "b": np.arange(5)})
    with pytest.raises(ValueError, match="dict"):
        hold_out(np.arange(4))
