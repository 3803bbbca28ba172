"""Measures leaves and writes the sum of their areas."""

import argparse
from pathlib import Path


def area(width, height):
    product = width * height
    return product


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--leaves", type=int, default=1)
    leaves = parser.parse_args().leaves
    total = 0
    for leaf in range(1, leaves + 1):
        total += area(leaf, 10)
        print(f"leaf {leaf}: {total} in all")
    Path("outputs").mkdir(exist_ok=True)
    Path("outputs/total.txt").write_text(f"{total}\n")
    print("measured")


if __name__ == "__main__":
    main()
