"""First process of a container that may be kept for the next run.

Started as `python -I -S warm.py FOLDER TOKEN COMMAND…`. Starts the command, then listens in FOLDER for whoever
looks after the run, a line of JSON each way:

    says   {"ended": CODE}                       when the command has ended
    hears  {"keep": SECONDS}                     clean up, answer {"kept": true}, wait so long for
    hears  {"run": {"command", "environment", "forget", "cwd"}}   the next command

SIGUSR1 ends the command and nothing else. Where nobody listens at a command's end, the container ends with its command's code, like any other.
"""

import os
import sys

# How long after a command's end somebody may take to say that the container is to stay.
_DECIDE_S = 10.0

# What a run writes besides its own folders. Anywhere else, the container is not kept.
_SCRATCH = ("/run/aml-debug", "/tmp", "/var/tmp", "/dev/shm", "/mnt/azureml/home")


def main(folder, token, command):
    # Before anything is imported that the command would have to wait for.
    child = _start(command, None, None)
    supervisor = _Supervisor(folder, token, child)
    while True:
        code = supervisor.command_ended()
        seconds = supervisor.is_kept(code)
        if seconds is None:
            # Also what a signal to this process leads to: the command has had it, too.
            os._exit(code)
        supervisor.next_command(seconds)


def _start(command, environment, cwd):
    child = os.fork()
    if child:
        return child
    try:
        if cwd is not None:
            os.chdir(cwd)
        os.execvpe(command[0], command, os.environ if environment is None else environment)
    except OSError as error:
        os.write(2, ("%s: %s\n" % (command[0], error.strerror)).encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


class _Supervisor:
    def __init__(self, folder, token, child):
        import signal
        import socket

        self.mark = b"\x1eaml-debug-end " + token.encode() + b"\x1e"
        self.child = child
        self.ending = False
        self.ends_command = False
        self.owner = None
        self.said = b""
        wake, self.wake_up = os.pipe()
        os.set_blocking(self.wake_up, False)
        self.wake = wake
        signal.set_wakeup_fd(self.wake_up)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        signal.signal(signal.SIGUSR1, self._end_command)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.listener = socket.socket(socket.AF_UNIX)
        # One of before this container was started again.
        _remove(os.path.join(folder, "s"))
        # Relative: a path of the machine's may be longer than an address can be.
        os.chdir(folder)
        self.listener.bind("s")
        os.chdir("/")
        self.listener.listen(1)

    def _end(self, *_):
        self.ending = True

    def _end_command(self, *_):
        self.ends_command = True

    def command_ended(self):
        """Waits for the command's end; its exit code."""
        while True:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                break
            if self.ends_command:
                _kill_everybody()
            self._wait(None)
        self.ends_command = False
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        # What the command leaves behind would be in the way of the next one.
        _kill_everybody()
        if self.owner is not None and not self.ending:
            os.write(1, self.mark)
            os.write(2, self.mark)
            self._say({"ended": code})
        return code

    def is_kept(self, code):
        """How many seconds the container is to stay; None to end it."""
        if self.owner is None:
            return None
        heard = self._hear(_DECIDE_S)
        if not heard or "keep" not in heard:
            return None
        for folder in _SCRATCH:
            _empty(folder)
        self._say({"kept": True})
        return heard["keep"]

    def next_command(self, seconds):
        """Waits for it and starts it; ends the container if none comes."""
        heard = self._hear(seconds)
        if not heard or "run" not in heard:
            os._exit(0)
        wanted = heard["run"]
        environment = {name: value for name, value in os.environ.items() if name not in wanted["forget"]}
        environment.update(wanted["environment"])
        self.ends_command = False
        self.child = _start(wanted["command"], environment, wanted["cwd"])

    def _hear(self, seconds):
        """The next line of whoever comes or is there; None if none comes or a signal does."""
        import json
        import time

        until = time.monotonic() + seconds
        while not self.ending:
            line, end, rest = self.said.partition(b"\n")
            if end:
                self.said = rest
                return json.loads(line)
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._wait(left)
        return None

    def _say(self, what):
        import json

        try:
            self.owner.sendall(json.dumps(what).encode() + b"\n")
        except OSError:
            pass

    def _wait(self, seconds):
        """Until something happens: a signal, somebody who comes, says something or leaves."""
        import select

        waiting = select.poll()
        for handle in (self.wake, self.listener, self.owner):
            if handle is not None:
                waiting.register(handle, select.POLLIN)
        for handle, _ in waiting.poll(None if seconds is None else seconds * 1000):
            if handle == self.wake:
                os.read(self.wake, 512)
            elif handle == self.listener.fileno():
                # Whoever comes later is the one who looks after the container from now on.
                self.owner, self.said = self.listener.accept()[0], b""
            elif self.owner is not None and handle == self.owner.fileno():
                try:
                    data = self.owner.recv(1 << 16)
                except OSError:
                    data = b""
                self.said += data
                if not data:
                    self.owner.close()
                    self.owner = None


def _empty(folder):
    import shutil

    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            _remove(path)


def _kill_everybody():
    try:
        os.kill(-1, 9)
    except ProcessLookupError:
        pass


def _remove(path):
    try:
        os.unlink(path)
    except OSError:
        pass


main(sys.argv[1], sys.argv[2], sys.argv[3:])
