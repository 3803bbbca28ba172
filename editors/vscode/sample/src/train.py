"""Fits a line through a few points, and writes down what it found."""

import argparse
from pathlib import Path

POINTS = [(0, 1.0), (1, 2.9), (2, 5.1), (3, 7.0)]


def improve(slope, start, rate=0.05):
    for x, y in POINTS:
        error = slope * x + start - y
        slope -= rate * error * x  # Set a breakpoint here.
        start -= rate * error
    return slope, start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    slope, start = 0.0, 0.0
    for number in range(1, rounds + 1):
        slope, start = improve(slope, start)
        print(f"round {number}: y = {slope:.2f} x + {start:.2f}")
    Path("outputs").mkdir(exist_ok=True)
    Path("outputs/line.txt").write_text(f"{slope} {start}\n")


if __name__ == "__main__":
    main()
