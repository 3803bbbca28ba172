"""Grows until somebody cancels it."""

import time

for day in range(10_000):
    print(f"day {day}")
    time.sleep(0.5)
