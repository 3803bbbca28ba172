"""Solves conda packages and installs them into a new prefix, where the base image has no conda of its own.

The solver is rattler, from the package index. `strict` order of channels is what conda's makers advise; where
it has no solution, the channels count alike, as conda's own default has it.

`conda.py PREFIX`: on standard input the channels, one a line, and behind an empty line the packages.
"""

import asyncio
import os
import sys

import rattler
from rattler.exceptions import SolverError


async def main(prefix, channels, specs):
    virtual = rattler.VirtualPackage.detect()

    async def solved(priority):
        # By position: versions of rattler differ in the names.
        return await rattler.solve(channels, specs, virtual_packages=virtual, channel_priority=priority)

    try:
        records = await solved(rattler.ChannelPriority.Strict)
    except SolverError:
        if len(channels) < 2:
            raise
        print("aml-debug: no solution in the order of the channels; all of them count alike now", flush=True)
        records = await solved(rattler.ChannelPriority.Disabled)
    for record in sorted(records, key=lambda record: record.name.normalized):
        print("{} {} {}".format(record.name.normalized, record.version, record.build), flush=True)
    await rattler.install(records, target_prefix=prefix, show_progress=False)


def words(text):
    channels, _, specs = text.partition("\n\n")
    return channels.split("\n"), specs.rstrip("\n").split("\n")


if __name__ == "__main__":
    code = 0
    try:
        asyncio.run(main(sys.argv[1], *words(sys.stdin.read())))
    except Exception as error:
        # The way through rattler says nothing to whoever wrote the conda file.
        print("{}: {}".format(type(error).__name__, error), flush=True)
        code = 1
    # rattler's threads may still be about, and Python aborts when they wake up while it finalises.
    os._exit(code)
