"""Which Python process the debugger is wanted in, told from its arguments.

Pure but for looking at paths. The start hook asks it about its own process, the relay about the others,
so both come to the same answer.
"""

import os

MAILBOX = "/run/aml-debug"

# Options of the interpreter that take the rest of the word, or the next word, as their value.
_WITH_VALUE = "WX"


class Wish:
    """What the environment variable AML_DEBUG_HOOK says: `key=value`, a line each."""

    def __init__(self, text):
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        self.root = values.get("root", "/")
        self.script = values.get("script")
        self.module = values.get("module")
        self.imports = [name for name in values.get("imports", "").split(",") if name]
        self.wait = float(values.get("wait", "0"))
        self.mailbox = values.get("mailbox", MAILBOX)

    def mail(self, name):
        return os.path.join(self.mailbox, name)

    def patience(self):
        """Seconds to wait for a debugger: none for a worker that was started again without one."""
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


class Program:
    """What an interpreter was asked to run: one of script, module; neither for -c, a pipe or a prompt."""

    def __init__(self, argv):
        self.script = None
        self.module = None
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


def own_arguments():
    """The arguments of this process as it was started, the interpreter's own options included."""
    import sys

    words = getattr(sys, "orig_argv", None)
    return list(words) if words else arguments_of("self")


def arguments_of(pid):
    with open("/proc/%s/cmdline" % pid, "rb") as file:
        return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]


def is_chosen(wish, argv, cwd, path=()):
    """Whether the process with these arguments, working directory and sys.path is the one wished for."""
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
