"""`auricle schema`: the contract of `--json`."""

from auricle.cli.terminal import print_json


def schema() -> int:
    """Print the JSON schema of a finding."""
    from auricle.finding import json_schema

    print_json(json_schema())
    return 0
