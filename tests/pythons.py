"""Finds Python interpreters on PATH, with pyenv and in a folder, where newer ones can be unpacked from Debian packages.

The packages are asked for by name, from the mirror that the machine's own apt uses, and unpacked with the C library
that they need: nothing is installed, no state of the machine's apt is touched, and no right of root's is needed. The
folder's path becomes part of the interpreters, so that they must be unpacked anew where it moves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PACKAGES = {"3.14": "python3.14", "3.15": "python3.15", "pypy3.11": "pypy3"}
"""The interpreters that are had by name, each with the package that holds it."""
SUITE = "forky"
"""The release of Debian that they come from."""
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_NOT_NEEDED = ("debconf", "ca-certificates", "media-types", "netbase", "openssl", "readline-common", "tzdata")
"""What other packages ask for, but no interpreter that is only unpacked."""
_SETTINGS = """
Dir::State "{apt}"; Dir::State::Lists "{apt}/lists"; Dir::State::status "{apt}/status"; Dir::Cache "{apt}/cache";
Dir::Etc::SourceList "{apt}/sources.list"; Dir::Etc::SourceParts "/dev/null"; Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null"; Acquire::Languages "none"; APT::Install-Recommends "false";
APT::Sandbox::User ""; Debug::NoLocking "true";
"""
_ASK = """
import sys, sysconfig
threads = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print(f"{sys.implementation.name}{sys.version_info[0]}.{sys.version_info[1]}{threads}")
"""


def find(name: str, folder: Path) -> Path | None:
    """Return the path of an interpreter, or None; `folder` is where some may be.

    `name` is its version, as in ``3.14``, ``3.14t`` for the free-threaded build, or ``pypy3.11``.
    """
    command = name if name.startswith("pypy") else f"python{name}"
    on_path = shutil.which(command)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    candidates = [
        *([Path(on_path)] if on_path else []),
        *sorted(pyenv.glob(f"{name.removesuffix('t')}[.-]*/bin/{command}")),
        folder / "usr" / "bin" / command,
    ]
    return next((path for path in candidates if _is(name, path)), None)


def _is(name: str, path: Path) -> bool:
    """Tell whether a path is that of the interpreter; a shim of pyenv's may be for a version that is not chosen."""
    try:
        done = subprocess.run([path, "-c", _ASK], capture_output=True, encoding="utf-8", check=False)
    except OSError:
        return False
    return done.stdout.strip() == (name if name.startswith("pypy") else f"cpython{name}")


def why_not_unpacked() -> str:
    """Return what is missing for packages to be unpacked here; empty where nothing is."""
    lacking = [tool for tool in ("apt-get", "dpkg-deb", "tar", "patchelf") if shutil.which(tool) is None]
    lacking += [str(path) for path in (Path(_KEYRING), _SOURCES) if not path.exists()]
    return f"needs {', '.join(lacking)}" if lacking else ""


def unpack(packages: list[str], folder: Path) -> None:
    """Unpack Debian `packages`, and what they need, to `folder`; raises CalledProcessError where a command fails."""
    folder = folder.resolve()
    apt = folder / "apt"
    for part in ("lists/partial", "cache/archives/partial", "debs"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_mirror()} {SUITE} main\n")
    (apt / "settings").write_text(_SETTINGS.format(apt=apt))
    environment = {**os.environ, "APT_CONFIG": str(apt / "settings")}
    _call("apt-get", "update", "-qq", env=environment)
    plan = _call("apt-get", "install", "--simulate", "--yes", *packages, env=environment)
    needed = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    needed = [name for name in needed if name not in _NOT_NEEDED and not name.endswith("-base")]
    _call("apt-get", "download", "-qq", *needed, env=environment, cwd=apt / "debs")
    _merge_folders(folder)
    for package in sorted((apt / "debs").glob("*.deb")):
        _unpack_one(package, folder)
    shutil.rmtree(apt)
    for program in (folder / "usr" / "bin").iterdir():
        if not program.is_symlink() and program.name.startswith(("python3", "pypy3")) and _is_binary(program):
            _bind(program, folder)
            _compile_library(program)


def _mirror() -> str:
    lines = _SOURCES.read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("URIs:"))


def _merge_folders(folder: Path) -> None:
    """Make ``lib`` and its like links into ``usr``, as they are on a Debian system."""
    for part in ("bin", "lib", "lib64"):
        (folder / "usr" / part).mkdir(parents=True, exist_ok=True)
        if not (folder / part).is_symlink():
            (folder / part).symlink_to(Path("usr", part))


def _unpack_one(package: Path, folder: Path) -> None:
    tar = ("tar", "--extract", "--keep-directory-symlink", "--exclude=./usr/share/doc", "--exclude=./usr/share/man")
    files = ("dpkg-deb", "--fsys-tarfile", package)
    with subprocess.Popen(files, stdout=subprocess.PIPE) as reader:
        subprocess.run([*tar, "--directory", folder], stdin=reader.stdout, check=True)


def _is_binary(program: Path) -> bool:
    with program.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _bind(program: Path, folder: Path) -> None:
    """Let a program run with the loader and the libraries beside it, whatever the machine's own are."""
    loader = next((folder / "usr" / "lib64").glob("ld-linux*"), None) or next(
        (folder / "usr" / "lib").glob("ld-linux*")
    )
    libraries = next((folder / "usr" / "lib").glob("*-linux-gnu"))
    _call("patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries, program)


def _compile_library(program: Path) -> None:
    """Compile the standard library, as the package would when it is installed; what can't be compiled is left out."""
    library = _call(program, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))").strip()
    subprocess.run([program, "-m", "compileall", "-q", library], stdout=subprocess.DEVNULL, check=False)


def _call(*command: str | Path, **options: object) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8", **options).stdout
