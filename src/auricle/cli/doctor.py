"""`auricle doctor`: the state of the installation."""

from auricle.cli.options import Json
from auricle.cli.terminal import plain, print_json


def doctor(*, json: Json = False) -> int:
    """Say what is installed, what is missing, and how to get it."""
    from auricle.doctor import examine

    found = examine()
    if json:
        print_json(found)
    else:
        print(f"auricle {found['auricle']}, Python {found['python']}, {found['machine']}")
        for check in found["checks"]:
            advice = f"  {check['advice']}" if check["advice"] else ""
            print(plain(f"{check['state']:<9} {check['what']}{advice}"))
    return 0 if found["ok"] else 1
