"""What holds for every ensemble: every head, missing labels, files, exports, and members that do not fit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import ensembles
from tests.unit.ensembles import _members

KINDS = {  # members, data, what builds a member
    "vectors": (_members.vectors, _members.vector_data, _members.build_vectors),
    "sequences": (_members.sequences, _members.sequence_data, _members.build_sequences),
    "maps": (_members.maps, _members.map_data, _members.build_maps),
}
ENSEMBLES = {  # function of models, data and what builds a model
    "average": lambda models, valid, build: ensembles.average(models),
    "geometric": lambda models, valid, build: ensembles.average(models, geometric=True),
    "average_weights": lambda models, valid, build: ensembles.average_weights(models),
    "bag": lambda models, valid, build: ensembles.bag(build, valid, 2, epochs=1)[0],
    "snapshot": lambda models, valid, build: ensembles.snapshot(build(), valid, cycles=2, epochs=1),
    "stack": lambda models, valid, build: ensembles.stack(models, valid, max_iters=3),
    "vote": lambda models, valid, build: ensembles.vote(models),
    "specialists": lambda models, valid, build: ensembles.specialists(
        {task: models[i % len(models)] for i, task in enumerate(models[0].task_names)}
    ),
}


FAST = {
    ("average", "vectors"),
    ("average", "maps"),
    ("vote", "sequences"),
    ("specialists", "vectors"),
}
PAIRS = [
    pytest.param(ensemble, kind, marks=() if (ensemble, kind) in FAST else pytest.mark.slow)
    for ensemble in ENSEMBLES
    for kind in KINDS
]


EXPORTED = [
    (ensemble, kind)
    for ensemble in ENSEMBLES
    for kind in KINDS
    if kind == "vectors" or ensemble not in ("average_weights", "bag", "geometric", "snapshot")
]


def test_every_head_is_tried():
    tried = {type(task.head) for members, *_ in KINDS.values() for task in members()[0].tasks}
    assert {head.__name__ for head in tried} == set(mtl.heads.__all__) - {"Head"}


def _made(ensemble, kind):
    members, data, build = KINDS[kind]
    x, y, weight = data()
    return ENSEMBLES[ensemble](members(), (x, y, weight), build), x, y, weight


@pytest.mark.parametrize(("ensemble", "kind"), PAIRS)
def test_predicts_and_evaluates_every_head(ensemble, kind):
    model, x, y, weight = _made(ensemble, kind)
    assert isinstance(model, mtl.MultiTaskModel)
    member = KINDS[kind][0]()[0]
    assert model.task_names == member.task_names
    predictions, of_member = model(x, training=False), member(x, training=False)
    predictions, of_member = model.predictions(predictions), member.predictions(of_member)
    for task, values in predictions.items():
        assert values.shape == of_member[task].shape
        assert np.isfinite(values).all()
    figures = model.test_on_batch(x, y, weight, return_dict=True)
    assert set(figures) == set(member.test_on_batch(x, y, weight, return_dict=True))
    assert all(np.isfinite(value) for value in figures.values())


def test_a_missing_label_does_not_matter():
    x, y, weight = _members.vector_data()
    model = ensembles.average(_members.vectors())
    changed = {task: np.where(_as_rank(weight[task], labels) > 0, labels, 0) for task, labels in y.items()}
    one, two = (model.test_on_batch(x, labels, weight, return_dict=True) for labels in (y, changed))
    assert one == two


def _as_rank(weight, labels):
    return weight.reshape(-1, *(1,) * (labels.ndim - 1))


def test_saves_and_reloads(tmp_path):
    model, x, *_ = _made("vote", "sequences")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    one, two = model(x, training=False), loaded(x, training=False)
    for task in one:
        np.testing.assert_array_equal(one[task], two[task])


@pytest.mark.slow
@pytest.mark.graph
@pytest.mark.parametrize(("ensemble", "kind"), EXPORTED)
def test_saves_reloads_and_exports_one_signature_a_task(ensemble, kind, tmp_path):
    model, x, y, weight = _made(ensemble, kind)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = model.predict(x, verbose=0)
    figures = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
    assert loaded.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True) == pytest.approx(figures)
    folder = mtl.export.saved_model(model, tmp_path / "served")
    signatures = tf.saved_model.load(folder).signatures
    assert set(signatures) == {"serving_default", *model.task_names}
    for task, values in loaded.predict(x, verbose=0).items():
        np.testing.assert_array_equal(values, expected[task])
        served = signatures[task](**{model.inputs[0].name: tf.constant(x)})
        np.testing.assert_allclose(served[task], expected[task], atol=1e-5)


def _vector_model(tasks, inputs=(4,)):
    return mtl.build_model(inputs, tasks, tower=mtl.towers.MLP((2,)))


def test_members_must_agree():
    tasks = _members.vector_tasks()[:2]
    first, function = _vector_model(tasks), ensembles.average
    wrong = {
        r"`models\[1\]` must have the tasks .*\['digit', 'odd'\]. Received: \['odd', 'digit'\]": tasks[::-1],
        r"`models\[1\]` must have the tasks .*Received: \['digit'\]": tasks[:1],
        r"`models\[1\]` must predict the task 'digit' .*num_classes=3.*Received: Multiclass\(num_classes=4\)": [
            mtl.Task("digit", mtl.heads.Multiclass(4)),
            tasks[1],
        ],
    }
    for message, others in wrong.items():
        with pytest.raises(ValueError, match=message):
            function([first, _vector_model(others)])
    for message, inputs in {
        r"`models\[1\]` must have the inputs .*\['inputs'\]. Received: \['x'\]": keras.Input((4,), name="x"),
        r"`models\[1\]` must have the inputs .*'inputs' of shape \(None, 5\)": (5,),
    }.items():
        with pytest.raises(ValueError, match=message):
            function([first, _vector_model(tasks, inputs)])
    for wrong in ([], first, None, [first, keras.Sequential()]):
        with pytest.raises(ValueError, match="`models"):
            function(wrong)


def test_a_head_that_does_not_say_what_its_output_is():
    class Own(mtl.heads.Head):
        def _output(self):
            return 1, "linear"

        def loss(self):
            return keras.losses.MeanSquaredError()

        def metrics(self):
            return []

    with pytest.raises(ValueError, match="The head Own of task 'a' does not say how outputs are pooled"):
        ensembles.average([_vector_model([mtl.Task("a", Own())])])
