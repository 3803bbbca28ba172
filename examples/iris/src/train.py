"""Learns to tell three kinds of iris apart by the sizes of their leaves."""

import argparse
from pathlib import Path

import joblib
import mlflow
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

EXAMPLE = Path(__file__).resolve().parent.parent


def main():
    arguments = parse_arguments()
    flowers = pd.read_csv(arguments.data)
    train, test = train_test_split(flowers, test_size=0.2, random_state=3, stratify=flowers["species"])
    model = fit(train, arguments.regularisation)
    accuracy = evaluate(model, test)
    report(arguments.regularisation, accuracy)
    save(model, arguments.model)


def fit(train, regularisation):
    sizes = train.drop(columns="species")
    # scikit-learn asks for the inverse: a large C is a weak regularisation.
    model = LogisticRegression(C=1 / regularisation, max_iter=1000)
    return model.fit(sizes, train["species"])


def evaluate(model, test):
    guesses = model.predict(test.drop(columns="species"))
    wrong = int((guesses != test["species"]).sum())
    count = len(test)
    accuracy = 1 - wrong / count
    print(f"{count - wrong} of {count} flowers recognised, accuracy {accuracy:.3f}")
    return accuracy


def report(regularisation, accuracy):
    mlflow.log_param("regularisation", regularisation)
    mlflow.log_metric("accuracy", accuracy)


def save(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    print(f"model written to {folder}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=EXAMPLE / "data" / "iris.csv", help="a CSV file")
    parser.add_argument("--regularisation", type=float, default=1.0, help="the larger, the simpler the model")
    parser.add_argument("--model", type=Path, default=EXAMPLE / "outputs", help="the folder to write to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
