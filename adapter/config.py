"""Every setting, typed, from `HANDOFF_*` environment variables and nowhere else; documented in docs/configuration.md.

Read once, at the roof: `read_settings()`. Rooms below are given the values they need, never the environment.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from adapter.database_address import in_effect
from adapter.domain.partner import Partner

PREFIX: Final = "HANDOFF_"
MIN_SECRET_BYTES: Final = 32
DEMO_SECRET_FILE: Final = "demo-signing-secret"
DEMO_KEYS_FOLDER: Final = "demo-keys"
DEMO_KEY_MARK: Final = "handoff_demo"
"""A member of every demo JWK, private and public, so that production knows one when it meets it."""


_OWN_NETWORKS: Final = tuple(
    ipaddress.ip_network(network) for network in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "::/127", "fe80::/10")
)
"""This host, and the link where clouds keep their credentials service."""


class InvalidSettings(Exception):
    """A setting that cannot be understood, or that production must not start with; `problems` names every one."""

    def __init__(self, problems: list[str]):
        self.problems = tuple(problems)
        super().__init__("\n".join(["the settings are refused:", *(f"- {problem}" for problem in problems)]))


class Settings(BaseSettings):
    """One attribute per setting; `base_url` is `HANDOFF_BASE_URL`. Sizes are in bytes, durations in seconds."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    mode: Literal["demo", "production"] = "demo"
    database_url: SecretStr | None = None
    data_dir: Path = Path("./var")
    base_url: str = "http://127.0.0.1:8080"
    secret: SecretStr | None = None

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    """Without it one for each core, and eight at most: each holds database connections."""
    threads: int = Field(4, ge=1, le=256)
    delivery_workers: int = Field(4, ge=1, le=64)

    max_body_bytes: int = Field(20 * 1024 * 1024, ge=1024)
    max_bundle_entries: int = Field(500, ge=1)

    client_rate: float = Field(500, ge=0, le=1_000_000)
    """Requests a second that an organisation may keep up, in each server process; 0 is no limit."""
    client_burst: int = Field(10_000, ge=1)
    """Requests that it may make at once after a while of quiet."""
    address_rate: float = Field(50, ge=0, le=1_000_000)
    """The same for each network address, of requests without a good access token."""
    address_burst: int = Field(500, ge=1)
    proxies: int = Field(0, ge=0, le=10)
    """Proxies in front of this server that each add the address they were called from to X-Forwarded-For."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may call this server from a browser."""

    audit_anchor_file: Path | None = None

    token_lifetime: int = Field(300, ge=10, le=300)
    """SMART Backend Services recommends five minutes at most, and there is no revocation list."""

    outbound_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()
    """Private networks that deliveries and key fetches may reach beside the public Internet (production only)."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("base_url")
    @classmethod
    def _is_an_http_address(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")) or "?" in url or "#" in url:
            raise ValueError("expected an http(s) address without query, as `https://handoff.example`")
        return url.rstrip("/").removesuffix("/fhir")

    @field_validator("outbound_networks", "cors_origins", mode="before")
    @classmethod
    def _is_a_comma_list(cls, networks: object) -> object:
        if not isinstance(networks, str):
            return networks
        return tuple(network.strip() for network in networks.split(",") if network.strip())

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            if (
                parts.scheme not in {"http", "https"}
                or not parts.netloc
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError("expected origins such as `https://app.example`, without path; never `*`")
        return origins

    @property
    def production(self) -> bool:
        return self.mode == "production"

    @property
    def fhir_url(self) -> str:
        """The FHIR base, no slash at the end."""
        return f"{self.base_url}/fhir"

    @property
    def token_url(self) -> str:
        """The token endpoint, and so the audience of every client assertion."""
        return f"{self.base_url}/oauth/token"

    @property
    def server_processes(self) -> int:
        return self.workers or min(os.cpu_count() or 1, 8)

    @property
    def clock_file(self) -> Path:
        """Where a demo keeps how far its clock is ahead."""
        return self.data_dir / "demo-clock"

    @property
    def audit_anchor(self) -> Path:
        """Where a worker keeps the newest hashes of the audit trail."""
        return self.audit_anchor_file or self.data_dir / "audit-anchor.json"

    @property
    def demo_keys(self) -> Path:
        """The folder of the demo partners' private keys."""
        return self.data_dir / DEMO_KEYS_FOLDER


