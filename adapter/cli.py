"""`handoff`: the adapter from the command line. Each command says what it does with `--help`."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import rich_click as click

from adapter.command_house import HttpAddress, house_of, settings_with, telling_refusals
from adapter.domain.errors import HandoffError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="handoff-adapter", message="%(prog)s %(version)s")
def main() -> None:
    """A FHIR R4 adapter for warm handoffs between organisations."""


@main.command()
@click.option("--host", help="Address to listen on (HANDOFF_HOST).")
@click.option("--port", type=int, help="Port to listen on (HANDOFF_PORT).")
@click.option("--demo", is_flag=True, help="Register the demo partners and make their keys.")
@click.option("--workers", type=int, help="Web server processes (HANDOFF_WORKERS).")
@click.option("--no-worker", is_flag=True, help="Do not run `handoff worker` beside the web server.")
@click.option("--partner-ports", help="JSON of demo partner id → loopback port at which it listens.")
def serve(
    host: str | None, port: int | None, demo: bool, workers: int | None, no_worker: bool, partner_ports: str | None
) -> None:
    """Serve the FHIR face, with a worker for deliveries and deadlines."""
    from adapter.serving import serve as run

    settings = settings_with(host=host, port=port, workers=workers)
    if port is not None and "base_url" not in settings.model_fields_set:
        settings = settings_with(host=host, port=port, workers=workers, base_url=f"http://{settings.host}:{port}")
    if demo and settings.production:
        raise click.UsageError("expected HANDOFF_MODE=demo with --demo: production has no demo partners")
    demo_ports = None if partner_ports is None else _ports(partner_ports)
    with telling_refusals():
        run(settings, with_worker=not no_worker, demo=demo, demo_ports=demo_ports)


def _ports(told: str) -> dict[str, int]:
    try:
        ports = json.loads(told)
        return {str(partner): int(port) for partner, port in ports.items()}
    except (ValueError, AttributeError, TypeError):
        raise click.UsageError("expected --partner-ports as JSON, such as '{\"ob-clinic\": 9105}'") from None


@main.command()
@click.option("--started-by-serve", is_flag=True, hidden=True, help="End when the process that started this one ends.")
def worker(started_by_serve: bool) -> None:
    """Deliver notifications and watch deadlines until stopped; any number may run, on any number of hosts."""
    from adapter.logs import configure_logs
    from adapter.processes import die_with_parent
    from adapter.worker import make_worker, run_worker

    if started_by_serve:
        die_with_parent()
    settings = settings_with()
    configure_logs(settings.log_level)
    with house_of(settings, connections=settings.delivery_workers + 4, new=True) as house:
        made = make_worker(
            house.world,
            house.store,
            house.database_url,
            production=settings.production,
            networks=settings.outbound_networks,
            concurrency=settings.delivery_workers,
            anchor_file=settings.audit_anchor,
        )
        run_worker(made)


@main.command()
def demo() -> None:
    """Play every scenario of sample_bundles between simulated partners; exit 0 only if every expectation held."""
    from adapter.testkit.demo import play_demo

    sys.exit(play_demo(settings_with()))


@main.command()
@click.argument("partner")
@click.option("--base-url", type=HttpAddress(), help="Server to ask (HANDOFF_BASE_URL).")
def token(partner: str, base_url: str | None) -> None:
    """Print an access token of a demo PARTNER, obtained with its demo key from a running server.

    The key is in HANDOFF_DATA_DIR, where `handoff serve --demo` made it."""
    from adapter.demo_partners import demo_key
    from adapter.smart_client import TokenRefused, obtain_token

    settings = settings_with(base_url=base_url)
    with telling_refusals():
        key = demo_key(settings.demo_keys, partner, make=False)
        try:
            click.echo(obtain_token(settings.base_url, partner, key))
        except TokenRefused as refused:
            hint = f"is `{settings.data_dir.resolve()}` (HANDOFF_DATA_DIR) the data directory of that server?"
            raise TokenRefused(f"{refused}\n{hint}") from None


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--base-url", type=HttpAddress(), help="FHIR server to play against (HANDOFF_BASE_URL).")
@click.option("--junit", type=click.Path(path_type=Path), help="Write a JUnit report here.")
def replay(paths: tuple[Path, ...], base_url: str | None, junit: Path | None) -> None:
    """Play the scenarios at PATHS against this or any other FHIR server.

    Exit code 0: every expectation held; 1: one did not; 2: a script cannot be played as it is written."""
    from adapter.demo_partners import demo_ports
    from adapter.testkit.replay import replay as play

    settings = settings_with()
    with telling_refusals():
        address = base_url or settings.base_url
        sys.exit(play(paths, address, junit, keys=settings.demo_keys, partner_ports=demo_ports()))


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def validate(files: tuple[Path, ...]) -> None:
    """Print the structural and profile issues of each of FILES; exit 1 when any is an error."""
    from adapter.validation import check, decode_resource

    bad = False
    for file in files:
        try:
            issues = check(decode_resource(file.read_bytes(), max_bytes=1 << 30))
        except HandoffError as refusal:
            issues = list(refusal.issues)
        for issue in issues:
            bad = bad or issue.severity in {"error", "fatal"}
            click.echo(f"{file}: {issue.severity} {issue.code} at {issue.expression or 'the body'}: {issue.text}")
        if not issues:
            click.echo(f"{file}: ok")
    sys.exit(1 if bad else 0)


@main.group()
def pathways() -> None:
    """The pathways and what each demands."""


@pathways.command("list")
def list_pathways() -> None:
    """Print the name and title of every pathway."""
    from adapter.pathways import load_pathways

    for pathway in load_pathways().values():
        click.echo(f"{pathway.name:<32}{pathway.title}")


@pathways.command("show")
@click.argument("name")
@click.option("--fhir", is_flag=True, help="As the PlanDefinition that partners read.")
@click.option("--file", "as_file", is_flag=True, help="The file itself, as it is written and reviewed.")
def show_pathway(name: str, fhir: bool, as_file: bool) -> None:
    """Print what pathway NAME demands, in words."""
    from importlib.resources import files

    from adapter.domain.pathway_text import describe
    from adapter.pathways import load_pathways
    from mappings import plan_definition

    pathway = load_pathways().get(name)
    if pathway is None:
        raise click.ClickException(f"expected a pathway of `handoff pathways list`, got `{name}`")
    if as_file:
        click.echo((files("profiles") / "pathways" / f"{name}.yaml").read_text(encoding="utf-8"))
    elif fhir:
        click.echo(json.dumps(plan_definition.to_fhir(pathway)[0], indent=2, ensure_ascii=False))
    else:
        click.echo(describe(pathway))


@main.group()
def partners() -> None:
    """The register of organisations that may send and receive."""


@partners.command("list")
def list_partners() -> None:
    """Print id, dialect, channels and name of every partner."""
    with house_of(settings_with()) as house:
        for partner in house.register.directory():
            state = "" if partner.active else " (disabled)"
            channels = ",".join(channel.type for channel in partner.channels) or "none"
            click.echo(f"{partner.id:<24}{partner.dialect:<8}{channels:<12}{partner.name}{state}")


@partners.command("show")
@click.argument("partner")
def show_partner(partner: str) -> None:
    """Print the register entry of PARTNER, as `partners add` would read it, without secrets."""
    from adapter.partners import shown

    with house_of(settings_with()) as house:
        found = house.register.directory().get(partner)
        if found is None:
            raise click.ClickException(f"expected a registered partner, got `{partner}`")
        click.echo(json.dumps(shown(found), indent=2))


@partners.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add_partner(file: Path) -> None:
    """Add or replace the partner (or partners) described in FILE; see docs/partners.md."""
    from adapter.delivery import CHANNELS
    from adapter.partners import read_partner_files
    from adapter.use_cases.register_partner import register_partners
    from mappings.dialects import DIALECTS

    with house_of(settings_with(), new=True) as house:
        added = read_partner_files(file)
        now = house.clock.now()
        register_partners(house.store, house.register, added, now, channel_types=CHANNELS, dialects=DIALECTS)
        for partner in added:
            click.echo(f"registered {partner.id}")


@partners.command("disable")
@click.argument("partner")
def disable(partner: str) -> None:
    """Disable PARTNER: its tokens stop working within two seconds, nothing more is sent to it."""
    from adapter.use_cases.register_partner import disable_partner

    with house_of(settings_with()) as house:
        disable_partner(house.store, house.register, partner, house.clock.now())
        click.echo(f"disabled {partner}")


@main.command()
@click.option("--measure", help="Only this measure; docs/measures.md names them all.")
@click.option("--by", "stratifier", help="Split by pathway, initiator, recipient, coverage, access-need, language, ….")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day, in UTC; 90 days ago unless given.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day, in UTC; today unless given.")
@click.option("--partner", help="Only handoffs of which this partner is a side.")
def report(
    measure: str | None, stratifier: str | None, first: datetime | None, last: datetime | None, partner: str | None
) -> None:
    """Print how handoffs go, over all organisations or for one; numbers below 5 are withheld."""
    from adapter.domain.measures import MEASURES
    from adapter.measure_table import lines
    from adapter.use_cases.report_measures import Period, report_measures

    if measure is not None and measure not in MEASURES:
        raise click.UsageError(f"expected a measure of {', '.join(MEASURES)}, got `{measure}`")
    with house_of(settings_with()) as house:
        now = house.clock.now()
        if partner is not None and house.register.directory().get(partner) is None:
            raise click.ClickException(f"expected a registered partner, got `{partner}`")
        reader = house.store.reader(partner) if partner else house.store.system_reader()
        day = (last or now).date()
        period = Period(first.date() if first else day - timedelta(days=90), day)
        wanted = [measure] if measure else list(MEASURES)
        scores = report_measures(reader, wanted, period, [stratifier] if stratifier else (), now, most=200_000)
        click.echo(f"handoffs requested from {period.first} to {period.last}")
        for line in lines(scores):
            click.echo(line)


@main.group()
def deliveries() -> None:
    """What is still to be told to whom."""


@deliveries.command("list")
@click.option("--subscriber", help="Only lanes of this partner or Subscription.")
@click.option("--handoff", help="Only lanes of this handoff.")
def list_deliveries(subscriber: str | None, handoff: str | None) -> None:
    """Print every lane (subscriber × handoff) that has something waiting, and every created Subscription in error.

    A subscriber is a partner, or the id of a Subscription that one created."""
    from adapter.storage.lanes import LaneStore
    from adapter.storage.subscriptions import SubscriptionStore

    with house_of(settings_with()) as house:
        lanes = list(LaneStore(house.store.engine).listing(subscriber=subscriber, handoff=handoff))
        for lane in lanes:
            click.echo(
                f"{lane.lane}  {lane.state}  waiting {lane.waiting} since {lane.oldest.isoformat(timespec='seconds')}  "
                f"attempts {lane.attempts}  {lane.last_error or ''}"
            )
        for failed in () if handoff else SubscriptionStore(house.store.engine, house.world.base_url).in_error():
            if subscriber in {None, failed.id, failed.owner}:
                click.echo(f"Subscription/{failed.id}  error  of {failed.owner}, who has to ask again: {failed.error}")
    if not lanes:
        click.echo("nothing waits", err=True)


@deliveries.command("retry")
@click.option("--lane", help="Only this lane.")
@click.option("--subscriber", help="All lanes of this partner or Subscription.")
def retry(lane: str | None, subscriber: str | None) -> None:
    """Try parked and waiting lanes again now."""
    from adapter.storage.lanes import LaneStore

    if (lane is None) == (subscriber is None):
        raise click.UsageError("expected either --lane or --subscriber")
    with house_of(settings_with()) as house:
        tried = LaneStore(house.store.engine).retry(lane=lane, subscriber=subscriber)
        for queued in tried:
            click.echo(f"queued {queued}")
    if not tried:
        what = "a lane" if lane else "a subscriber"
        raise click.ClickException(f"expected {what} of `handoff deliveries list`, got one for which nothing waits")


@deliveries.command("park")
@click.argument("lane")
def park(lane: str) -> None:
    """Stop LANE until somebody retries it: nothing more is sent in it."""
    from adapter.storage.lanes import LaneStore
    from adapter.use_cases.deliver import park_lane

    with house_of(settings_with()) as house:
        if not park_lane(LaneStore(house.store.engine), lane, house.clock.now()):
            raise click.ClickException("expected a lane of `handoff deliveries list`, got one in which nothing waits")
        click.echo(f"parked {lane}")


@main.group()
def audit() -> None:
    """The trail of who wrote and read what."""


@audit.command("verify")
@click.option("--tenant", help="Only the trail of this partner.")
def verify_audit(tenant: str | None) -> None:
    """Compare every row of the audit trail and the ledger with its seal; exit 1 when something was changed or lost."""
    from adapter.storage.audit_anchor import read_anchor
    from adapter.storage.audit_chain import AuditChain

    settings = settings_with()
    with house_of(settings) as house:
        try:
            # Read first: what is sealed meanwhile is newer than what was anchored, never older.
            anchored = read_anchor(settings.audit_anchor)
        except ValueError as error:
            raise click.ClickException(str(error)) from None
        verified = AuditChain(house.store.engine).verify(anchored, tenant)
        compared = verified.rows or verified.waiting or verified.flaws
        if tenant is not None and not compared and house.register.directory().get(tenant) is None:
            raise click.ClickException(f"expected a registered partner or one with a trail, got `{tenant}`")
    click.echo(f"{verified.rows} rows are as they were sealed, {verified.waiting} wait for their seal")
    for flaw in verified.flaws:
        click.echo(f"{flaw.trail} of {flaw.tenant}, position {flaw.position}: {flaw.what}")
    if verified.rows and not anchored:
        click.echo(f"expected anchored hashes in {settings.audit_anchor}, got none: a cut end could not be seen")
    sys.exit(1 if verified.flaws or (verified.rows and not anchored) else 0)


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def upgrade_database() -> None:
    """Bring the schema up to this version; safe to run from several hosts at once."""
    with house_of(settings_with(), new=True):
        click.echo("the schema is up to date")


if __name__ == "__main__":
    main()
