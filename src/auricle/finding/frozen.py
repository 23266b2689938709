"""What all parts of a finding have in common."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An object that can't be changed and takes no unknown field and no NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True, use_attribute_docstrings=True
    )
