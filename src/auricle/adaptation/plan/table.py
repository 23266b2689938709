"""What the tables of a plan and the parts of an impact record have in common, and their JSON schemas."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Positive = Annotated[float, Field(strict=True, gt=0)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Margin = Annotated[float, Field(strict=True, gt=0, lt=1)]
Text = Annotated[str, Field(min_length=1)]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""SHA-256 in hex."""


class Table(BaseModel):
    """A table that is frozen, and that refuses what it doesn't know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )


def published(model: type[BaseModel], name: str) -> dict[str, Any]:
    """Give the JSON schema of a model without the parts of its descriptions that are for programmers."""
    schema = model.model_json_schema(by_alias=True)
    for part in (schema, *schema["$defs"].values()):
        if "description" in part:
            text = part["description"]
            for section in ("Examples", "References", "Parameters"):
                text = text.partition(f"\n\n{section}\n")[0]
            part["description"] = text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name, **schema}
