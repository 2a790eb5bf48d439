"""
Which files of its own a script imports: what its result is known by, beside the script. They are found by
reading, before anything runs; a script that then imports another one is refused, so that a change there is
never overlooked.

    python ml_pipe_modules.py train.py      prints them as a JSON list

What is installed, and the standard library, are not among them: packages are known by their own digests.
"""
import ast
import importlib.machinery as machinery
import json
import os
import site
import sys
import sysconfig

__all__ = ["UntrackedModule", "imported_by", "watch"]


class UntrackedModule(Exception):
    """The script imports a file that its result is not known by."""


def _folders():
    paths = sysconfig.get_paths()
    named = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib") if name in paths]
    here = os.path.dirname(os.path.abspath(__file__))
    return list(dict.fromkeys(named + getattr(site, "getsitepackages", list)() + [here]))


_installed = _folders()
_below = tuple({form(folder) + os.sep for folder in _installed for form in (os.path.abspath, os.path.realpath)})
# In the order in which Python tries them.
_suffixes = machinery.EXTENSION_SUFFIXES + machinery.SOURCE_SUFFIXES + machinery.BYTECODE_SUFFIXES


def _is_own(file):
    """Whether a file is neither installed nor part of Python. Installers may leave links in its place."""
    return (
        os.path.isfile(file)
        and not os.path.abspath(file).startswith(_below)
        and not os.path.realpath(file).startswith(_below)
    )


def imported_by(script):
    """The files that a script imports, and those import in turn, in order; nothing is executed."""
    script = os.path.abspath(script)
    folders = [os.path.dirname(script)] + _installed
    found, todo = {}, [(script, "")]
    while todo:
        for name in _names(*todo.pop()):
            for file, package in _files(name, folders):
                if file not in found:
                    found[file] = package
                    todo.append((file, package))
    return sorted(file for file in found if file != script)


def _names(file, package):
    """Names that a module imports, with what may be a module or something within one."""
    if not file.endswith(tuple(machinery.SOURCE_SUFFIXES)):
        return
    try:
        with open(file, "rb") as source:
            nodes = list(ast.walk(ast.parse(source.read())))
    except (OSError, SyntaxError, ValueError):
        return  # Running it says so.
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package else []
            kept = parts[: len(parts) + 1 - node.level] if node.level > 0 else []
            module = ".".join(kept + ([node.module] if node.module else []))
            yield from (f"{module}.{alias.name}".strip(".") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value


def _files(name, folders):
    """The files of a module and of the packages that it is in, each with the package of its relative imports."""
    parts = name.split(".")
    if parts[0] in sys.builtin_module_names:
        return
    for depth, part in enumerate(parts):
        file, below = _find(part, folders)
        if file is not None:
            if not _is_own(file):
                return
            yield file, ".".join(parts[: depth + (below is not None)])
        if below is None:
            return
        folders = below


def _find(name, folders):
    """A module or package: its file, and where its own modules are. Without a file it is a namespace."""
    namespace = []
    for folder in folders:
        base = os.path.join(folder, name)
        for suffix in _suffixes:
            if os.path.isfile(os.path.join(base, "__init__" + suffix)):
                return os.path.join(base, "__init__" + suffix), [base]
        for suffix in _suffixes:
            if os.path.isfile(base + suffix):
                return base + suffix, None
        if os.path.isdir(base):
            namespace.append(base)
    return None, namespace or None


def watch(script, reads):
    """From now on, importing a file that is neither found by `imported_by` nor read as declared fails."""
    watching = _Watch(script, reads)
    for name, module in list(sys.modules.items()):
        watching.check(name, getattr(module, "__file__", None))
    sys.meta_path.insert(0, watching)


class _Watch:
    def __init__(self, script, reads):
        self._script = script
        self._reads = reads
        self._known = None

    def find_spec(self, name, path=None, target=None):
        spec = machinery.PathFinder.find_spec(name, path, target)
        self.check(name, spec and spec.origin)
        return None  # The others import it.

    def check(self, name, file):
        if not file or not _is_own(file):
            return
        if self._known is None:
            files = [self._script, *self._reads, *imported_by(self._script)]
            self._known = {os.path.realpath(one) for one in files}
        if os.path.realpath(file) not in self._known:
            raise UntrackedModule(f"{name} is imported from {file}")


if __name__ == "__main__":
    print(json.dumps(imported_by(sys.argv[1])))
