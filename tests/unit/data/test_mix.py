"""Mixing: exact counts, a new order on each pass, missing labels filled in, and a start at any step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.data import Annealed, Temperature, from_arrays, mix
from tests.helpers.epochs import rest_of_epoch
from tests.helpers.marks import first_fast

NUM_A, NUM_B = 90, 10


def _a(**options):
    rows = np.arange(NUM_A, dtype="float32")
    return from_arrays(rows, {"a": np.arange(NUM_A) % 3}, 7, **options)


def _b(**options):
    rows = 1000 + np.arange(NUM_B, dtype="float32")
    return from_arrays(rows, {"b": rows}, 4, **options)


def _sources():
    return {"A": _a(), "B": _b()}


def _rows(dataset):
    return np.concatenate([x for x, *_ in dataset.as_numpy_iterator()])


def _counts(dataset, epochs=1):
    """Returns the numbers of rows of A and of B in each epoch."""
    rows = [_rows(dataset) for _ in range(epochs)]
    return [(int((r < 1000).sum()), int((r >= 1000).sum())) for r in rows]


@pytest.mark.parametrize(
    ("strategy", "steps", "expected"),
    first_fast(
        [  # by hand, for 90 and 10 rows
            ("round_robin", "all", (90, 90)),
            (Temperature(2.0), "all", (90, 30)),  # √90 : √10 = 3 : 1
            ({"A": 3, "B": 2}, "shortest", (15, 10)),
            ("proportional", 5, (72, 8)),
            ("proportional", "all", (90, 10)),
            ("uniform", "all", (90, 90)),
            (Temperature(1.0, limit=30), "all", (90, 30)),
            ({"A": 3, "B": 2}, "all", (90, 60)),
            ("proportional", "shortest", (90, 10)),
            ("uniform", "shortest", (10, 10)),
            (Temperature(2.0), "shortest", (30, 10)),
            ("uniform", 5, (40, 40)),
        ],
        4,
    ),
)
def test_rows_of_each_source(strategy, steps, expected):
    dataset = mix(_sources(), strategy, batch_size=16, steps_per_epoch=steps)
    assert dataset.facts.rows_of(1, None) == dict(zip("AB", expected, strict=True))  # what the logs say
    if steps == 5:  # the order itself is a matter of tests/unit/data/test_schedule.py
        assert _counts(dataset) == [expected]
    assert int(dataset.cardinality()) == -(-sum(expected) // 16)


def test_batches_of_each_source():
    for strategy, expected in (("round_robin", (9, 9)), (Temperature(2.0), (9, 3))):
        dataset = mix(_sources(), strategy, unit="batch", batch_size=10)
        batches = [x for x, *_ in dataset.as_numpy_iterator()]
        from_a = [bool((x < 1000).all()) for x in batches]
        assert (sum(from_a), len(from_a) - sum(from_a)) == expected
        assert all((x >= 1000).all() for x, is_a in zip(batches, from_a, strict=True) if not is_a)
        if strategy == "round_robin":
            assert from_a == [True, False] * 9


@pytest.mark.slow
def test_annealed_shares_by_hand():
    dataset = mix(_sources(), Annealed(3, end=0.0), batch_size=10)
    # exponents 1, 0.5, 0, 0: shares .9, .75, .5, .5 of the 100 rows of an epoch
    assert _counts(dataset, 4) == [(90, 10), (75, 25), (50, 50), (50, 50)]
    assert [dataset.facts.rows_of(e, None)["A"] for e in range(4)] == [90, 75, 50, 50]


def test_sources_take_turns():
    rows = _rows(mix(_sources(), "round_robin", batch_size=16))
    assert ((rows < 1000) == (np.arange(180) % 2 == 0)).all()


def _all(dataset):
    return next(iter(dataset.unbatch().batch(200)))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d,
        pytest.param(lambda d: d.map(lambda x, y: (x, y)).prefetch(1), marks=pytest.mark.slow),
        pytest.param(lambda d: d.unbatch(), marks=pytest.mark.slow),
        lambda d: tf.data.Dataset.from_tensor_slices(_all(d)),  # not of this package
        pytest.param(lambda d: tf.data.Dataset.from_tensors(_all(d)), marks=pytest.mark.slow),
        pytest.param(lambda d: d.filter(lambda x, y: x[0] >= 0), marks=pytest.mark.slow),
    ],
)
def test_each_pass_has_each_row_once_in_an_order_of_its_own(change):
    dataset = mix({"A": change(_a()), "B": _b(shuffle=True)}, batch_size=16, shuffle_rows=40)
    orders = [[row for row in _rows(dataset) if row < 1000] for _ in range(3)]
    assert all(sorted(order) == list(range(NUM_A)) for order in orders)
    assert len(set(map(tuple, orders))) == 3
    assert all(order != sorted(order) for order in orders)


def test_passes_of_a_small_source_follow_each_other():
    rows = [row - 1000 for row in _rows(mix(_sources(), "uniform")) if row >= 1000]
    passes = [rows[i : i + NUM_B] for i in range(0, 90, NUM_B)]
    assert all(sorted(one) == list(range(NUM_B)) for one in passes)
    assert len(set(map(tuple, passes))) == 9


def test_rows_are_mixed_within_a_batch():
    x, _, weights = next(iter(mix(_sources(), "uniform", batch_size=100)))
    is_b = x.numpy() >= 1000
    assert 0.2 < is_b[:50].mean() < 0.8
    np.testing.assert_array_equal(weights["b"], is_b)
    np.testing.assert_array_equal(weights["a"], ~is_b)


@pytest.mark.slow
def test_another_seed_is_another_order():
    first, second = (_rows(mix(_sources(), seed=seed)) for seed in (0, 1))
    assert sorted(first) == sorted(second)
    assert [r for r in first if r < 1000] != [r for r in second if r < 1000]
    assert list(first < 1000) != list(second < 1000)


@pytest.mark.parametrize(
    ("unit", "strategy"),
    [
        pytest.param("row", Annealed(4), marks=pytest.mark.slow),
        pytest.param("batch", Annealed(4), marks=pytest.mark.slow),
        ("row", "proportional"),
        pytest.param("row", "round_robin", marks=pytest.mark.slow),
    ],
)
def test_starts_at_any_step(unit, strategy):
    dataset = mix(_sources(), strategy, unit=unit, batch_size=6)
    whole = [x.tolist() for _ in range(3) for x, *_ in dataset.as_numpy_iterator()]
    steps = len(whole) // 3
    for epoch, step in ((0, 5), (2, steps - 1)):
        rest = [x.tolist() for x, *_ in rest_of_epoch(dataset, epoch, step).as_numpy_iterator()]
        assert rest == whole[epoch * steps + step : (epoch + 1) * steps]


@pytest.mark.slow
def test_starts_at_any_step_of_a_long_epoch(monkeypatch):
    monkeypatch.setattr("mtl_keras.data._schedule._BLOCK", 13)  # steps lie in several blocks
    dataset = mix(_sources(), Temperature(2.0), batch_size=8)
    whole = [x.tolist() for _ in range(2) for x, *_ in dataset.as_numpy_iterator()]
    assert [x.tolist() for x, *_ in rest_of_epoch(dataset, 1, 7).as_numpy_iterator()] == whole[15 + 7 :]
    assert _counts(dataset)[0] == (90, 30)


@pytest.mark.slow
def test_several_iterations_at_once(monkeypatch):
    monkeypatch.setattr("mtl_keras.data._generated._MAX_RUNS", 1)  # fewer are remembered than go on
    dataset = mix(_sources(), batch_size=50)
    expected = [[x.tolist() for x, *_ in dataset.as_numpy_iterator()] for _ in range(3)]
    again = mix(_sources(), batch_size=50)
    together = list(zip(*(iter(again) for _ in range(3)), strict=True))
    assert [[batches[i][0].numpy().tolist() for batches in together] for i in range(3)] == expected


@pytest.mark.slow
def test_two_shards_have_each_row_once():
    shards = [_rows(mix(_sources(), batch_size=8).shard(2, i)) for i in (0, 1)]
    assert sorted(np.concatenate(shards)) == sorted(_rows(mix(_sources())))


def test_missing_labels_have_the_dtype_and_shape_of_the_task():
    tags = from_arrays(np.zeros((4, 2)), {"tags": np.eye(4, 5, dtype="uint8"), "score": np.ones((4, 1))})
    text = from_arrays(np.zeros((4, 2)), {"kind": np.arange(1, 5)})
    x, y, weights = next(iter(mix({"tags": tags, "text": text}, batch_size=8)))
    assert {task: (label.dtype.name, label.shape) for task, label in y.items()} == {
        "tags": ("uint8", (8, 5)),
        "score": ("float32", (8, 1)),
        "kind": ("int64", (8,)),
    }
    assert x.shape == (8, 2)
    assert all(weight.shape == (8,) and weight.numpy().sum() == 4 for weight in weights.values())
    np.testing.assert_array_equal(y["tags"].numpy().sum(axis=1), weights["tags"])


def test_weights_of_the_sources_are_kept():
    rows = np.arange(4.0)
    by_element = from_arrays(rows, {"t": np.array([[1.0, np.nan]] * 4)})
    by_row = from_arrays(10 + rows, {"t": np.ones((4, 2))}, sample_weight={"t": rows})
    without = from_arrays(20 + rows, {"t": np.ones((4, 2))})
    x, _, weights = next(iter(mix({"e": by_element, "r": by_row, "w": without}, batch_size=12)))
    expected = {
        **{i: [1, 0] for i in range(4)},
        **{10 + i: [i, i] for i in range(4)},
        **{20 + i: [1, 1] for i in range(4)},
    }
    assert {int(k): list(w) for k, w in zip(x.numpy(), weights["t"].numpy(), strict=True)} == expected


def test_one_weight_for_all_tasks():
    rows = np.arange(4.0, dtype="float32")
    plain = tf.data.Dataset.from_tensors((rows, {"s": rows, "t": rows}, rows))
    x, _, weights = next(iter(mix({"p": plain, "A": _a()}, steps_per_epoch=1, strategy="uniform", batch_size=8)))
    is_p = np.isin(np.arange(8), np.flatnonzero(weights["a"].numpy() == 0))
    np.testing.assert_array_equal(weights["s"].numpy()[is_p], x.numpy()[is_p])


def test_no_weights_where_nothing_can_be_missing():
    assert len(mix({"A": _a(), "too": _a()}).element_spec) == 2


def test_rows_of_several_lengths_are_padded():
    def texts(lengths, task):
        def rows():
            for n in lengths:
                yield {"ids": np.full(n, n, "int32"), "raw": b"x" * n}, {task: np.full(n, n, "int32")}

        ids = tf.TensorSpec([None], tf.int32)
        return tf.data.Dataset.from_generator(
            rows, output_signature=({"ids": ids, "raw": tf.TensorSpec([], tf.string)}, {task: ids})
        )

    padded = texts([2, 1, 2, 1], "tags").padded_batch(2)
    x, y, weights = next(
        iter(mix({"one": texts([3, 1, 2], "tags"), "two": texts([4, 4], "other"), "three": padded}, batch_size=9))
    )
    assert x["ids"].shape == (9, 4)
    lengths = (x["ids"].numpy() != 0).sum(axis=1)
    assert lengths.tolist() == [len(raw) for raw in x["raw"].numpy()]
    assert sorted(lengths) == [1, 1, 1, 2, 2, 2, 3, 4, 4]
    np.testing.assert_array_equal(weights["other"], y["other"] != 0)
    from_one = (weights["tags"].numpy().sum(axis=1) > 0) & (lengths == 3)
    assert y["tags"].numpy()[from_one].tolist() == [[3, 3, 3, 0][: y["tags"].shape[1]]]
    assert weights["tags"].numpy()[from_one].tolist() == [[1, 1, 1, 0][: y["tags"].shape[1]]]


@pytest.mark.slow
def test_a_mix_can_be_a_source():
    three = {"mixed": mix(_sources(), batch_size=8), "C": from_arrays(np.full(50, -1.0), {"c": np.arange(50.0)})}
    rows = _rows(mix(three))
    assert sorted(rows) == sorted([*range(NUM_A), *range(1000, 1000 + NUM_B), *[-1.0] * 50])


def _model(weighting=None):
    x = keras.Input((1,))
    shared = keras.layers.Dense(2)(x)
    outputs = {"a": keras.layers.Dense(1, name="a")(shared), "b": keras.layers.Dense(1, name="b")(shared)}
    model = mtl.MultiTaskModel(x, outputs)
    model.compile("sgd", loss={"a": "mse", "b": "mae"}, weighting=weighting, run_eagerly=True)
    return model


def _labelled():
    numbers = np.ones(12, "float32")
    return {
        "A": from_arrays(numbers, {"a": np.arange(12.0)}, 4),
        "B": from_arrays(numbers[:3], {"b": np.arange(3.0)}, 4),
    }


def test_fit_logs_the_rows_of_each_source():
    data = mix(_labelled(), Annealed(2, end=0.0), batch_size=5)
    history = _model().fit(data, epochs=2, verbose=0).history
    assert history["rows_A"] == [12, 8]  # the half of 15, and the odd row
    assert history["rows_B"] == [3, 7]
    history = _model().fit(data.prefetch(1), epochs=2, steps_per_epoch=1, verbose=0).history
    assert [a + b for a, b in zip(history["rows_A"], history["rows_B"], strict=True)] == [5, 5]


def test_warns_of_a_weighting_that_sees_one_task_at_a_time():
    with pytest.warns(UserWarning, match='PCGrad reads the gradients.*unit="row"'):
        _model("pcgrad").fit(mix(_labelled(), unit="batch", steps_per_epoch=1), verbose=0)
    _model("pcgrad").fit(mix(_labelled(), steps_per_epoch=1), verbose=0)  # warnings are errors
    _model("uncertainty").fit(mix(_labelled(), unit="batch", steps_per_epoch=1), verbose=0)
    both = from_arrays(np.ones(4), {"a": np.arange(4.0), "b": np.arange(4.0)})
    _model("pcgrad").fit(mix({"1": both, "2": both}, unit="batch", steps_per_epoch=1), verbose=0)


def _with(change):
    return {"A": _a(), "B": _a().map(change)}


@pytest.mark.parametrize(
    ("sources", "options", "message"),
    [
        ({"A": _a()}, {}, "at least two"),
        ([_a(), _b()], {}, "`sources` must be a dict"),
        ({"A": np.zeros(3), "B": _b()}, {}, "'A': a ndarray"),
        ({"A": _a().repeat(), "B": _b()}, {}, r"'A' must be finite.*repeat\(\)"),
        ({"A": tf.data.Dataset.from_tensors(np.zeros(3)), "B": _b()}, {}, "'A' must have labels"),
        ({"A": tf.data.Dataset.from_tensors((np.zeros(3), {})), "B": _b()}, {}, "'A' must have labels"),
        ({"A": _a().take(0), "B": _b()}, {}, "'A' must have at least one row"),
        (_with(lambda x, y: ({"i": x}, y)), {}, r"Received: `x` in 'A', and not in 'B'"),
        (_with(lambda x, y: (tf.cast(x, "int32"), y)), {}, r"`x` must have one dtype.*float32 \[\] in 'A', and int32"),
        (_with(lambda x, y: (tf.stack([x, x], 1), y)), {}, r"float32 \[2\] in 'B'"),
        (_with(lambda x, y: (x, {"a": tf.cast(y["a"], "int32")})), {}, r"`y\['a'\]` must .*int64 .*int32"),
        (_sources(), {"strategy": "square"}, "`strategy` must be one of 'proportional'"),
        (_sources(), {"strategy": {"A": 1}}, r"\['A', 'B'\] as keys"),
        (_sources(), {"strategy": {"A": 1, "B": 0}}, r"strategy\['B'\]` must be a finite number above 0"),
        (_sources(), {"unit": "rows"}, "`unit` must be one of"),
        (_sources(), {"steps_per_epoch": "longest"}, '"all" or "shortest"'),
        (_sources(), {"steps_per_epoch": 0}, "steps_per_epoch"),
        (_sources(), {"batch_size": 0}, "batch_size"),
        (_sources(), {"seed": -1}, "seed"),
    ],
)  # fmt: skip
def test_bad_input(sources, options, message):
    with pytest.raises(ValueError, match=message):
        mix(sources, **options)


@pytest.mark.parametrize(
    "make", [lambda: Temperature(0.5), lambda: Temperature(2, 0), lambda: Annealed(1), lambda: Annealed(3, 1.5)]
)
def test_bad_strategies(make):
    with pytest.raises(ValueError, match="must be"):
        make()
