"""What the programs in this folder do alike: a line "# attend: NAME" in one of them stands for a function of this file."""
import os
import socket
import sys
import threading
import time


def own_address(client):
    for there in (client, "192.0.2.1"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((there, 9))  # asks for the way there and sends nothing
                return probe.getsockname()[0]
            except (OSError, TypeError):
                pass
    return (os.popen("hostname -I 2>&1").read().split() + ["127.0.0.1"])[0]


def call(debugpy, there, seconds, words):
    host, port = there.rsplit(":", 1)
    ends = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), 5).close()
            break
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(1)
    debugpy.configure(subProcess=False)

    def go_on():  # connect() itself waits for the debugger, and has no end of its own
        for _ in range(100):
            if sys.modules["pydevd"].get_global_debugger():
                sys.modules["pydevd"].get_global_debugger().ready_to_run = True
                return
            time.sleep(0.1)

    timer = threading.Timer(ends - time.monotonic(), go_on)
    timer.daemon = True
    timer.start()
    debugpy.connect((host.strip("[]"), int(port)), access_token=" ".join(words))
    timer.cancel()


def wait(debugpy, seconds):
    def give_up():
        while True:
            try:
                return debugpy.wait_for_client.cancel()
            except (AttributeError, RuntimeError):  # the wait has not begun yet
                threading.Event().wait(0.05)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    debugpy.wait_for_client()
    timer.cancel()


def has_come(debugpy):
    if debugpy.is_client_connected():
        return True
    # Nobody will attend to its child processes either, and one that waits for a debugger waits for ever.
    try:
        from _pydev_bundle import pydev_monkey

        pydev_monkey._get_apply_arg_patching = lambda: False
    except ImportError:  # another debugpy
        pass
    return False
