"""Each epoch has an order of its own, wherever a `fit` starts and however the data are passed."""

import itertools
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.data import from_arrays
from mtl_keras.data._epochs import EpochDataset
from tests.helpers.marks import first_fast

NUM_ROWS, BATCH = 10, 4
STEPS = 3


def _data(**options):
    rows = np.arange(float(NUM_ROWS), dtype="float32")
    return from_arrays(rows, {"t": rows}, BATCH, **{"shuffle": True, "seed": 5, **options})


def _rows(batch):
    return np.ravel(batch[0]).tolist()


def _joined(lists):
    return list(itertools.chain(*lists))


def _passes(dataset, num=1):
    return [[_rows(batch) for batch in dataset.as_numpy_iterator()] for _ in range(num)]


ORDERS = [_joined(order) for order in _passes(_data(), 12)]  # of passes 0 to 11, row by row


class Spy:
    """A model that writes down the rows it is trained on, with eager steps."""

    def __init__(self):
        x = keras.Input((1,))
        self.model = mtl.MultiTaskModel(x, {"t": keras.layers.Dense(1)(x)})
        self.model.compile(keras.optimizers.SGD(1e-4), loss={"t": "mse"}, run_eagerly=True)

    def fit(self, dataset, **arguments):
        """Returns the rows of each epoch."""
        self.model.train_function = None
        seen, inner = [], self.model.train_step

        def train_step(data):
            seen.append(_rows(data))
            return inner(data)

        self.model.train_step = train_step
        ends = []
        end = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(len(seen)))
        try:
            self.model.fit(dataset, verbose=0, **{"callbacks": [end], **arguments})
        finally:
            del self.model.train_step
            self.model.train_function = None
        return [_joined(seen[a:b]) for a, b in zip([0, *ends], ends, strict=False)]


def test_an_order_is_a_permutation_and_no_two_are_alike():
    assert all(sorted(order) == list(range(NUM_ROWS)) for order in ORDERS)
    assert len({tuple(order) for order in ORDERS}) == len(ORDERS)


def test_the_orders_depend_on_the_seed_alone():
    assert [_joined(order) for order in _passes(_data(), 2)] == ORDERS[:2]
    assert _passes(_data(seed=6)) != _passes(_data())


def test_fit_starts_at_its_initial_epoch():
    assert Spy().fit(_data(), epochs=2) == ORDERS[:2]
    assert Spy().fit(_data(), initial_epoch=3, epochs=5) == ORDERS[3:5]


def test_a_dataset_that_was_iterated_before_starts_at_the_epoch_all_the_same():
    data = _data()
    _passes(data, 3)
    assert Spy().fit(data, epochs=2) == ORDERS[:2]


def test_fit_in_a_loop_goes_on():
    data, spy = _data(), Spy()
    assert [spy.fit(data, epochs=1)[0] for _ in range(3)] == ORDERS[:3]
    assert spy.fit(data, initial_epoch=1, epochs=2) == ORDERS[1:2]  # unless it says where
    assert Spy().fit(data, epochs=1) == ORDERS[:1]  # another model begins at the beginning


def test_a_loaded_model_goes_on(tmp_path):
    spy, again = Spy(), Spy()
    spy.fit(_data(), epochs=2)
    spy.model.save(tmp_path / "model.keras")
    again.model = keras.models.load_model(tmp_path / "model.keras")
    again.model.run_eagerly = True
    assert again.fit(_data(), epochs=1) == ORDERS[2:3]


def test_backup_and_restore_goes_on(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)

    with pytest.raises(KeyboardInterrupt):
        Spy().fit(_data(), epochs=4, callbacks=[backup(), Stop()])
    spy, seen = Spy(), []
    batches = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    inner, rows = spy.model.train_step, []
    spy.model.train_step = lambda data: (rows.extend(_rows(data)), inner(data))[1]
    spy.model.fit(_data(), epochs=3, callbacks=[backup(), batches], verbose=0)
    assert rows == _joined(ORDERS[seen[0] : 3])
    assert 0 < seen[0] < 3


