"""Tells the kind of iris from the sizes of its leaves, one flower or many at a time."""

import json
import os
from pathlib import Path

import joblib
import pandas as pd

model = None


def init():
    """Called once when the server starts."""
    global model
    path = Path(os.environ["AZUREML_MODEL_DIR"]) / "model" / "model.joblib"
    model = joblib.load(path)
    kinds = list(model.classes_)
    print(f"{len(kinds)} kinds of iris are known: {', '.join(kinds)}")


def run(raw_data):
    """Called for every request; what it returns is the answer."""
    flowers = pd.DataFrame(json.loads(raw_data)["flowers"], columns=model.feature_names_in_)
    kinds = model.predict(flowers)
    certainty = model.predict_proba(flowers).max(axis=1)
    return [{"kind": kind, "certainty": round(p, 3)} for kind, p in zip(kinds.tolist(), certainty.tolist())]
