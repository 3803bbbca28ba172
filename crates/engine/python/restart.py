"""Ends the workers of the server in this container, so that it starts new ones which load the code as it is.

Arguments: the entry script, the code folder, the mail box of the start hook, and whether a debugger waits for
the new worker. Code that Python cannot read is told instead, and then nothing is touched.
"""

import importlib.util
import json
import os
import signal
import sys
import time

ENTRY, CODE, MAILBOX, ATTENDED = sys.argv[1:5]

# A worker that is not in a request ends at once; one that stands at a breakpoint never does, and one with a debugger
# in it takes longer to end than to start again.
GRACE_S = 0.0 if ATTENDED else 0.3
LIMIT_S = 5.0


def sources():
    """The entry script and what stands beside it."""
    files = [ENTRY] if ENTRY else []
    for folder, folders, names in os.walk(CODE):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        files.extend(os.path.join(folder, name) for name in sorted(names) if name.endswith(".py"))
        if len(files) > 200:
            break
    return list(dict.fromkeys(files))


def unreadable(files):
    """The first file that Python cannot read."""
    for file in files:
        try:
            with open(file, "rb") as source:
                compile(source.read(), file, "exec", dont_inherit=True)
        except SyntaxError as error:
            said = "%s: %s" % (type(error).__name__, error.msg)
            return {"file": file, "line": error.lineno or 1, "error": said, "text": error.text or ""}
        except (OSError, ValueError) as error:
            if file == ENTRY:
                return {"file": file, "line": 1, "error": str(error), "text": ""}
    return None


def forget(files):
    """Bytecode is told from its source by whole seconds and size, and a person may save twice within one."""
    sys.pycache_prefix = os.environ.get("PYTHONPYCACHEPREFIX") or None
    for file in files if sys.pycache_prefix else []:
        try:
            os.remove(importlib.util.cache_from_source(file))
        except OSError:
            pass


def workers():
    """Processes with the arguments of their parent: a server that forks has started them."""
    found = {}
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % pid) as file:
                fields = file.read().rsplit(")", 1)[1].split()
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                found[int(pid)] = (int(fields[1]), fields[0], file.read())
        except (OSError, IndexError):
            pass

    def is_worker(pid):
        parent, state, words = found[pid]
        return state != "Z" and b"python" in words and parent in found and found[parent][2] == words

    return [pid for pid in found if is_worker(pid)]


def end(pids):
    for wanted, within in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, LIMIT_S)):
        if not within:
            continue
        for pid in pids:
            try:
                os.kill(pid, wanted)
            except OSError:
                pass
        until = time.monotonic() + within
        while time.monotonic() < until:
            if not set(pids) & set(workers()):
                return
            time.sleep(0.002)


def prepare_mail(pids):
    """A new worker is chosen like the first; without a debugger it waits for none. The relay goes with its
    worker, and not on to the next, which gets one of its own."""
    try:
        children = [name for name in os.listdir(MAILBOX) if name.startswith("child-")]
    except OSError:
        children = []
    for name in ["report.json", "claim"] + children:
        try:
            os.remove(os.path.join(MAILBOX, name))
        except OSError:
            pass
    for name, text in ("wait", "" if ATTENDED else "0"), ("replaced", " ".join(map(str, pids))):
        try:
            with open(os.path.join(MAILBOX, name), "w") as file:
                file.write(text)
        except OSError:
            pass


files = sources()
problem = unreadable(files)
if ENTRY and not os.path.exists(ENTRY):
    print(json.dumps({"gone": ENTRY}))
elif problem:
    print(json.dumps({"unreadable": problem}))
else:
    pids = workers()
    if not pids:
        sys.exit("no process in the container looks like a worker of the server")
    prepare_mail(pids)
    forget(files)
    end(pids)
    print(json.dumps({"ended": pids}))
