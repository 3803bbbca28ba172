# >>> aml-debug: remote debugging; "aml-debug instrument --undo" takes it out again
# Nothing happens without --remote_debug, or AML_REMOTE_DEBUG=1 in the environment. With it, the script
# waits for a debugger before its first line; when nobody has come in time, it goes on by itself.
def _aml_debug(parser=None):
    import os
    import sys

    flags = {
        "--remote_debug": "wait for a debugger",
        "--remote_debug_connection_timeout": "seconds to wait for it (300)",
        "--remote_debug_client_ip": "address of the machine that the debugger runs on",
        "--remote_debug_port": "port on which it is awaited (5678)",
    }
    given, rest, words = {}, [], iter(sys.argv[1:])
    for word in words:
        flag, equals, value = word.partition("=")
        if flag == "--remote_debug":
            given[flag] = value or "1"
        elif flag in flags:
            given[flag] = value if equals else next(words, "")
        else:
            rest.append(word)
            rest.extend(words if word == "--" else ())
    if parser is not None and (given or "-h" in rest or "--help" in rest):
        try:
            from argparse import SUPPRESS

            group = parser.add_argument_group("remote debugging")
            for flag, text in flags.items():
                more = {"action": "store_true"} if flag == "--remote_debug" else {"metavar": "VALUE"}
                group.add_argument(flag, default=SUPPRESS, help=text, **more)
        except Exception:  # it has them already, has other prefixes, or is no parser of argparse's
            pass
    if given:
        sys.argv[1:] = rest

    def wish(name, otherwise):
        from_environment = os.environ.pop("AML_REMOTE_DEBUG" + name.upper(), "")
        return given.get("--remote_debug" + name) or from_environment or otherwise

    if wish("", "0").lower() in ("0", "false", "no", "off"):
        return parser

    import socket
    import threading
    import time

    # attend: own_address
    # attend: call
    # attend: wait
    # attend: has_come
    timeout = float(wish("_connection_timeout", 300))
    address = own_address(wish("_client_ip", None))
    # The ranks of a distributed run on one node cannot share a port.
    beside = os.environ.get("LOCAL_RANK") or os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK") or 0
    port = int(wish("_port", 5678)) + int(beside)
    rank = os.environ.get("RANK") or os.environ.get("OMPI_COMM_WORLD_RANK") or ""
    of = rank and ", rank " + rank
    # Where only the node may connect, it calls "aml-debug attach --listen".
    there, words = wish("_call", ""), (wish("_token", ""), wish("_step", "-"), rank or "-")
    print("Timeout for debug connection: {:g}".format(timeout), flush=True)
    try:
        import debugpy

        if there:
            call(debugpy, there, timeout, words)
        else:
            debugpy.listen((address, port))
    except Exception as error:
        print("Debugger attached = False{} ({}: {})".format(of, type(error).__name__, error), flush=True)
        return parser
    if not there:
        own = rank and "remote_debug_rank: {}\n".format(rank)
        # In one piece: other ranks write to the same log.
        print("{}remote_debug_port: {}\nip_address: {}\n".format(own, port, address), end="", flush=True)
        wait(debugpy, timeout)
    print("Debugger attached = {}{}".format(has_come(debugpy), of), flush=True)
    return parser


if __name__ == "__main__":
    _aml_debug()
del _aml_debug
# <<< aml-debug
