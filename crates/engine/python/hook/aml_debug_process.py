"""Which Python processes the debugger is wanted in, told from their arguments and environment.

Pure but for looking at paths. The start hook asks it about its own process, the relay about the others,
so both come to the same answer.
"""

import os

MAILBOX = "/run/aml-debug"

# Options of the interpreter that take the rest of the word, or the next word, as their value.
_WITH_VALUE = "WX"

# What launchers of several processes call the number of each, with the name of how many there are.
_RANKS = (
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("LOCAL_RANK", "LOCAL_WORLD_SIZE"),
)

# Programs of `multiprocessing` itself: they run none of the user's code.
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.semaphore_tracker")
_FORKSERVER = "multiprocessing.forkserver"


class Wish:
    """What the environment variable AML_DEBUG_HOOK says: `key=value`, a line each."""

    def __init__(self, text):
        self.text = text
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        self.root = values.get("root", "/")
        self.script = values.get("script")
        self.module = values.get("module")
        self.imports = [name for name in values.get("imports", "").split(",") if name]
        self.rank = values.get("rank")
        self.wait = float(values.get("wait", "0"))
        self.children = "children" in values
        # The debuggee that this process descends from; absent in what runs beside or before it.
        self.debuggee = values.get("debuggee")
        self.mailbox = values.get("mailbox", MAILBOX)

    def mail(self, name):
        return os.path.join(self.mailbox, name)

    def patience(self):
        """Seconds to wait for a debugger: none for a process that follows one whose debugger has left."""
        try:
            with open(self.mail("wait")) as file:
                return float(file.read() or self.wait)
        except (OSError, ValueError):
            return self.wait

    def claim(self):
        """Whether this process is the first to ask."""
        try:
            handle = os.open(self.mail("claim"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except OSError:
            return False
        os.write(handle, str(os.getpid()).encode())
        os.close(handle)
        return True

    def may_claim(self):
        """Whether there is no debuggee, or it has ended, or has made itself this program."""
        try:
            with open(self.mail("claim")) as file:
                pid = int(file.read())
        except (OSError, ValueError):
            # Where it is there and empty, its process is just about to write into it.
            return not os.path.exists(self.mail("claim"))
        # What it has started is a child of its, however long it lives.
        return pid == os.getpid() or (self.debuggee is None and not is_alive(pid))

    def take_over(self):
        """Claims in place of a debuggee that is not there any more; whether that is so."""
        if self.claim():
            return True
        import fcntl

        handle = os.open(self.mail("claim.lock"), os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if not self.may_claim():
                return False
            for name in ("report.json", "claim"):
                try:
                    os.unlink(self.mail(name))
                except OSError:
                    pass
            return self.claim()
        finally:
            os.close(handle)

    def attended(self, attended):
        """Whether somebody is there for whom a debuggee that comes after this one waits."""
        try:
            if attended:
                os.unlink(self.mail("wait"))
            else:
                with open(self.mail("wait"), "w") as file:
                    file.write("0")
        except OSError:
            pass

    def follows_children(self):
        # What runs beside the debuggee may be there before it.
        return (self.children and self.debuggee is None) or os.path.exists(self.mail("children"))

    def follow_children(self, follow):
        """Whether processes that start from here on are debugged."""
        try:
            if follow:
                os.close(os.open(self.mail("children"), os.O_CREAT | os.O_WRONLY, 0o644))
            else:
                os.unlink(self.mail("children"))
        except OSError:
            pass

    def for_children(self):
        """What the environment of the debuggee's children says."""
        return "%s\ndebuggee=%d" % (self.text, os.getpid())


class Program:
    """What an interpreter was asked to run: one of script, module; neither for -c, a pipe or a prompt."""

    def __init__(self, argv):
        self.script = None
        self.module = None
        self.code = None
        self.flags = ""
        words = iter(argv[1:])
        for word in words:
            if not word.startswith("-") or word == "-":
                self.script = None if word == "-" else word
                return
            if word.startswith("--"):
                if word == "--check-hash-based-pycs":
                    next(words, None)
                continue
            for at, flag in enumerate(word[1:], 2):
                if flag == "c":
                    self.code = word[at:] or next(words, "")
                    return
                if flag == "m":
                    self.module = word[at:] or next(words, None)
                    return
                if flag in _WITH_VALUE:
                    if not word[at:]:
                        next(words, None)
                    break
                self.flags += flag

    def isolated_by(self):
        """The option that makes the interpreter pass by our hook, or None."""
        for flag in "ISE":
            if flag in self.flags:
                return "-" + flag
        return None


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def own_arguments():
    """The arguments of this process as it was started, the interpreter's own options included."""
    import sys

    words = getattr(sys, "orig_argv", None)
    return list(words) if words else arguments_of("self")


def arguments_of(pid):
    with open("/proc/%s/cmdline" % pid, "rb") as file:
        return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]


def environment_of(pid):
    with open("/proc/%s/environ" % pid, "rb") as file:
        words = [os.fsdecode(word) for word in file.read().split(b"\0")]
    return dict(word.split("=", 1) for word in words if "=" in word)


def is_chosen(wish, argv, cwd, environ, path=()):
    """Whether the process with these arguments, working directory, environment and sys.path is the one wished for."""
    return _is_of_rank(wish, environ) and _is_program(wish, argv, cwd, path)


def is_followed(wish, argv, cwd, path, prefixes):
    """Whether a process that is not the chosen one runs code of the user's: one that descends from the
    debuggee, or another one of the same program (a rank)."""
    if wish.debuggee is None:
        return _is_program(wish, argv, cwd, path)
    program = Program(argv)
    if program.script is not None:
        script = _real(cwd, program.script)
        return _below(script, wish.root) or not any(_below(script, prefix) for prefix in prefixes)
    if program.module is not None:
        return _module_below(program.module, [cwd] + list(path), wish.root)
    return not any(helper in (program.code or "") for helper in _HELPERS)


def only_forks(argv):
    """Whether the process runs the user's code in its forks only."""
    return _FORKSERVER in (Program(argv).code or "")


def is_one_of_several(environ):
    """Whether other ranks wait for this process."""
    of_several = _rank(environ)
    return of_several is not None and of_several[1] != "1"


def _is_of_rank(wish, environ):
    of_several = _rank(environ)
    if of_several is None:
        return wish.rank is None
    rank, size = of_several
    if wish.rank is not None:
        return rank == wish.rank
    # Of several alike the first is taken, unless somebody has chosen.
    return rank == "0" or size == "1"


def _rank(environ):
    """The number of this process among several alike, and how many there are; None of one that is alone."""
    for rank, size in _RANKS:
        if rank in environ:
            return environ[rank], environ.get(size, "1")
    if "TF_CONFIG" in environ:
        try:
            return _rank_of_tensorflow(environ["TF_CONFIG"])
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
    return None


def _rank_of_tensorflow(text):
    """Workers are counted behind the chief, if there is one; parameter servers behind the workers."""
    import json

    config = json.loads(text)
    before = 0
    for role in ("chief", "master", "worker", "ps", "evaluator"):
        if role == config["task"]["type"]:
            size = sum(len(addresses) for addresses in config["cluster"].values())
            return str(before + int(config["task"]["index"])), str(size)
        before += len(config["cluster"].get(role, ()))
    return None


def _is_program(wish, argv, cwd, path):
    if wish.imports:
        # Told by what it does, and by that alone.
        return False
    program = Program(argv)
    if program.script is not None:
        script = os.path.realpath(os.path.join(cwd, program.script))
        # A script that is not there ends the process by itself, with the interpreter's own words.
        if not os.path.exists(script):
            return False
        if wish.script is not None:
            if "/" not in wish.script and os.path.basename(program.script) == wish.script:
                # A command of the image, such as gunicorn.
                return True
            return script in (_real(wish.root, wish.script), _real(cwd, wish.script))
        return wish.module is None and _below(script, wish.root)
    if program.module is not None:
        if wish.module is not None:
            return program.module == wish.module
        return wish.script is None and _module_below(program.module, [cwd] + list(path), wish.root)
    return False


def _real(folder, path):
    return os.path.realpath(os.path.join(folder, path))


def _below(path, root):
    return path.startswith(os.path.realpath(root).rstrip("/") + "/")


def _module_below(module, path, root):
    parts = module.split(".")
    for entry in path:
        file = os.path.realpath(os.path.join(entry, *parts))
        if _below(file, root) and (os.path.exists(file + ".py") or os.path.exists(file + "/__main__.py")):
            return True
    return False
