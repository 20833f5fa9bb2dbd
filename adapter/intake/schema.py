"""What a system without FHIR sends: a handoff, and an answer to one. The OpenAPI is drawn from these schemas.

Times are ISO 8601 with their zone. Organisations are partner ids. What a fact means is told in docs/pathways.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from adapter.domain.business_status import REASONS
from adapter.domain.facts import ACCESS_NEEDS, COVERAGES, HANDOFF_METHODS, RISK_TIERS
from adapter.domain.task_status import STATUSES
from mappings.plain_additions import CONFIDENTIAL, CONSENT_PURPOSES, DOCUMENT_KINDS
from mappings.plain_handoff import GENDERS, PRIORITIES
from mappings.plain_resources import MEDIA

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
_MEDIA_TYPE: Final = validate.And(
    validate.Length(max=200),
    validate.Regexp(r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+\Z", error="Not a media type."),
)
_BASE64: Final = validate.Regexp(
    r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)\Z", error="Not base64."
)
_ID: Final = validate.Regexp(r"^[A-Za-z0-9\-.]{1,64}\Z", error="Not an id of letters, digits, `-` and `.`.")


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


class DocumentSchema(Strict):
    """A document that goes with the handoff; the other side gets it as the file that it is."""

    kind = code(DOCUMENT_KINDS, required=True, about="`discharge-instructions` carry the appointment that is booked")
    title = text(required=True)
    content_type = fields.String(required=True, validate=[_MEDIA_TYPE], metadata={"description": "application/pdf, …"})
    content = fields.String(required=True, validate=[_BASE64], metadata={"description": "the file in base64"})
    written = time(required=True, about="when it was made")
    confidentiality = list_of(code(CONFIDENTIAL))


class ConsentSchema(Strict):
    """What the person signed, by all that 42 CFR 2.31(a) asks for; what is not said permits nothing."""

    about = code(CONFIDENTIAL, required=True, about="which records; counseling notes need a consent of their own")
    recipients = fields.List(
        fields.String(validate=[_ID]),
        required=True,
        validate=validate.Length(min=1, max=50),
        metadata={"description": "partner ids of those to whom the records may go"},
    )
    purpose = code(CONSENT_PURPOSES, required=True)
    signed = fields.Date(required=True)
    until = fields.Date(metadata={"description": "the last day; without one, until it is taken back"})
    number = fields.Nested(IdentifierSchema, metadata={"description": "your own number of the form"})

    @validates_schema
    def _lasts(self, data: Mapping[str, Any], **_: Any) -> None:
        if "until" in data and data["until"] < data["signed"]:
            raise ValidationError("expected a day that is not before `signed`, got an earlier one", "until")


class PersonnelSchema(ContactSchema):
    """Medical personnel, with the facility that they belong to."""

    organization = fields.String(required=True, validate=[_ID], metadata={"description": "partner id"})


class EmergencySchema(Strict):
    """A disclosure without consent in a medical emergency, as 42 CFR 2.51(c) has it documented; it opens the records of
    this organisation for 24 hours."""

    nature = text(required=True, about="of the emergency")
    to = fields.Nested(PersonnelSchema, required=True)
    by = fields.Nested(ContactSchema, required=True, metadata={"description": "who discloses"})
    at = time(required=True)


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
    documents = list_of(fields.Nested(DocumentSchema))
    confidentiality = list_of(
        code(CONFIDENTIAL, about="what of it 42 CFR Part 2 restricts: all of it then needs a consent")
    )
    consents = list_of(fields.Nested(ConsentSchema))
    emergency = fields.Nested(EmergencySchema)


class AttemptSchema(Strict):
    """An attempt to reach the other side, or the person. A voicemail has reached nobody."""

    at = time(required=True)
    by = code(MEDIA, required=True)
    whom = code({"other-side", "person"}, required=True)
    reached = fields.Boolean(required=True, truthy={True}, falsy={False})
    reason = code(REASONS, about="needed when nobody was reached")
    three_way = fields.Boolean(
        truthy={True}, falsy={False}, metadata={"description": "the person took part in a talk with the other side"}
    )
    text = text()

    @validates_schema
    def _has_reason(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("reached") is False and "reason" not in data:
            raise ValidationError("Missing data for required field.", "reason")


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


class BookingSchema(AppointmentSchema):
    """The first appointment by itself."""

    clinician = fields.Nested(ContactSchema, metadata={"description": "who holds it; what is confirmed names somebody"})


class AnswerSchema(Strict):
    """A step of the lifecycle, with all that it needs."""

    status = code(STATUSES, required=True)
    reason = text(about="of a rejection, failure, cancellation or pause")
    reason_code = code(REASONS, about="the same as a code")
    clinician = fields.Nested(ContactSchema, metadata={"description": "your named clinician"})
    follow_up_owner = fields.Nested(ContactSchema)
    risk_acknowledged = text(about="the risk, read back in your own words")
    responsibilities = list_of(text())
    same_day_outreach = time()
    live_contact = fields.Nested(LiveContactSchema)
    appointment = fields.Nested(AppointmentSchema)
    telehealth_instructions = text()
    person_has_appointment = text(about="how the person confirmed that they have the appointment")
