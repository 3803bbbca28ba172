"""Fetches from the package index what a build keeps in its cache.

`fetch.py uv FOLDER MACHINE`: uv, into FOLDER/bin.
`fetch.py wheels CACHE LINKS`: the wheels that a lock file of uv's on standard input names, into CACHE, each with a link in
LINKS, and beside them `pinned.txt` with a requirement for each.

Exit code 4 where that is pip's or uv's own to do: pip is set up in ways that are not looked at here, or the index is of a
kind that is not known here. Exit code 5 where only some are wheels, and the rest is uv's to make. Exit code 1, with the
reason, where pip could do nothing either.
"""

import base64
import functools
import hashlib
import json
import netrc
import os
import re
import socket
import ssl
import struct
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib

PIPS_BUSINESS = 4
THE_REST_IS_UVS = 5
# A second try for what a busy network lost, as pip has five.
TRIES = 2
SECONDS = 30
# Of each of two: together as many as pip's and uv's users have open to an index.
AT_ONCE = 4
PIECE = 1 << 20
# Of a file in a zip archive: its size stands behind it.
SIZE_BEHIND = 8
# Whoever waits for a download of this size is told of it.
WORTH_A_LINE = 8 << 20


def main(what, *arguments):
    socket.getaddrinfo = known_address
    if any(os.environ.get(name) for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST")):
        return PIPS_BUSINESS
    if any(os.path.exists(path) for path in pips_own_files()):
        return PIPS_BUSINESS
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    return {"uv": uv, "wheels": wheels}[what](index, *arguments)


def uv(index, folder, machine):
    page = index.rstrip("/") + "/uv/"
    try:
        file = newest(read(page), page, machine)
        if not file:
            return PIPS_BUSINESS
        address, digest = file
        with opened(address, as_for=page) as wheel:
            return unpack(wheel, os.path.join(folder, "bin"), digest)
    except urllib.error.HTTPError as error:
        print("aml-debug: {} answers {} {}".format(shown(page), error.code, error.reason))
        return PIPS_BUSINESS
    except OSError as error:
        reason = getattr(error, "reason", error)
        print("aml-debug: the package index {} cannot be reached: {}".format(shown(index), reason))
        return 1


def wheels(index, cache, links):
    # Read as a whole: uv writes it when it has decided.
    packages = sys.stdin.buffer.read().decode("utf-8").split("[[packages]]")[1:]
    found = [wheel for wheel in map(wheel_of, packages) if wheel]
    if not found:
        return PIPS_BUSINESS
    os.makedirs(links, exist_ok=True)
    if not all_fetched(found, cache, index):
        return PIPS_BUSINESS
    for path in (place_of(wheel, cache) for wheel in found):
        os.symlink(path, os.path.join(links, os.path.basename(path)))
    with open(os.path.join(links, "pinned.txt"), "w", encoding="utf-8") as file:
        file.writelines("{name}=={version}\n".format(**wheel) for wheel in found)
    return 0 if len(found) == len(packages) else THE_REST_IS_UVS


def wheel_of(package):
    """Name, version, address, size and digest; nothing where uv has to make the wheel, or to choose."""
    match = re.search(r"^wheels = \[\{ (.*) \}\]$", package, re.M)
    texts = dict(re.findall(r'(\w+) = "([^"]*)"', package.partition("\nsdist =")[0]))
    wheel = dict(re.findall(r'(url|sha256) = "([^"]*)"', match.group(1)) if match else ())
    size = re.search(r"size = (\d+)", match.group(1)) if match else None
    if not wheel.get("url", "").startswith(("https:", "http:")) or len(wheel.get("sha256", "")) != 64:
        return None
    return dict(wheel, name=texts["name"], version=texts["version"], size=int(size.group(1)) if size else 0)


def all_fetched(wheels, cache, index):
    """By two processes, each with as much to fetch: threads of one wait for its interpreter at every piece."""
    global concurrent
    # Only here, for it takes its time.
    import concurrent.futures

    halves = ([], [])
    for wheel in sorted(wheels, key=lambda wheel: -wheel["size"]):
        min(halves, key=lambda half: sum(wheel["size"] for wheel in half)).append(wheel)
    child = os.fork()
    if not child:
        os._exit(0 if fetched(halves[1], cache, index) else 1)
    is_done = fetched(halves[0], cache, index)
    return os.waitpid(child, 0)[1] == 0 and is_done


def fetched(wheels, cache, index):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            list(pool.map(lambda wheel: keep(wheel, cache, index), wheels))
        except OSError as error:
            # uv tries longer, and has words for what goes wrong.
            print("aml-debug: a wheel could not be fetched: {}".format(getattr(error, "reason", error)), flush=True)
            return False
    return True


def place_of(wheel, cache):
    name = urllib.parse.unquote(urllib.parse.urlsplit(wheel["url"]).path.rpartition("/")[2])
    return os.path.join(cache, wheel["sha256"], name)


def keep(wheel, cache, index):
    """The wheel in the cache, from now on under its digest."""
    path = place_of(wheel, cache)
    folder, name = os.path.split(path)
    if os.path.exists(path):
        return
    if wheel["size"] >= WORTH_A_LINE:
        print("Downloading {name} {version} ({:.1f} MB)".format(wheel["size"] / 1e6, **wheel), flush=True)
    os.makedirs(folder, exist_ok=True)
    # Another build may be at it, too.
    part = "{}.{}.{}".format(path, os.getpid(), wheel["name"])
    digest = hashlib.sha256()
    try:
        with opened(wheel["url"], as_for=index) as answer, open(part, "wb") as file:
            for piece in iter(lambda: answer.read(PIECE), b""):
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != wheel["sha256"]:
            raise OSError("{} is not what the index says it is".format(name))
        os.rename(part, path)
    finally:
        if os.path.exists(part):
            os.remove(part)


def pips_own_files():
    home = os.path.expanduser("~")
    yield os.environ.get("PIP_CONFIG_FILE") or "/etc/pip.conf"
    for folder in ("/etc/xdg/pip", home + "/.pip", home + "/.config/pip", sys.prefix):
        yield folder + "/pip.conf"


def read(address, as_for=None):
    with opened(address, as_for) as answer:
        return answer.read()


def opened(address, as_for=None):
    plain, login = without_login(address)
    host = urllib.parse.urlsplit(plain).hostname
    if as_for and not login and host == urllib.parse.urlsplit(as_for).hostname:
        login = without_login(as_for)[1]
    request = urllib.request.Request(plain)
    request.add_header("Accept", "application/vnd.pypi.simple.v1+json, text/html;q=0.1")
    login = login or login_of_file(host)
    if login:
        # An unredirected header: what the index passes on to another host goes without it.
        encoded = base64.b64encode(":".join(login).encode()).decode()
        request.add_unredirected_header("Authorization", "Basic " + encoded)
    for left in reversed(range(TRIES)):
        try:
            return opener().open(request, timeout=SECONDS)
        except urllib.error.HTTPError:
            raise
        except OSError:
            if not left:
                raise


@functools.lru_cache(None)
def opener():
    """One for all: each would read the certificates of all authorities for each file."""
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context()))


