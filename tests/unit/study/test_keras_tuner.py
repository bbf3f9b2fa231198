"""`build` is a hyper-model of KerasTuner, with the mean gain as its objective."""

import pytest

import mtl_keras as mtl
from tests.unit.study._problem import TRAIN, VALID, build

keras_tuner = pytest.importorskip("keras_tuner", reason="needs keras-tuner")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of KerasTuner's own
def test_random_search_by_the_mean_gain(tmp_path):
    tuner = keras_tuner.RandomSearch(
        lambda hp: build(rate=hp.Float("rate", 1e-4, 1e-1, sampling="log")),
        objective=keras_tuner.Objective("val_mean_gain", "max"),
        max_trials=2,
        directory=tmp_path,
        seed=0,
    )
    gain = mtl.callbacks.MeanGain({"digit": 0.5, "odd": 0.5})
    tuner.search(*TRAIN, validation_data=VALID, epochs=2, callbacks=[gain], verbose=0)
    best = tuner.oracle.get_best_trials(1)[0]
    metrics = best.metrics
    accuracies = [metrics.get_history(f"val_{task}_accuracy") for task in ("digit", "odd")]
    gains = metrics.get_history("val_mean_gain")
    for i, observed in enumerate(gains):
        figures = [history[i].value[0] for history in accuracies]
        assert observed.value[0] == pytest.approx(sum(figures) - 1)
