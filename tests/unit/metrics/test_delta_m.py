"""delta_m, on figures worked out by hand."""

import pytest

from mtl_keras.metrics import delta_m


def test_one_figure_a_task():
    single = {"a": 0.8, "b": 0.5}
    assert delta_m(single, single) == 0.0
    assert delta_m({"a": 0.88, "b": 0.45}, single) == pytest.approx((10 - 10) / 2)
    assert delta_m({"a": 0.88, "b": 0.45}, single, lower_is_better=["b"]) == pytest.approx((10 + 10) / 2)


def test_several_metrics_of_a_task():
    single = {"a": {"accuracy": 0.8, "mae": 2.0}, "b": 0.5}
    figures = {"a": {"accuracy": 0.84, "mae": 2.2}, "b": 0.6}
    assert delta_m(figures, single, lower_is_better=["mae"]) == pytest.approx(((5 - 10) / 2 + 20) / 2)
    assert delta_m(figures, single, lower_is_better=["a"]) == pytest.approx(((-5 - 10) / 2 + 20) / 2)


def test_a_figure_below_0():
    assert delta_m({"a": -1.5}, {"a": -2.0}) == pytest.approx(25.0)  # higher is better


@pytest.mark.parametrize(
    ("figures", "single", "lower", "error"),
    [
        ({"a": 1.0}, {"b": 1.0}, (), r"`single` must have the names of `figures`, \['a'\]"),
        ({}, {}, (), "`single` must have the names"),
        ({"a": {"x": 1.0}}, {"a": 1.0}, (), r"`single\['a'\]` must have the names of `figures`, \['x'\]"),
        ({"a": 1.0}, {"a": 1.0}, ["b"], r"`lower_is_better` must be a list of names out of \['a'\]"),
        ({"a": 1.0}, {"a": 1.0}, "a", "`lower_is_better` must be a list"),
        ({"a": 1.0}, {"a": 0.0}, (), "`single` must hold no figure of 0.*task 'a'"),
    ],
)
def test_bad_arguments(figures, single, lower, error):
    with pytest.raises(ValueError, match=error):
        delta_m(figures, single, lower)
