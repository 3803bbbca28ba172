"""What the conda file asks for and pip's part must leave as it is: a requirement a line.

A conda package that brings no Python package is none of pip's business.
"""

import glob
import os
import re
import sys

prefix, names = sys.argv[1], set(sys.argv[2:])
found = set()
for path in glob.glob(os.path.join(prefix, "lib/python*/site-packages/*.dist-info")):
    name, _, version = os.path.basename(path)[: -len(".dist-info")].partition("-")
    name = re.sub("[-_.]+", "-", name).lower()
    if name in names:
        found.add("{}=={}".format(name, version))
print("\n".join(sorted(found)))