looking_up = threading.Lock()
look_up = functools.lru_cache(None)(socket.getaddrinfo)


def known_address(*arguments, **options):
    """Each host once: of many questions at a time a name server loses some, and each of those costs five seconds."""
    with looking_up:
        return look_up(*arguments, **options)


def without_login(address):
    parts = urllib.parse.urlsplit(address)
    login, at, host = parts.netloc.rpartition("@")
    name, _, password = login.partition(":")
    plain = urllib.parse.urlunsplit(parts._replace(netloc=host))
    return plain, (urllib.parse.unquote(name), urllib.parse.unquote(password)) if at else None


def login_of_file(host):
    try:
        known = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (known[0] or "", known[2] or "") if known else None


def shown(address):
    return without_login(address)[0]


def newest(page, address, machine):
    """Address and digest of the wheel of the newest release for this machine."""
    found = {}
    for place, digest in links(page):
        name = urllib.parse.unquote(place.rpartition("/")[2])
        match = re.match(r"uv-(\d+)\.(\d+)\.(\d+)-py3-none-(.+)\.whl$", name)
        if match and fits(match.group(4), machine):
            version = tuple(map(int, match.group(1, 2, 3)))
            found[version] = (urllib.parse.urljoin(address, place), digest)
    return found[max(found)] if found else None


def links(page):
    text = page.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        for file in json.loads(text).get("files", []):
            if not file.get("yanked"):
                yield file["url"], file.get("hashes", {}).get("sha256")
        return
    for tag in re.findall(r"<a\s[^>]*>", text):
        match = re.search(r"href=[\"']([^\"']+)", tag)
        if match and "data-yanked" not in tag:
            place, _, fragment = match.group(1).replace("&amp;", "&").partition("#")
            yield place, fragment[len("sha256=") :] if fragment.startswith("sha256=") else None


def fits(tags, machine):
    musl = machine.endswith("-musl")
    machine = machine[: -len("-musl")] if musl else machine
    if musl:
        return any(re.match("musllinux_1_[12]_" + machine + "$", tag) for tag in tags.split("."))
    try:
        own = tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")[:2]))
    except (AttributeError, ValueError, OSError, IndexError):
        return False
    found = [re.match(r"manylinux_(\d+)_(\d+)_" + machine + "$", tag) for tag in tags.split(".")]
    return any(match and tuple(map(int, match.groups())) <= own for match in found)


def unpack(wheel, folder, digest):
    """Takes the program out of the wheel while it arrives: both take as long."""
    part = folder + ".part"
    seen = hashlib.sha256()
    is_whole = False

    def take(count):
        taken = wheel.read(count)
        seen.update(taken)
        return taken

    for name, flags, method, checksum, size in iter(lambda: entry(take), None):
        if flags & SIZE_BEHIND or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return PIPS_BUSINESS
        is_uv = name.endswith(".data/scripts/uv")
        inflate = zlib.decompressobj(-zlib.MAX_WBITS).decompress if method else bytes
        found = 0
        with open(part if is_uv else os.devnull, "wb") as file:
            while size:
                piece = take(min(size, PIECE))
                if not piece:
                    raise OSError("the connection ended in the middle of uv")
                size -= len(piece)
                plain = inflate(piece)
                found = zlib.crc32(plain, found)
                file.write(plain)
        is_whole = is_whole or (is_uv and found == checksum)
    while take(PIECE):
        pass
    if not is_whole or (digest and seen.hexdigest() != digest):
        return PIPS_BUSINESS
    os.makedirs(folder, exist_ok=True)
    os.chmod(part, 0o755)
    os.rename(part, os.path.join(folder, "uv"))
    return 0


def entry(take):
    """The head of the next file of a zip archive; nothing where its directory begins."""
    head = take(30)
    if head[:4] != b"PK\x03\x04":
        return None
    flags, method, _, checksum, size, _, name, extra = struct.unpack("<6xHHLLLLHH", head)
    name = take(name).decode("utf-8", "replace")
    take(extra)
    return name, flags, method, checksum, size


sys.exit(main(*sys.argv[1:]))
