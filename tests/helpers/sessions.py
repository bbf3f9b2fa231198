"""Runs an export with a session of TensorFlow 1, by the names of its tensors."""

import tensorflow as tf


def tensors(folder):
    """Returns `{signature: {"inputs": {name: tensor}, "outputs": {name: tensor}}}` with the names of tensors."""
    found = {}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        for name, signature in graph.signature_def.items():
            if not name.startswith("__"):
                inputs = {key: info.name for key, info in signature.inputs.items()}
                outputs = {key: info.name for key, info in signature.outputs.items()}
                found[name] = {"inputs": inputs, "outputs": outputs}
    return found


def run(folder, signature, inputs):
    """Returns what a signature gives, `{name: array}`, for `{name: array}`."""
    names = tensors(folder)[signature]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        feed = {names["inputs"][name]: array for name, array in inputs.items()}
        return session.run(names["outputs"], feed)
