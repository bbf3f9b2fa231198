"""SingleTask."""

import keras
import numpy as np

import mtl_keras as mtl
from tests.helpers import toy


def test_each_task_trains_as_it_would_alone():
    """Beside each other in one model, the tasks end where models of their own end."""
    x, y = toy.arrays()
    together = toy.model("single_task", optimizer=keras.optimizers.Adam(0.01), metrics=[])
    alone = {}
    for task in toy.tasks():
        model = mtl.build_model(toy.SHAPE, [task], tower=mtl.towers.MLP((8,)), sharing="single_task")
        model.compile(keras.optimizers.Adam(0.01), metrics=[])
        for variable in model.variables:
            (same,) = (v for v in together.variables if v.path == variable.path)
            variable.assign(same)
        alone[task.name] = model
    together.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for task, model in alone.items():
        model.fit(x, y[task], batch_size=8, epochs=2, shuffle=False, verbose=0)
        for variable in model.trainable_variables:
            (same,) = (v for v in together.variables if v.path == variable.path)
            np.testing.assert_allclose(same.numpy(), variable.numpy(), atol=1e-6, err_msg=variable.path)


def test_names_of_the_layers():
    model = toy.model("single_task")
    for task, layers in model.tower_layers.items():
        assert layers == [f"{task}_dense1_flatten", f"{task}_dense1_dense", f"{task}_dense1_activation"]
