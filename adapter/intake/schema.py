"""What a system without FHIR sends: a handoff, and an answer to one. The OpenAPI is drawn from these schemas.

Times are ISO 8601 with their zone. Organisations are partner ids. What a fact means is told in docs/pathways.md.
"""

from __future__ import annotations

from typing import Any, Final

from marshmallow import RAISE, Schema, fields, validate

from adapter.domain.facts import ACCESS_NEEDS, COVERAGES, HANDOFF_METHODS, RISK_TIERS
from adapter.domain.task_status import STATUSES
from mappings.plain_handoff import GENDERS, MEDIA, PRIORITIES

_PLAIN: Final = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]*"
_INK: Final = r"[^\s\x00-\x20\x7f-\xa0]"
"""Ink: white space to neither Python nor JSON Schema, of which each leaves out something."""
# What FHIR takes for a string, a uri and a code: something that can be seen, without control characters.
_TEXT: Final = validate.And(
    validate.Length(min=1, max=10_000), validate.Regexp(rf"^{_PLAIN}[^\x00-\x20]{_PLAIN}\Z", error="Not plain text.")
)
_URI: Final = validate.And(validate.Length(min=1, max=10_000), validate.Regexp(rf"^{_INK}+\Z", error="Not a URI."))
_CODE: Final = validate.And(
    validate.Length(min=1, max=100), validate.Regexp(rf"^{_INK}+( {_INK}+)*\Z", error="Not a code.")
)
_ID: Final = validate.Regexp(r"^[A-Za-z0-9\-.]{1,64}\Z", error="Not an id of letters, digits, - and .")


def text(*, required: bool = False, about: str = "") -> fields.String:
    return fields.String(required=required, validate=[_TEXT], metadata={"description": about} if about else {})


def time(*, required: bool = False, about: str = "") -> fields.AwareDateTime:
    return fields.AwareDateTime(required=required, metadata={"description": about} if about else {})


def code(values: Any, *, required: bool = False, about: str = "") -> fields.String:
    metadata = {"description": about} if about else {}
    return fields.String(required=required, validate=[validate.OneOf(sorted(values))], metadata=metadata)


def list_of(item: fields.Field[Any]) -> fields.List[Any]:
    return fields.List(item, validate=validate.Length(min=1, max=50))


class Strict(Schema):
    """A misspelt member is refused: what is not understood would be missing where it is needed."""

    class Meta:
        unknown = RAISE


class IdentifierSchema(Strict):
    system = fields.String(validate=[_URI], metadata={"description": "the namespace of the number, as a URI"})
    value = text(required=True)


class PersonSchema(Strict):
    """The person who is handed over."""

    identifier = fields.Nested(IdentifierSchema, required=True)
    family = text(required=True)
    given = list_of(text())
    birth_date = fields.Date()
    gender = code(GENDERS)
    phone = text()
    email = text()
    language = fields.String(validate=[_CODE], metadata={"description": "as in BCP 47: en, es, …"})


class ContactSchema(Strict):
    """Somebody with a name: a clinician, a backup, a supervisor."""

    name = text(required=True)
    role = text()
    phone = text()
    email = text()
    organization = fields.String(validate=[_ID], metadata={"description": "partner id; your own when absent"})


class RiskSchema(Strict):
    level = code(RISK_TIERS, required=True)
    notes = text()
    assessed_at = time()


class SafetyPlanSchema(Strict):
    summary = text(required=True)
    next_steps = list_of(text())


class VisitSchema(Strict):
    """The visit in which the person is handed over."""

    start = time()
    end = time(about="also when it is still to come: the time of discharge")


class ToldSchema(Strict):
    """What the person was told: who will contact them, when, what to do if things change."""

    at = time(required=True)
    by = code(MEDIA, required=True)
    text = text(required=True)


class BridgeSchema(Strict):
    at = time(required=True)
    who = text(required=True)


class FactsSchema(Strict):
    """The facts of the catalogue that have no home of their own above; each by its code."""

    class Meta(Strict.Meta):
        include: Final = {
            **{
                fact: text()
                for fact in (
                    "missed-appointment-barrier",
                    "housing-risk-summary",
                    "medication-access",
                    "transportation-plan",
                    "risk-concerns-transferred",
                    "immediate-resource",
                    "preferred-contact",
                    "questions-contact",
                )
            },
            "handoff-method": code(HANDOFF_METHODS),
            "submitted-in-presence": fields.Boolean(truthy={True}, falsy={False}),
            "coverage": code(COVERAGES),
            "access-needs": list_of(code(ACCESS_NEEDS)),
            "alternate-contact": fields.Nested(ContactSchema),
            "escalation-owner": fields.Nested(ContactSchema),
            "delegate": fields.Nested(ContactSchema),
            "bridge-contact": fields.Nested(BridgeSchema),
        }


class NewHandoffSchema(Strict):
    """A request to take a person over. What must be there depends on the pathway."""

    recipient = fields.String(required=True, validate=[_ID], metadata={"description": "partner id of the recipient"})
    person = fields.Nested(PersonSchema, required=True)
    reason = text(required=True)
    pathway = fields.String(validate=[_ID], metadata={"description": "`referral` when absent"})
    order_number = fields.Nested(IdentifierSchema, metadata={"description": "your own number of this request"})
    priority = code(PRIORITIES)
    sender = fields.Nested(ContactSchema, metadata={"description": "your clinician"})
    recipient_contact = fields.Nested(ContactSchema, metadata={"description": "whom to reach at the recipient"})
    visit = fields.Nested(VisitSchema)
    risk = fields.Nested(RiskSchema)
    safety_plan = fields.Nested(SafetyPlanSchema)
    person_informed = fields.Nested(ToldSchema)
    acceptance_deadline = time(about="by when the recipient must have accepted; else the pathway's rule decides")
    facts = fields.Nested(FactsSchema)


class LiveContactSchema(Strict):
    """A conversation with the other side, live; with `three_way` the person took part."""

    at = time(required=True)
    by = code({"phone", "video", "in-person"}, required=True)
    three_way = fields.Boolean(truthy={True}, falsy={False})
    text = text()


class AppointmentSchema(Strict):
    """The first appointment; sent again with another status, it is the same one."""

    start = time(required=True)
    end = time(required=True)
    status = code({"booked", "fulfilled", "noshow", "cancelled"}, required=True)
    place = text()


class AnswerSchema(Strict):
    """A step of the lifecycle, with all that it needs."""

    status = code(STATUSES, required=True)
    reason = text(about="of a rejection, failure, cancellation or pause")
    clinician = fields.Nested(ContactSchema, metadata={"description": "your named clinician"})
    follow_up_owner = fields.Nested(ContactSchema)
    risk_acknowledged = text(about="the risk, read back in your own words")
    responsibilities = list_of(text())
    same_day_outreach = time()
    live_contact = fields.Nested(LiveContactSchema)
    appointment = fields.Nested(AppointmentSchema)
    telehealth_instructions = text()
    person_has_appointment = text(about="how the person confirmed that they have the appointment")
