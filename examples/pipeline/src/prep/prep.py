"""Splits the flowers into those to learn from and those to be tried on."""

import argparse
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split


def main():
    arguments = parse_arguments()
    flowers = pd.read_csv(arguments.flowers)
    train, test = train_test_split(
        flowers, test_size=arguments.share, random_state=3, stratify=flowers["species"]
    )
    for folder, part in [(arguments.train, train), (arguments.test, test)]:
        folder.mkdir(parents=True, exist_ok=True)
        part.to_csv(folder / "flowers.csv", index=False)
    print(f"{len(train)} flowers to learn from, {len(test)} to be tried on")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flowers", type=Path, required=True, help="a CSV file")
    parser.add_argument("--share", type=float, default=0.2, help="the part that is kept for the evaluation")
    parser.add_argument("--train", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--test", type=Path, required=True, help="the folder to write to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