@pytest.mark.parametrize(("steps", "repeated"), first_fast([(3, False), (2, True), (7, False)]))
def test_with_steps_per_epoch_the_passes_go_on_and_resume(steps, repeated):
    stream = [batch for order in _passes(_data(), 12) for batch in order]
    data = _data().repeat() if repeated else _data()
    expected = [_joined(stream[e * steps : (e + 1) * steps]) for e in range(4)]
    assert Spy().fit(data, epochs=3, steps_per_epoch=steps) == expected[:3]
    assert Spy().fit(data, initial_epoch=2, epochs=4, steps_per_epoch=steps) == expected[2:]


def test_repeat_is_another_order_each_time():
    data = _data()
    assert int(data.repeat(3).cardinality()) == 3 * STEPS
    assert _passes(data.repeat(3)) == [[batch for order in _passes(_data(), 3) for batch in order]]
    endless = data.map(lambda x, y: (x, y)).prefetch(1).repeat()
    assert isinstance(endless, EpochDataset)
    assert _passes(endless.take(4)) == [[batch for order in _passes(_data(), 2) for batch in order][:4]]
    unknown = data.filter(lambda x, y: True).repeat(2)
    assert _joined(_passes(unknown)[0]) == ORDERS[0] + ORDERS[1]


def test_repeat_draws_other_augmentations():
    def draw(x, seed):
        return tf.random.stateless_uniform(tf.shape(x), seed, maxval=10**9, dtype=tf.int32)

    values = _joined(_passes(_data(augment=draw, shuffle=False).repeat(3))[0])
    assert len(set(values)) == 3 * NUM_ROWS


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras' words for an unknown cardinality
@pytest.mark.parametrize("chain", ["map", "prefetch", "with_options", "filter", "batch", "take"])
def test_what_is_made_of_a_dataset_knows_the_epoch(chain):
    methods = {
        "map": lambda d: d.map(lambda x, y: (x, y)),
        "prefetch": lambda d: d.prefetch(2),
        "with_options": lambda d: d.with_options(tf.data.Options()),
        "filter": lambda d: d.filter(lambda x, y: True),
        "batch": lambda d: d.unbatch().batch(NUM_ROWS),
        "take": lambda d: d.take(STEPS),
    }
    assert Spy().fit(methods[chain](_data()), initial_epoch=2, epochs=4) == ORDERS[2:4]


def test_a_plain_dataset_counts_its_passes():
    zipped = tf.data.Dataset.zip((_data(), tf.data.Dataset.range(STEPS))).map(lambda batch, _: batch)
    assert not isinstance(zipped, EpochDataset)
    assert [_joined(order) for order in _passes(zipped, 3)] == ORDERS[:3]


def test_a_plain_keras_model_gets_another_order_each_epoch():
    x = keras.Input((1,))
    model = keras.Model(x, {"t": keras.layers.Dense(1)(x)})
    model.compile("sgd", loss={"t": "mse"}, run_eagerly=True)
    seen, inner = [], model.train_step
    model.train_step = lambda data: (seen.append(_rows(data)), inner(data))[1]
    model.fit(_data(), epochs=2, shuffle=False, verbose=0)
    assert _joined(seen) == ORDERS[0] + ORDERS[1]


def test_fits_in_two_threads_do_not_disturb_each_other():
    data, gate, found = _data(), threading.Barrier(2), {}

    def run(start):
        wait = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: gate.wait(60))
        spy, rows = spies[start], []
        inner = spy.model.train_step
        spy.model.train_step = lambda batch: (rows.append(_rows(batch)), inner(batch))[1]
        spy.model.fit(data, initial_epoch=start, epochs=start + 3, verbose=0, callbacks=[wait])
        found[start] = _joined(rows)

    spies = {start: Spy() for start in (0, 4)}
    threads = [threading.Thread(target=run, args=(start,)) for start in spies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == {0: _joined(ORDERS[:3]), 4: _joined(ORDERS[4:7])}
