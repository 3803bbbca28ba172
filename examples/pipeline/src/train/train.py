"""Learns to tell three kinds of iris apart by the sizes of their leaves."""

import argparse
from pathlib import Path

import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression


def main():
    arguments = parse_arguments()
    flowers = pd.read_csv(arguments.flowers / "flowers.csv")
    model = fit(flowers, arguments.regularisation)
    arguments.model.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, arguments.model / "model.joblib")
    print(f"learned from {len(flowers)} flowers")


def fit(flowers, regularisation):
    sizes = flowers.drop(columns="species")
    # scikit-learn asks for the inverse: a large C is a weak regularisation.
    model = LogisticRegression(C=1 / regularisation, max_iter=1000)
    return model.fit(sizes, flowers["species"])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flowers", type=Path, required=True, help="the folder with flowers.csv")
    parser.add_argument("--regularisation", type=float, default=1.0, help="the larger, the simpler the model")
    parser.add_argument("--model", type=Path, required=True, help="the folder to write to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
