"""`auricle schema`: the contract of what auricle writes as JSON, and of the plan that it reads."""

from typing import Literal

from auricle.cli.terminal import print_json


def schema(name: Literal["finding", "plan", "impact"] = "finding", /) -> int:
    """Print the JSON schema of a finding, a plan or an impact record.

    Parameters
    ----------
    name
        finding: a line of `predict --json`; plan: the change-control plan of `adapt --plan`; impact: the record of an
        attempt to adapt.
    """
    if name == "plan":
        from auricle.adaptation.plan import plan_schema

        print_json(plan_schema())
    elif name == "impact":
        from auricle.adaptation.impact import impact_schema

        print_json(impact_schema())
    else:
        from auricle.finding import json_schema

        print_json(json_schema())
    return 0
