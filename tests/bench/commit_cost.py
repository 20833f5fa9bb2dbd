"""What committing a 10-resource write set costs, beside one row with the same bytes; same server, pool, durability.

.venv/bin/python -m tests.bench.commit_cost [--seconds 3] [--threads 1 2 4 8]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from adapter.domain.handoff import Handoff, LedgerEvent, NextAction
from adapter.storage import EmbeddedPostgres, PostgresStore, open_store, upgrade
from adapter.storage.connections import driver_of, open_engine
from adapter.storage.roles import WRITER
from adapter.use_cases.ports import (
    Answer,
    Deadline,
    NewVersion,
    Notification,
    RequestRecord,
    ResourceKey,
    Tree,
    WriteSet,
)
from mappings.json_codec import encode

INITIATOR, RECIPIENT = "mobile-crisis", "outpatient-clinic"
ROUNDS = 3


def trees(n: int) -> list[Tree]:
    """The ten resources of a crisis referral, about 10 kB of JSON."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    id = {type: f"{type.lower()}-{uuid4()}" for type in _TYPES}
    meta = {"versionId": "1", "lastUpdated": now, "profile": ["https://handoff.example/fhir/StructureDefinition/x"]}
    patient, task = {"reference": f"Patient/{id['Patient']}"}, {"reference": f"Task/{id['Task']}"}
    request = {"reference": f"ServiceRequest/{id['ServiceRequest']}"}
    here, there = {"reference": f"Organization/{INITIATOR}"}, {"reference": f"Organization/{RECIPIENT}"}
    note = [{"text": "Agreed with the person and their family what happens next and who will be in touch. " * 4}]
    loinc = {"coding": [{"system": "http://loinc.org", "code": "57133-1", "display": "Referral note"}]}
    bodies: dict[str, Tree] = {
        "Patient": {
            "identifier": [{"system": "urn:oid:1.2.36.146", "value": f"MRN-{n}-{uuid4()}"}],
            "name": [{"family": f"Example{n}", "given": ["Eva", "Maria"]}],
            "telecom": [{"system": "phone", "value": f"+1555{n:07}"}],
            "gender": "female",
            "birthDate": "1990-05-04",
            "address": [{"line": ["1 Main Street"], "city": "Springfield", "postalCode": "12345", "country": "US"}],
        },
        "Organization": {"identifier": [{"system": "urn:npi", "value": f"{n}"}], "name": "A clinic", "active": True},
        "PractitionerRole": {"active": True, "organization": here, "code": [loinc], "specialty": [loinc]},
        "ServiceRequest": {
            "identifier": [{"system": "urn:placer", "value": f"{n}-{uuid4()}"}],
            "status": "active",
            "intent": "order",
            "priority": "urgent",
            "code": loinc,
            "subject": patient,
            "authoredOn": now,
            "requester": here,
            "performer": [there],
            "note": note,
        },
        "Task": {
            "identifier": [{"system": "urn:task", "value": f"{n}-{uuid4()}"}],
            "status": "requested",
            "intent": "order",
            "priority": "urgent",
            "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
            "focus": request,
            "for": patient,
            "authoredOn": now,
            "lastModified": now,
            "requester": here,
            "owner": there,
            "input": [{"type": loinc, "valueString": "urgent"} for _ in range(4)],
        },
        "CarePlan": {"status": "active", "intent": "plan", "subject": patient, "category": [loinc], "note": note},
        "Communication": {
            "status": "completed",
            "subject": patient,
            "about": [task],
            "sent": now,
            "medium": [loinc],
            "sender": here,
            "recipient": [there],
            "payload": [{"contentString": note[0]["text"]}],
        },
        "Consent": {
            "status": "active",
            "scope": loinc,
            "category": [loinc],
            "patient": patient,
            "dateTime": now,
            "organization": [here],
        },
        "RiskAssessment": {
            "status": "final",
            "subject": patient,
            "occurrenceDateTime": now,
            "basis": [request],
            "prediction": [{"qualitativeRisk": loinc}],
        },
        "Provenance": {"target": [task, request, patient], "recorded": now, "agent": [{"who": here}]},
    }
    return [{"resourceType": type, "id": id[type], "meta": meta, **body} for type, body in bodies.items()]


