"""Commands by convention: the file `name.py` of a package holds the function, or the group of commands, `name`."""

from collections.abc import Iterable
from importlib import import_module

from cyclopts import App


def add_commands(app: App, package: str, names: Iterable[str]) -> None:
    """Add the commands of a package to an app.

    Examples
    --------
    >>> app = App(name="auricle")
    >>> add_commands(app, "auricle.cli", ["schema"])
    >>> app["schema"].help.splitlines()[0]
    'Print the JSON schema of a finding, a plan or an impact record.'
    """
    for name in names:
        app.command(getattr(import_module(f"{package}.{name}"), name), name=name)
