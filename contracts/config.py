"""Sources and companies: configuration as data, one YAML file each.

``config/sources/<source>.yaml`` says for which companies a source may speak;
``config/companies/<nip>.yaml`` says who a company is and how it logs in to KSeF. Secrets are named there,
never held.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.base import Nip, SourceName

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=512)]
SecretRef = Annotated[str, StringConstraints(pattern=r"^(file:.+|env:[A-Z][A-Z0-9_]*)$")]
"""Where a secret is: ``file:/run/secrets/ksef-5265877635`` or ``env:KSEF_TOKEN_5265877635``."""


class ConfigModel(BaseModel):
    """Written by people: an unknown key is a mistake, and is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceConfig(ConfigModel):
    """One ERP installation, or another place that documents come from."""

    source: SourceName
    description: Text | None = None
    companies: tuple[Nip, ...] = Field(min_length=1)
    """The companies (NIPs) it may speak for."""


class AddressConfig(ConfigModel):
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "PL"
    line1: Text
    line2: Text | None = None
    gln: Annotated[str, StringConstraints(pattern=r"^[0-9]{13}$")] | None = None


class TokenCredentialConfig(ConfigModel):
    """A KSeF token, as generated in the ministry's application or by the API."""

    token: SecretRef


class ContextConfig(ConfigModel):
    """What KSeF authenticates: sessions, limits and tokens are per context."""

    type: Literal["Nip"] = "Nip"
    value: Nip
    credential: TokenCredentialConfig


class CompanyConfig(ConfigModel):
    """A company that issues invoices. Name and address complete documents that carry only its NIP."""

    nip: Nip
    name: Text
    address: AddressConfig
    context: ContextConfig