_TYPES = (
    *("Patient", "Organization", "PractitionerRole", "ServiceRequest", "Task", "CarePlan"),
    *("Communication", "Consent", "RiskAssessment", "Provenance"),
)


def write_set(n: int) -> WriteSet:
    now = datetime.now(UTC)
    new = trees(n)
    task = next(tree["id"] for tree in new if tree["resourceType"] == "Task")
    change = WriteSet(INITIATOR)
    change.resources = [
        NewVersion(ResourceKey(t["resourceType"], t["id"]), 1, INITIATOR, now, encode(t), t, (task,)) for t in new
    ]
    due = now + timedelta(hours=24)
    change.handoffs.append(
        Handoff(
            *(task, "requested", INITIATOR, RECIPIENT, "mobile-crisis-to-outpatient", "Patient/p", "ServiceRequest/s"),
            *(now, now, INITIATOR, NextAction("accept", RECIPIENT, due)),
            risk_tier="moderate",
            acceptance_deadline=due,
            correlation=(f"urn:uuid:{uuid4()}",),
        )
    )
    change.events += [
        LedgerEvent(task, kind, INITIATOR, now, now, None, "requested", {"pathway": "mobile-crisis-to-outpatient"})
        for kind in ("handoff:requested", "gate:met")
    ]
    change.deadlines.append(Deadline(task, "acceptance", due))
    change.notifications.append(Notification(RECIPIENT, task, "handoff:requested", ResourceKey("Task", task)))
    answer = Answer(
        200, {"Content-Type": "application/fhir+json"}, encode({"resourceType": "Bundle", "entry": []}) * 20
    )
    change.requests.append(RequestRecord(INITIATOR, str(uuid4()), b"h" * 32, answer))
    return change


def one_row(store: PostgresStore, bodies: bytes) -> None:
    with driver_of(store._engine) as driver:
        driver.run("INSERT INTO floor (body) VALUES ($1)", bodies)


def measure(work: Callable[[], None], seconds: float, threads: int) -> tuple[float, float, float]:
    """Commits per second, median wall ms of one, client CPU ms of one."""
    walls: list[float] = []
    stop = time.perf_counter() + seconds
    cpu = time.process_time()

    def run() -> None:
        while (start := time.perf_counter()) < stop:
            work()
            walls.append(time.perf_counter() - start)

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    cpu = time.process_time() - cpu
    return len(walls) / seconds, statistics.median(walls) * 1e3, cpu / len(walls) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--sets", type=int, default=4000)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as directory:
        Path(directory).chmod(0o711)
        with EmbeddedPostgres(Path(directory)) as postgres:
            upgrade(postgres.url())
            store = open_store(postgres.url())
            with driver_of(open_engine(postgres.url(), 1)) as driver:
                driver.run("CREATE TABLE floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea)")
                driver.run(f"GRANT INSERT ON floor TO {WRITER}")
            numbers = itertools.count()
            bodies = b"".join(encode(tree) for tree in trees(0))
            print(f"{len(bodies)} bytes of JSON in {len(_TYPES)} resources")
            print(f"{'threads':>8} {'':>10} {'commits/s':>10} {'wall ms':>8} {'client CPU ms':>14}")
            for threads in options.threads:
                for name in ["one row", "write set"] * ROUNDS:
                    ready = iter([write_set(next(numbers)) for _ in range(options.sets)] if name == "write set" else ())
                    work = (
                        (lambda: one_row(store, bodies))
                        if name == "one row"
                        else (lambda ready=ready: store.commit(next(ready)))
                    )
                    rate, wall, cpu = measure(work, options.seconds, threads)
                    print(f"{threads:>8} {name:>10} {rate:>10.0f} {wall:>8.2f} {cpu:>14.2f}")
            store.close()


if __name__ == "__main__":
    main()
