"""Answers the calls of TensorFlow Serving's gRPC protocol from exports in memory. Needs the extra `serving`."""

import contextlib

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

CODES = {code.value[0]: code for code in grpc.StatusCode}
LARGEST_TENSOR = 2**28  # maximum size in bytes for the shape of a tensor in a request


class Model:
    """A version of a model, loaded and warm."""

    def __init__(self, folder):
        self.folder = folder
        self.loaded = tf.saved_model.load(str(folder))
        saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        self.signature_defs = saved.meta_graphs[0].signature_def
        warm_up = folder / "assets.extra" / "tf_serving_warmup_requests"
        if warm_up.exists():
            for record in tf.data.TFRecordDataset(str(warm_up)):
                self.predict(prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request)

    def predict(self, request):
        name = request.model_spec.signature_name or "serving_default"
        if name not in self.loaded.signatures:
            raise tf.errors.FailedPreconditionError(None, None, f'Serving signature key "{name}" not found.')
        function = self.loaded.signatures[name]
        specs = function.structured_input_signature[1]
        if set(request.inputs) != set(specs):
            raise ValueError(f"Expected the inputs {sorted(specs)}. Received: {sorted(request.inputs)}.")
        unknown = set(request.output_filter) - set(function.structured_outputs)
        if unknown:
            raise ValueError(f"The signature has no outputs {sorted(unknown)}.")
        outputs = function(**{key: _tensor(request.inputs[key], spec) for key, spec in specs.items()})
        return {key: y for key, y in outputs.items() if not request.output_filter or key in request.output_filter}


def _tensor(proto, spec):
    """Returns a tensor from a request, or raises a ValueError if it does not fit the signature."""
    sizes = [dim.size for dim in proto.tensor_shape.dim]
    if proto.dtype != spec.dtype.as_datatype_enum or not spec.shape.is_compatible_with(sizes):
        raise ValueError(f"Expected {spec}. Received: dtype {proto.dtype} and shape {sizes}.")
    if np.prod(sizes, dtype="float64") * spec.dtype.size > LARGEST_TENSOR:
        raise ValueError(f"A tensor of shape {sizes} is too large.")
    return tf.constant(tf.make_ndarray(proto), spec.dtype)


def add_service(server, models):
    """Adds the service for `{name: Model}` to a gRPC server."""
    service = Service(models)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(service, server)


class Service(prediction_service_pb2_grpc.PredictionServiceServicer, model_service_pb2_grpc.ModelServiceServicer):
    """The three calls, for models by name."""

    def __init__(self, models):
        self.models = models

    @contextlib.contextmanager
    def _model(self, spec, context):
        """Yields the model of a request; errors inside the context become an error status."""
        model = self.models.get(spec.name)
        if model is None or spec.version.value not in (0, int(model.folder.name)):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {spec.name!r}")
        try:
            yield model
        except tf.errors.OpError as error:
            context.abort(CODES[error.error_code], error.message)
        except (TypeError, ValueError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def Predict(self, request, context):
        with self._model(request.model_spec, context) as model:
            response = predict_pb2.PredictResponse()
            for name, tensor in model.predict(request).items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(tensor))
            response.model_spec.CopyFrom(request.model_spec)
            response.model_spec.version.value = int(model.folder.name)
            return response

    def GetModelMetadata(self, request, context):
        with self._model(request.model_spec, context) as model:
            if list(request.metadata_field) != ["signature_def"]:
                raise ValueError(f"Metadata field {list(request.metadata_field)} is not supported.")
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=model.signature_defs)
            response.metadata["signature_def"].Pack(signatures)
            return response

    def GetModelStatus(self, request, context):
        with self._model(request.model_spec, context) as model:
            response = get_model_status_pb2.GetModelStatusResponse()
            available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
            response.model_version_status.add(version=int(model.folder.name), state=available)
            return response
