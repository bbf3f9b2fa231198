"""Runs an export with a session of TensorFlow 1, by the names of its tensors."""

import contextlib

import tensorflow as tf


class Session:
    """An export in a session of TensorFlow 1.

    Attributes:
        tensors: `{signature: {"inputs": {name: tensor}, "outputs": {name: tensor}}}` with the names of tensors.
    """

    def __init__(self, session, folder):
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        self._session = session
        self.tensors = {
            name: {
                "inputs": {key: info.name for key, info in signature.inputs.items()},
                "outputs": {key: info.name for key, info in signature.outputs.items()},
            }
            for name, signature in graph.signature_def.items()
            if not name.startswith("__")
        }

    def run(self, signature, inputs):
        """Returns the outputs of a signature, `{name: array}`, for inputs `{name: array}`."""
        names = self.tensors[signature]
        return self._session.run(names["outputs"], {names["inputs"][name]: array for name, array in inputs.items()})


@contextlib.contextmanager
def load(folder):
    """Opens an export."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        yield Session(session, folder)