def read_settings(**from_command_line: Any) -> Settings:
    """The settings of this process's environment; an argument that is not None wins over its variable.

    Raises InvalidSettings naming every variable that is unknown (a misspelt `HANDOFF_MOD=production` would otherwise
    start a demo) or cannot be understood. Values are never quoted: one may be a password.
    """
    unknown = sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX) and name.upper().removeprefix(PREFIX).lower() not in Settings.model_fields
    )
    problems = [f"{name}: expected a setting of docs/configuration.md, got an unknown one" for name in unknown]
    try:
        settings = Settings(**{name: value for name, value in from_command_line.items() if value is not None})
    except ValidationError as error:
        problems += [f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
        raise InvalidSettings(problems) from None
    if problems:
        raise InvalidSettings(problems)
    return settings


def signing_secret(settings: Settings) -> bytes:
    """The key that signs access tokens. A demo makes it once and keeps it in the data directory, for its owner only."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    if settings.production:
        raise InvalidSettings([f"{PREFIX}SECRET: expected a secret in production, got none"])
    return private_file(settings.data_dir / DEMO_SECRET_FILE, lambda: secrets.token_bytes(MIN_SECRET_BYTES))


def private_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`, made with mode 600 if absent. Processes that start together get the same content."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # fails, unlike a rename, when another process was first
        fresh.unlink()
    return path.read_bytes()


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the database says about itself and the role that we use; `storage.database_facts` asks it."""

    superuser: bool
    bypasses_row_security: bool
    synchronous_commit: str
    fsync: bool
    full_page_writes: bool


def refuse_insecure(
    settings: Settings, partners: Iterable[Partner] = (), database: DatabaseFacts | None = None
) -> None:
    """Raises InvalidSettings with every problem at once; call it again when partners or database are known.

    A demo may be insecure in every way but one: it listens on loopback only, since its keys lie in a folder.
    """
    if settings.production:
        problems = [*_setting_problems(settings), *_partner_problems(partners)]
        if database is not None:
            problems += _database_problems(database)
    else:
        problems = _demo_problems(settings)
    if problems:
        raise InvalidSettings(problems)


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, not resolved) is this machine and nobody else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _demo_problems(settings: Settings) -> list[str]:
    found = []
    if not is_loopback(settings.host):
        found.append(f"{PREFIX}HOST: expected a loopback address in demo mode, got `{settings.host}`")
    if not is_loopback(urlsplit(settings.base_url).hostname or ""):
        found.append(f"{PREFIX}BASE_URL: expected a loopback address in demo mode, got `{settings.base_url}`")
    return found


def _setting_problems(settings: Settings) -> list[str]:
    found = []
    if not settings.base_url.startswith("https://"):
        found.append(f"{PREFIX}BASE_URL: expected an https address (TLS is ended in front), got `{settings.base_url}`")
    if settings.database_url is None:
        found.append(f"{PREFIX}DATABASE_URL: expected a PostgreSQL server, got none (the embedded one is for demos)")
    else:
        found += _address_problems(settings.database_url.get_secret_value())
    secret = settings.secret.get_secret_value().encode() if settings.secret else b""
    if len(secret) < MIN_SECRET_BYTES or len(set(secret)) < 10:
        expected = f"a random secret of at least {MIN_SECRET_BYTES} bytes"
        found.append(f"{PREFIX}SECRET: expected {expected}, got {'a weak one' if secret else 'none'}")
    demo_files = [settings.demo_keys, settings.data_dir / DEMO_SECRET_FILE, settings.clock_file]
    found += [f"{PREFIX}DATA_DIR: expected no demo files, got `{path.name}`" for path in demo_files if path.exists()]
    found += [
        f"{PREFIX}OUTBOUND_NETWORKS: expected networks of partners, got `{network}`, which holds this host or all hosts"
        for network in settings.outbound_networks
        if any(network.overlaps(own) for own in _OWN_NETWORKS if network.version == own.version)
    ]
    found += [
        f"{PREFIX}CORS_ORIGINS: expected https origins, got `{origin}`"
        for origin in settings.cors_origins
        if not origin.startswith("https://")
    ]
    if settings.log_level == "debug":
        found.append(f"{PREFIX}LOG_LEVEL: expected info, warning or error, got debug (libraries log what they handle)")
    return found


def _address_problems(address: str) -> list[str]:
    """A name that is looked up when we connect may lead anywhere; only this machine needs no certificate."""
    try:
        used = in_effect(address)
    except ValueError as error:
        return [f"{PREFIX}DATABASE_URL: {error}"]
    hosts = [host for name in ("host", "hostaddr") for host in used.get(name, "").split(",") if host]
    local = all(host.startswith("/") or is_loopback(host) for host in hosts) and "service" not in used
    if local or used.get("sslmode") == "verify-full":
        return []
    return [f"{PREFIX}DATABASE_URL: expected `sslmode=verify-full` for a database on another host"]


def _partner_problems(partners: Iterable[Partner]) -> list[str]:
    found = []
    for partner in partners:
        if not partner.active:
            continue
        addresses = [channel.endpoint for channel in partner.channels] + (
            [partner.jwks_url] if partner.jwks_url else []
        )
        if any(address.startswith("http://") for address in addresses):
            found.append(f"partner {partner.id}: expected https endpoints, got http")
        if any(key.get(DEMO_KEY_MARK) for key in (partner.jwks or {}).get("keys", ())):
            found.append(f"partner {partner.id}: expected a key of its own, got a demo key")
    return found


def _database_problems(database: DatabaseFacts) -> list[str]:
    found = []
    if database.superuser:
        found.append("database role: expected an ordinary role, got a superuser (row-level security does not bind it)")
    if database.bypasses_row_security:
        found.append("database role: expected one that row-level security binds, got BYPASSRLS")
    if database.synchronous_commit == "off":
        found.append("database: expected synchronous_commit=on, got off (an acknowledged handoff could be lost)")
    if not database.fsync:
        found.append("database: expected fsync=on, got off (an acknowledged handoff could be lost)")
    if not database.full_page_writes:
        found.append("database: expected full_page_writes=on, got off")
    return found
