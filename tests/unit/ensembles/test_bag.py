"""`bag`: its rows against a bootstrap by hand, its figures out of bag, every head."""

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import ensembles
from tests.unit.ensembles import _members

ROWS = 12


def _build():
    model = mtl.build_model((4,), _members.vector_tasks()[:1], tower=mtl.towers.MLP((3,)))
    model.compile("sgd")
    return model


def test_rows_and_figures_by_hand():
    x, y, weight = _members.vector_data(ROWS)
    weight["digit"][2] = 0.0
    trained = []

    def build():
        model = _build()
        fit = model.fit

        def watched(batches, **options):
            rows = np.concatenate([batch[0] for batch in batches.as_numpy_iterator()])
            trained.append((model, sorted(int(np.flatnonzero((x == row).all(axis=1))[0]) for row in rows)))
            return fit(batches, **options)

        model.fit = watched
        return model

    data = x, {"digit": y["digit"]}, {"digit": weight["digit"]}
    model, figures = ensembles.bag(build, data, n=3, epochs=1, seed=5)
    drawn = [sorted(np.random.default_rng([5, i]).integers(ROWS, size=ROWS).tolist()) for i in range(3)]
    assert [rows for _, rows in trained] == drawn
    outputs = np.array([np.array(m(x, training=False)["digit"]) for m, _ in trained])
    np.testing.assert_allclose(model(x, training=False)["digit"], outputs.mean(axis=0), atol=1e-6)
    right, losses, there = 0, 0.0, 0
    for row in range(ROWS):
        out = [i for i in range(3) if row not in drawn[i]]
        if out and weight["digit"][row]:
            mean = outputs[out, row].mean(axis=0)
            right, losses = right + (mean.argmax() == y["digit"][row]), losses - np.log(mean[y["digit"][row]])
            there += 1
    assert 0 < there < ROWS
    assert figures["digit_accuracy"] == pytest.approx(right / there, abs=1e-6)
    assert figures["digit_loss"] == pytest.approx(losses / there, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["vectors", "sequences", "maps"])
def test_every_head(kind):
    build, data = getattr(_members, f"build_{kind}"), getattr(_members, f"{kind[:-1]}_data")()
    model, figures = ensembles.bag(build, data, n=2, epochs=1)
    assert set(figures) == set(model.test_on_batch(*data, return_dict=True))
    assert all(np.isfinite(figure) for name, figure in figures.items() if not name.endswith("auc"))


def test_errors():
    x, y, _ = _members.vector_data()
    data = x, {"digit": y["digit"]}
    with pytest.raises(ValueError, match="`n` must be an integer of at least 1"):
        ensembles.bag(_build, data, 0)
    with pytest.raises(ValueError, match="`build` must be a function without arguments"):
        ensembles.bag(_build(), data)
    with pytest.raises(ValueError, match="`build` must return a compiled model"):
        ensembles.bag(lambda: mtl.build_model((4,), _members.vector_tasks()[:1]), data)
