"""Scoring script for an MLflow model without one of its own, as Azure's images have it under the same name.

A request is `{"input_data": …, "params": {…}}`: a table as `{"columns": […], "index": […], "data": [[…]]}`, a
list, or a value for each named input. The answer is what `predict` returns, tables as a list of records.
"""

import json
import os

model = None


def init():
    global model
    from mlflow.pyfunc import load_model

    model = load_model(os.path.join(os.environ["AZUREML_MODEL_DIR"], os.environ["MLFLOW_MODEL_FOLDER"]))


def run(raw_data):
    request = json.loads(raw_data)
    if not isinstance(request, dict) or "input_data" not in request:
        raise ValueError('the request has no "input_data" at its top level; MLflow models are asked with {"input_data": ...}')
    data, params = _as_data(request["input_data"]), request.get("params")
    answer = model.predict(data, params=params) if params else model.predict(data)
    return _as_json(answer)


def _as_data(data):
    if _is_table(data):
        import pandas

        table = pandas.DataFrame(data["data"], columns=data.get("columns"), index=data.get("index"))
        schema = model.metadata.get_input_schema()
        return table if schema is None or schema.is_tensor_spec() else _with_types(table, schema)
    if isinstance(data, dict):
        import numpy

        # Named tensors; a pipeline of texts takes its lists as they are.
        schema = model.metadata.get_input_schema()
        if schema is not None and schema.is_tensor_spec():
            return {name: numpy.array(value) for name, value in data.items()}
        return data
    if isinstance(data, list) and not _has_text(data):
        import numpy

        return numpy.array(data)
    return data


def _is_table(data):
    return isinstance(data, dict) and "data" in data and ("columns" in data or "index" in data)


def _has_text(value):
    return isinstance(value, (str, dict)) or (isinstance(value, list) and any(map(_has_text, value)))


def _with_types(table, schema):
    """JSON has one kind of number, and a model that says which it wants takes no other."""
    for column in schema.inputs:
        if column.name in table.columns:
            try:
                table[column.name] = table[column.name].astype(column.type.to_pandas())
            except (TypeError, ValueError):
                # MLflow's own words on it say more.
                pass
    return table


def _as_json(answer):
    if hasattr(answer, "to_json") and hasattr(answer, "columns"):
        return json.loads(answer.to_json(orient="records", date_format="iso"))
    if isinstance(answer, dict):
        return {str(name): _as_json(value) for name, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [_as_json(value) for value in answer]
    return answer.tolist() if hasattr(answer, "tolist") else answer
