"""What a service may be told: each setting once, with its default and meaning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ENVIRONMENT: Final = "TWINMATCH_SERVICE"
"""The variable by which the command hands the settings to its worker processes, as JSON."""

VERSION: Final = "/v1"
"""What every path of the API begins with; health, the OpenAPI document and the pages have no version."""

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseModel):
    """How the service runs; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    profiles: Path | None = None
    """Folder or file of profiles; none: the bundled cities"""
    programme: tuple[str, ...] = ()
    """Programme files, or names of bundled ones"""
    text_model: str | None = None
    """auto, static, minilm, or a sentence-transformers model"""
    store: str = "twinmatch.sqlite"
    """Where jobs, keys and decisions are kept: a file, or postgresql://…"""
    host: str = "127.0.0.1"
    """Address to listen at"""
    port: int = Field(8080, ge=0, le=65535)
    """Port to listen at"""
    access: Literal["local", "keys", "keys, reading open"] = "local"
    """local: anyone who reaches this machine's loopback address is the coordinator; keys: a key is needed; keys, reading open: a key is needed for everything but reading"""
    hosts: tuple[str, ...] = ()
    """Names under which the service is reached"""
    https: bool = False
    """Reached by https, through a proxy that ends TLS"""
    origins: tuple[str, ...] = ()
    """Origins whose pages may read the API (CORS); none by default"""
    requests_a_minute: int = Field(1200, ge=1)
    """Requests of one key or address in a minute, at most"""
    heavy_a_minute: int = Field(60, ge=1)
    """Of those that compute for long, at most"""
    most_bytes: int = Field(1_000_000, ge=1000)
    """Bytes of a request, at most"""
    most_upload: int = Field(20_000_000, ge=1000)
    """Bytes of an uploaded workbook, at most"""
    jobs: int = Field(1, ge=0, le=32)
    """Proposals computed at once by one process"""
    metrics_open: bool = True
    """Whether /metrics asks for no key"""

    @model_validator(mode="after")
    def _local_is_local(self) -> Settings:
        if self.access == "local" and self.host not in LOOPBACK:
            raise ValueError(
                f"without keys the service listens at this machine only, not at {self.host!r}: "
                "make a key and ask for keys"
            )
        return self

    @property
    def names(self) -> frozenset[str]:
        """Return the host names that a request may be addressed to; empty where any may."""
        if self.hosts:
            return frozenset(self.hosts)
        return LOOPBACK | {"[::1]"} if self.access == "local" else frozenset()


def from_environment() -> Settings:
    """Return the settings that the command handed over; the defaults where there are none."""
    return Settings.model_validate_json(os.environ.get(ENVIRONMENT, "{}"))
