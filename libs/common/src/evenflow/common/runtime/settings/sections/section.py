"""What all sections of the settings share."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """What all sections share: frozen, no unknown keys, errors without the values of secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
