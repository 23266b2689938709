"""The table [consult] of the user's configuration file: which server is asked if a command names none."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auricle.consult.endpoint import MOST_AT_ONCE
from auricle.errors import FormatError
from auricle.folder import first_fault
from auricle.toml import nearest, read_toml

PLACE = "AURICLE_CONFIG"


class ConsultSettings(BaseModel):
    """What [consult] may hold. A key never stands in a file: it comes from the environment.

    Examples
    --------
    >>> ConsultSettings(endpoint="http://localhost:11434/v1", model="qwen3-vl").most_at_once
    4
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    endpoint: str = ""
    """Base URL of an OpenAI-compatible server."""
    model: str = ""
    timeout: float = Field(default=120.0, gt=0, allow_inf_nan=False)
    """Longest time for one answer, in s."""
    most_at_once: int = Field(default=4, ge=1, le=MOST_AT_ONCE)
    """Requests under way at the same time."""
    most_tokens: int = Field(default=700, ge=50, le=1_000_000)
    """Longest answer."""


def configuration_path() -> Path:
    """Give where the file lies: $AURICLE_CONFIG, or auricle/config.toml in the user's folder for configuration."""
    if named := os.environ.get(PLACE):
        return Path(named)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "auricle" / "config.toml"


def consult_settings(path: Path | None = None) -> ConsultSettings:
    """Read the table [consult]; without a file, or without the table, everything is as it comes.

    Raises
    ------
    FormatError
        The file is no TOML; a key is unknown or of the wrong kind. A file that $AURICLE_CONFIG names must be there.
    """
    place = configuration_path() if path is None else path
    if path is None and not os.environ.get(PLACE) and not place.is_file():
        return ConsultSettings()
    table = read_toml(place, "configuration", hint="give a TOML file with a table [consult], or none").get(
        "consult", {}
    )
    try:
        return ConsultSettings.model_validate(table)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        if fault["type"] == "extra_forbidden":
            key = str(fault["loc"][-1])
            more = "; a key for the server comes from the environment alone" if "key" in key.lower() else ""
            known = nearest(key, ConsultSettings.model_fields)
            raise FormatError(f"the configuration {place}: [consult] has an unknown key {key}{known}{more}") from None
        raise FormatError(f"the configuration {place}: [consult]: {first_fault(error)}") from None
