"""Compiles a model of two replicas with what they cannot do, and prints the errors; run by `test_replicas.py`."""

import json

import keras
import tensorflow as tf

from tests.helpers import toy

SGD = keras.optimizers.SGD


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    of_keras = keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(SGD(clipnorm=1.0)))
    cases = {
        "gradient_accumulation_steps": {"optimizer": SGD(gradient_accumulation_steps=2)},
        "ema_overwrite_frequency": {"optimizer": SGD(use_ema=True, ema_overwrite_frequency=2)},
        "clipping of a MultiOptimizer": {"optimizer": of_keras},
        "jit_compile": {"jit_compile": True},
        "steps_per_execution": {"steps_per_execution": 2},
    }
    errors = {}
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        for name, arguments in cases.items():
            try:
                toy.model(**arguments)
            except ValueError as error:
                errors[name] = str(error)
    print("RESULTS", json.dumps(errors))


if __name__ == "__main__":
    main()
