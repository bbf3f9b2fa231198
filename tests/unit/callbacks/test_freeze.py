"""Freeze."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy

DATA = mtl.data.from_arrays(*toy.arrays(), batch_size=10, shuffle=True)


def _model(**arguments):
    keras.utils.set_random_seed(0)
    return toy.model(tower=mtl.towers.MLP((8,), batch_norm=True), **arguments)


class Recorder(keras.callbacks.Callback):
    """Notes at the end of each epoch what the shared part is."""

    def __init__(self):
        super().__init__()
        self.shared = []

    def on_epoch_end(self, epoch, logs=None):
        shared = [v.numpy().ravel() for v in self.model.variables if v.path.startswith("shared")]
        slots = [v.numpy().ravel() for v in self.model.optimizer.variables if "/shared" in v.path]
        self.shared.append(np.concatenate([*shared, *slots]))


@pytest.mark.parametrize(
    ("window", "moving"),
    [
        pytest.param({"start": 1, "stop": 3}, [False, False, True], marks=pytest.mark.graph),
        ({"start": 2}, [True, False, False]),
        ({"stop": 2}, [False, True, True]),
    ],
    ids=["between", "from", "until"],
)
def test_is_frozen_in_its_epochs(window, moving):
    model, recorder = _model(weighting="pcgrad"), Recorder()
    model.fit(DATA, epochs=4, callbacks=[mtl.callbacks.Freeze("shared", **window), recorder], verbose=0)
    pairs = zip(recorder.shared, recorder.shared[1:], strict=False)
    assert [not np.array_equal(a, b) for a, b in pairs] == moving
    assert not model.frozen
    assert all(layer.trainable for layer in model.layers)


@pytest.mark.graph
@pytest.mark.slow
def test_equals_two_fits():
    one, two = _model(), _model()
    one.fit(DATA, epochs=4, callbacks=[mtl.callbacks.Freeze("shared", start=2)], verbose=0, validation_data=DATA)
    two.fit(DATA, epochs=2, verbose=0)
    two.freeze("shared")
    two.fit(DATA, initial_epoch=2, epochs=4, verbose=0)
    for a, b in zip(one.variables, two.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_starts_in_the_middle():
    """A run that is resumed in the frozen epochs is frozen."""
    model = _model()
    before = [v.numpy() for v in model.variables if v.path.startswith("shared")]
    model.fit(DATA, initial_epoch=2, epochs=3, callbacks=[mtl.callbacks.Freeze("shared", start=1)], verbose=0)
    after = [v.numpy() for v in model.variables if v.path.startswith("shared")]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.graph
def test_with_a_penalty():
    """A callback that adds to what is trained goes on through the change."""
    model = toy.model(sharing="soft")
    callbacks = [mtl.callbacks.SoftSharing(0.1), mtl.callbacks.Freeze("odd", start=1, stop=2)]
    history = model.fit(DATA, epochs=3, callbacks=callbacks, verbose=0).history
    assert np.isfinite(history["soft_sharing_penalty"]).all()
    assert min(history["soft_sharing_penalty"]) > 0


@pytest.mark.parametrize(
    ("epoch", "weighting"),
    [
        pytest.param(1, "gradnorm", marks=pytest.mark.slow),
        (2, "gradnorm"),
        pytest.param(3, None, marks=pytest.mark.slow),
    ],
    ids=["before", "within", "last"],
)
def test_is_taken_up_from_a_checkpoint_of_any_epoch(tmp_path, epoch, weighting):
    """Frozen in the epochs 1 and 2; the checkpoints after the second and third hold a frozen model."""
    callbacks = [mtl.callbacks.Freeze(["shared", "odd"], start=1, stop=3)]
    model = _model(weighting=weighting)
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    model.fit(DATA, epochs=4, callbacks=[*callbacks, checkpoint], verbose=0)
    resumed = keras.models.load_model(tmp_path / f"{epoch}.keras")
    assert list(resumed.frozen) == ([] if epoch == 1 else ["shared", "odd"])
    resumed.fit(DATA, initial_epoch=epoch, epochs=4, callbacks=callbacks, verbose=0)
    assert not resumed.frozen
    for a, b in zip(model.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


@pytest.mark.slow
def test_is_taken_up_from_a_backup(tmp_path):
    """Of a run that is killed in the second frozen epoch."""

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def callbacks(*others):
        return [mtl.callbacks.Freeze("shared", start=1, stop=3), *others]

    whole, killed, resumed = (_model(weighting="gradnorm") for _ in range(3))
    whole.fit(DATA, epochs=4, callbacks=callbacks(), verbose=0)
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        killed.fit(DATA, epochs=4, callbacks=callbacks(backup, Kill()), verbose=0)
    resumed.fit(DATA, epochs=4, callbacks=callbacks(keras.callbacks.BackupAndRestore(tmp_path)), verbose=0)
    for a, b in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


@pytest.mark.parametrize("window", [{"start": 0}, {"start": 0, "stop": 1}])
def test_takes_over_what_is_frozen(window):
    model = _model()
    model.freeze("shared")
    recorder = Recorder()
    model.fit(DATA, epochs=2, callbacks=[mtl.callbacks.Freeze(["shared", "odd"], **window), recorder], verbose=0)
    assert np.array_equal(*recorder.shared) == ("stop" not in window)
    assert not model.frozen


class _Interrupt(keras.callbacks.Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch, logs=None):
        assert self.model.frozen
        raise self.error


@pytest.mark.parametrize(("error", "weighting"), [(KeyboardInterrupt, None), (ValueError, "pcgrad")])
def test_an_interrupted_fit_leaves_nothing_frozen(error, weighting):
    model = _model(weighting=weighting)
    with pytest.raises(error):
        model.fit(DATA, callbacks=[mtl.callbacks.Freeze(["shared", "odd"]), _Interrupt(error())], verbose=0)
    assert not model.frozen
    assert all(layer.trainable for layer in model.layers)
    before = model.get_layer("shared_dense1_dense").get_weights()[0]
    model.fit(DATA, verbose=0)
    assert not np.array_equal(before, model.get_layer("shared_dense1_dense").get_weights()[0])


def test_what_was_frozen_otherwise_stays_so():
    model = _model()
    model.freeze("ink")
    model.fit(DATA, callbacks=[mtl.callbacks.Freeze("shared")], verbose=0)
    assert list(model.frozen) == ["ink"]


class TestErrors:
    def test_start(self):
        with pytest.raises(ValueError, match=r"`start` must be an integer of at least 0. Received: start=-1"):
            mtl.callbacks.Freeze("shared", start=-1)

    @pytest.mark.parametrize(("window", "least"), [({"start": 2, "stop": 2}, 3), ({"stop": 0}, 1)])
    def test_stop(self, window, least):
        with pytest.raises(
            ValueError, match=rf"`stop` must be an integer of at least {least}. Received.*`start`. Use s"
        ):
            mtl.callbacks.Freeze("shared", **window)

    def test_no_part(self):
        with pytest.raises(ValueError, match=r"`parts` must name a part, such as \"shared\". Received: none"):
            mtl.callbacks.Freeze([])

    def test_unknown_part(self):
        with pytest.raises(ValueError, match=r"`part` must be one of \['shared', 'digit', .*Received: part='tower'"):
            _model().fit(DATA, callbacks=[mtl.callbacks.Freeze("tower")], verbose=0)

    def test_a_plain_model(self):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match=r"`Freeze` needs a mtl_keras.MultiTaskModel. Received: Sequential"):
            model.fit(np.ones((2, 1)), np.ones(2), callbacks=[mtl.callbacks.Freeze("shared")], verbose=0)
