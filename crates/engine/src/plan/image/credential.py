"""Answers git's question for the user and password of a host, from the file that pip and uv look into, too.

git starts it as `credential.py get` and says on the standard input which host it means.
"""

import netrc
import os
import sys

asked = dict(line.rstrip("\n").split("=", 1) for line in sys.stdin if "=" in line)
if sys.argv[-1] == "get":
    known = netrc.netrc(os.environ["NETRC"]).authenticators(asked.get("host", "").rsplit(":", 1)[0])
    if known:
        print("username={}\npassword={}".format(known[0], known[2]))
