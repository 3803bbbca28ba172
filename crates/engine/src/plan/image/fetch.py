"""Fetches uv from the package index into FOLDER/bin: `fetch.py FOLDER MACHINE`.

Exit code 4 where that is pip's to do: pip is set up in ways that are not looked at here, or the index is of a kind
that is not known here. Exit code 1, with the reason, where pip could do nothing either.
"""

import base64
import hashlib
import io
import json
import netrc
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile

PIPS_BUSINESS = 4
# A second try for what a busy network lost, as pip has five.
TRIES = 2
SECONDS = 30


def main(folder, machine):
    if any(os.environ.get(name) for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST")):
        return PIPS_BUSINESS
    if any(os.path.exists(path) for path in pips_own_files()):
        return PIPS_BUSINESS
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    page = index.rstrip("/") + "/uv/"
    try:
        file = newest(read(page), page, machine)
        if not file:
            return PIPS_BUSINESS
        address, digest = file
        wheel = read(address, as_for=page)
    except urllib.error.HTTPError as error:
        print("aml-debug: {} answers {} {}".format(shown(page), error.code, error.reason))
        return PIPS_BUSINESS
    except OSError as error:
        reason = getattr(error, "reason", error)
        print("aml-debug: the package index {} cannot be reached: {}".format(shown(index), reason))
        return 1
    if digest and hashlib.sha256(wheel).hexdigest() != digest:
        return PIPS_BUSINESS
    return unpack(wheel, os.path.join(folder, "bin"))


def pips_own_files():
    home = os.path.expanduser("~")
    yield os.environ.get("PIP_CONFIG_FILE") or "/etc/pip.conf"
    for folder in ("/etc/xdg/pip", home + "/.pip", home + "/.config/pip", sys.prefix):
        yield folder + "/pip.conf"


def read(address, as_for=None):
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
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            if not left:
                raise


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


def unpack(wheel, folder):
    archive = zipfile.ZipFile(io.BytesIO(wheel))
    programs = [name for name in archive.namelist() if name.endswith(".data/scripts/uv")]
    if len(programs) != 1:
        return PIPS_BUSINESS
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "uv")
    with open(path, "wb") as file:
        file.write(archive.read(programs[0]))
    os.chmod(path, 0o755)
    return 0


sys.exit(main(*sys.argv[1:]))
