"""Scoring script for an MLflow model without one of its own, as Azure's images have it under the same name.

A request is `{"input_data": …, "params": {…}}`. What the model says of its input, by an example or by its
signature, decides what `input_data` may be and what `/swagger.json` shows; a model that says nothing takes a table
as `{"columns": […], "index": […], "data": [[…]]}`, a list, or a value for each named input. The answer is what
`predict` returns, tables as a list of records.
"""

import inspect
import json
import logging
import os
from io import StringIO

import mlflow
import numpy
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from mlflow.models import Model

try:
    import pandas
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
except ImportError:
    # A model of tensors needs none.
    pandas = None

logger = logging.getLogger(__name__)

FOLDER = os.path.join(os.environ["AZUREML_MODEL_DIR"], os.environ["MLFLOW_MODEL_FOLDER"])
# What the model is and takes; it is loaded in init(), which a debugger may stand in.
DESCRIPTION = Model.load(FOLDER)
# Models of texts take them as they are.
OF_TEXTS = any(flavor in DESCRIPTION.flavors for flavor in ("transformers", "langchain", "openai"))
AS_IT_COMES = "hftransformersv2" in DESCRIPTION.flavors

model = None
collectors = None


class Anything(AbstractParameterType):
    """What is neither checked nor described."""

    def __init__(self):
        super().__init__(None)

    def deserialize_input(self, input_data):
        return input_data

    def input_to_swagger(self):
        return {"type": "object", "example": {}}


def _or_none(what, make):
    """What a model says of itself may be odd; then it says nothing."""
    try:
        return make()
    except Exception as error:
        logger.warning("%s of the model cannot be read, so it is not described: %s", what, error)
        return None


def _example():
    if not DESCRIPTION.saved_input_example_info:
        return None
    example = DESCRIPTION.load_input_example(FOLDER)
    return numpy.asarray(example) if isinstance(example, list) and not OF_TEXTS else example


def _sample(schema):
    """A value of this schema: of tensors one row of zeros, of a table none."""
    if schema is None or not schema.inputs:
        return None
    if schema.is_tensor_spec():
        tensors = {}
        for tensor in schema.inputs:
            shape = tuple(1 if size == -1 else size for size in tensor.shape[:1]) + tuple(tensor.shape[1:])
            tensors[tensor.name] = numpy.zeros(shape, dtype=tensor.type)
        return tensors if schema.has_input_names() else tensors[schema.inputs[0].name]
    if OF_TEXTS or not schema.has_input_names():
        return None
    types = dict(zip(schema.input_names(), schema.pandas_types()))
    return pandas.DataFrame(columns=list(types)).astype(types)


def _parameter(sample, orient):
    """How a value like the sample is read and described."""
    if isinstance(sample, numpy.ndarray):
        return NumpyParameterType(sample, enforce_shape=False)
    if pandas is not None and isinstance(sample, pandas.DataFrame):
        return PandasParameterType(sample, enforce_shape=False, orient=orient)
    if isinstance(sample, dict) and sample and all(isinstance(value, numpy.ndarray) for value in sample.values()):
        tensors = {name: NumpyParameterType(value, enforce_shape=False) for name, value in sample.items()}
        return StandardPythonParameterType(tensors)
    return Anything()


def _params(schema):
    """The parameters that `predict` takes beside its input."""
    if not getattr(schema, "params", None):
        return Anything()
    usual = {"boolean": True, "string": "text", "integer": 1, "long": 1, "float": 0.5, "double": 0.5}
    values = {it.name: it.default if it.default is not None else usual.get(it.dtype.name) for it in schema.params}
    return StandardPythonParameterType({name: value for name, value in values.items() if value is not None})


def _described():
    signature = DESCRIPTION.signature
    of_signature = lambda name: getattr(signature, name, None)  # noqa: E731
    sample = _or_none("the input example", _example)
    if sample is None:
        sample = _or_none("the signature", lambda: _sample(of_signature("inputs")))
    answer = _or_none("the signature", lambda: _sample(of_signature("outputs")))
    params = _or_none("the signature", lambda: _params(of_signature("params")))
    return _parameter(sample, "split"), params or Anything(), _parameter(answer, "records")


INPUT, PARAMS, OUTPUT = _described()


def init():
    global model, collectors
    model = mlflow.pyfunc.load_model(FOLDER)
    if os.environ.get("AZUREML_MDC_CONFIG_PATH"):
        collectors = _or_none("the data collector", _collectors)


def _collectors():
    from azureml.ai.monitoring import Collector

    return Collector(name="model_inputs"), Collector(name="model_outputs")


@input_schema("input_data", INPUT)
@input_schema("params", PARAMS, optional=True)
@output_schema(OUTPUT)
def run(input_data, params=None):
    data = input_data if _is_read(input_data) else _read(input_data)
    context = _collect(0, data, None)
    takes_params = "params" in inspect.signature(model.predict).parameters
    answer = model.predict(data, params=params) if takes_params else model.predict(data)
    _collect(1, answer, context)
    return _as_json(answer)


def _is_read(data):
    first = next(iter(data.values()), None) if isinstance(data, dict) else data
    return isinstance(first, numpy.ndarray) or (pandas is not None and isinstance(data, pandas.DataFrame))


def _read(data):
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            if not OF_TEXTS:
                raise
    if isinstance(data, dict) and "input_data" in data:
        data = data["input_data"]
    if AS_IT_COMES or (OF_TEXTS and _is_text(data)):
        return data
    if isinstance(data, list):
        return numpy.asarray(data)
    if all(part in data for part in ("columns", "index", "data")):
        return pandas.read_json(StringIO(json.dumps(data)), orient="split", dtype=False)
    return {name: numpy.asarray(value) for name, value in data.items()}


def _is_text(data):
    """A text, a list of texts, or texts under names."""
    if isinstance(data, dict):
        return all(isinstance(value, str) or _is_texts(value) for value in data.values())
    return isinstance(data, str) or _is_texts(data) or (isinstance(data, list) and all(map(_is_texts_by_name, data)))


def _is_texts(data):
    return isinstance(data, list) and all(isinstance(value, str) for value in data)


def _is_texts_by_name(data):
    return isinstance(data, dict) and _is_text(data)


def _collect(which, data, context):
    """A prediction is worth more than its record."""
    if collectors is None or pandas is None:
        return context
    try:
        return collectors[which].collect(pandas.DataFrame(data), context)
    except Exception as error:
        logger.error("not collected: %s", error)
        return context


def _as_json(answer):
    if isinstance(answer, numpy.ndarray):
        return answer.tolist()
    if pandas is not None and isinstance(answer, pandas.Series):
        answer = pandas.DataFrame(answer)
    if pandas is not None and isinstance(answer, pandas.DataFrame):
        return answer.to_dict(orient="records")
    return answer
