"""Tries the model on flowers that it has not seen."""

import argparse
import json
from pathlib import Path

import joblib
import mlflow
import pandas as pd


def main():
    arguments = parse_arguments()
    model = joblib.load(arguments.model / "model.joblib")
    flowers = pd.read_csv(arguments.flowers / "flowers.csv")
    guesses = model.predict(flowers.drop(columns="species"))
    wrong = int((guesses != flowers["species"]).sum())
    count = len(flowers)
    accuracy = 1 - wrong / count
    mlflow.log_metric("accuracy", accuracy)
    arguments.report.mkdir(parents=True, exist_ok=True)
    (arguments.report / "report.json").write_text(json.dumps({"wrong": wrong, "count": count}))
    print(f"{count - wrong} of {count} flowers recognised, accuracy {accuracy:.3f}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the folder with model.joblib")
    parser.add_argument("--flowers", type=Path, required=True, help="the folder with flowers.csv")
    parser.add_argument("--report", type=Path, required=True, help="the folder to write to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
