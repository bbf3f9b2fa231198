"""Exports that were made once, and are read back ever after."""

import base64
import pathlib

import numpy as np
import pytest

import mtl_keras as mtl

pytestmark = pytest.mark.graph

VERSIONS = sorted((pathlib.Path(__file__).parents[2] / "saved_models" / "golden").glob("[0-9]*"))


def test_there_is_one():
    assert VERSIONS


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_it_predicts_what_it_did(folder):
    served = mtl.export.load(folder)
    with np.load(folder / "assets.extra" / "expected.npz") as arrays:
        arrays = dict(arrays)
    expected = {key.split("/")[1]: array for key, array in arrays.items() if key.startswith("predict/")}
    signatures = {key.split("/")[0] for key in arrays} - {"predict"}
    assert signatures == set(served.signatures)
    compared = set()
    for signature in signatures:
        inputs = {key.split("/")[2]: x for key, x in arrays.items() if key.startswith(f"{signature}/inputs/")}
        inputs = {name: [base64.b64decode(b) for b in x] if x.dtype.kind == "S" else x for name, x in inputs.items()}
        answer = served.predict(inputs, signature=signature)
        for name in set(answer) & set(expected):
            compared.add((signature, name))
            if name == "digit_label":
                np.testing.assert_array_equal(answer[name], expected[name])
            else:
                np.testing.assert_allclose(answer[name], expected[name], atol=1e-5)
    assert {("serving_default", "odd"), ("digit", "digit"), ("labels", "digit_label"), ("ink", "ink")} <= compared
    assert {("serving_bytes", "digit"), ("serving_examples", "digit")} <= compared


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_it_is_small(folder):
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 500_000
