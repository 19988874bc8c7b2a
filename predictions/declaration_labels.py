"""What people call items, why, and who answers for what."""

from pydantic import Field

from predictions.declaration_parts import Flag, Part

KEY = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$"


class LabelSpec(Part):
    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1, max_length=100)
    positive: Flag = False
    description: str = ""


class ReasonCode(Part):
    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1, max_length=100)


class Owners(Part):
    data: str = ""
    model: str = ""
    monitoring: str = ""
    retraining: str = ""
    incident: str = ""
