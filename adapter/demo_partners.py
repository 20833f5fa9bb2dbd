"""The ten partners of the demo, and their private keys: made on first use, in the data directory, for its owner only.

A production server refuses both (`config.refuse_insecure`): the keys carry a mark that is registered with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.jwk import ECKey

from adapter.config import DEMO_KEY_MARK, private_file
from adapter.delivery import CHANNELS
from adapter.domain.errors import NotFound
from adapter.domain.partner import Channel, Partner
from adapter.partners import from_file
from adapter.use_cases.ports import Store
from adapter.use_cases.register_partner import EditableRegister, register_partners
from mappings.dialects import DIALECTS
from mappings.json_codec import decode

DEMO_PARTNERS: Final = (
    "mobile-crisis",
    "crisis-stabilization",
    "outpatient-clinic",
    "case-management",
    "ob-clinic",
    "pediatric-clinic",
    "maternity-hospital",
    "iop-program",
    "perinatal-clinic",
    "hie-router",
)


def demo_partners() -> list[Partner]:
    """As in `sample_bundles/partners/`, without keys."""
    folder = files("sample_bundles") / "partners"
    return [from_file(decode((folder / f"{id}.json").read_bytes())) for id in DEMO_PARTNERS]


def demo_ports() -> dict[str, int]:
    """The loopback port at which each demo partner listens unless told otherwise."""
    return {partner.id: urlsplit(partner.channels[0].endpoint).port or 0 for partner in demo_partners()}


def demo_key(keys_folder: Path, partner_id: str, *, make: bool = True) -> dict[str, Any]:
    """The private JWK (ES384) of a demo partner, made if absent. Raises NotFound for any other partner, and without
    `make` for a key that is not there: one that is made now is registered nowhere."""
    if partner_id not in DEMO_PARTNERS:
        raise NotFound(f"expected a demo partner ({', '.join(DEMO_PARTNERS)}), got another")
    file = keys_folder / f"{partner_id}.json"
    if not make and not file.is_file():
        where = "HANDOFF_DATA_DIR has to be that of the server, and the server one with demo partners"
        raise NotFound(f"expected the key of {partner_id} in `{file.absolute()}`, got none: {where}")

    def fresh() -> bytes:
        marks = {"alg": "ES384", "use": "sig", DEMO_KEY_MARK: True}
        key = ECKey.generate_key("P-384", private=True).as_dict(private=True)
        key["kid"] = f"demo-{ECKey.import_key(key).thumbprint()[:16]}"
        return json.dumps({**key, **marks}, indent=1).encode()

    keys_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key: dict[str, Any] = json.loads(private_file(file, fresh))
    return key


def ensure_demo_partners(
    store: Store,
    register: EditableRegister,
    keys_folder: Path,
    now: datetime,
    ports: Mapping[str, int] | None = None,
) -> None:
    """Register the demo partners with their public keys, or bring them up to date; who was disabled stays disabled.

    `ports`: where simulated partners listen on loopback (`demo_ports()` unless given).
    """
    known = register.directory()
    wanted = []
    for partner in demo_partners():
        private = demo_key(keys_folder, partner.id)
        public = {name: value for name, value in private.items() if name != "d"}
        before = known.get(partner.id)
        partner = replace(partner, jwks={"keys": [public]}, active=before is None or before.active)
        if ports is not None and partner.id in ports:
            partner = replace(partner, channels=tuple(_at(c, ports[partner.id]) for c in partner.channels))
        wanted.append(partner)
    register_partners(store, register, wanted, now, channel_types=CHANNELS, dialects=DIALECTS)


def _at(channel: Channel, port: int) -> Channel:
    return replace(channel, endpoint=urlsplit(channel.endpoint)._replace(netloc=f"127.0.0.1:{port}").geturl())
