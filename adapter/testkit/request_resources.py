"""What the initiator of a generated handoff sends: the person, the visit, the request, and each fact in its place."""

from __future__ import annotations

from collections.abc import Callable

from adapter.testkit import people
from adapter.testkit.elements import HL7, Tree, concept, fact, medium, reference
from adapter.testkit.making import SAFETY_PLAN, Maker, Resources
from mappings.canonicals import (
    CARE_PLAN_CATEGORY_SYSTEM,
    FHIR_TASK_CODE_SYSTEM,
    IDENTIFIER_TYPE_SYSTEM,
    PLAN_DEFINITION,
    RISK_TIER_SYSTEM,
)


class RequestMaker(Maker):
    def make(self) -> Resources:
        brings = self.brings
        self._phone = f"+1-555-555-{self.chance.randint(100, 199):04}"
        found: Resources = {"patient": self._patient()}
        if "visit-context" in brings and self._is_of_another():
            found["infant"] = self._infant()
        found["clinician"] = self.role(self.at.requester, self.at.sender)
        if "recipient-contact" not in self.without:
            found["recipient"] = self.role(self.at.owner, self.at.recipient)
        if "visit-context" not in self.without:
            found["visit"] = self._visit()
        if "current-risk-level" in brings:
            found["risk"] = self._risk()
        if brings & SAFETY_PLAN:
            found["plan"] = self._plan()
        if "alternate-contact" in brings:
            found["lead"] = self.role(self.at.owner, "Lead on call")
        if "escalation-owner" in brings:
            found["supervisor"] = self.role(self.at.requester, "Supervisor")
        if "delegate" in brings:
            found["delegate"] = self.role(self.at.requester, "Medical assistant")
        if "discharge-summary" in brings:
            found["summary"] = self._discharge_summary()
        found["request"] = self._service_request()
        found["task"] = self._task()
        if "person-informed" not in self.without:
            found["informed"] = self._to_person("FACE", -5, "Who will call, when, and what to do until then.")
        if "phone-confirmation" in brings:
            found["confirmation"] = self._to_person("WRITTEN", -2, None)
        return found

    def _is_of_another(self) -> bool:
        """Whether the visit is somebody else's, as the well-child visit of the infant is."""
        return any(gate.condition and "visit-of-another" in gate.condition.one_of for gate in self.pathway.gates)

    def _patient(self) -> Tree:
        first, last = (1985, 2006) if self.at.perinatal else (1950, 2006)
        born = f"{self.chance.randint(first, last)}-{self.chance.randint(1, 12):02}-{self.chance.randint(1, 28):02}"
        tree = self.tree(
            "Patient",
            identifier=[{"system": f"https://{self.at.requester}.example/mrn", "value": self.wording.number("T")}],
            name=[
                {
                    "use": "official",
                    "family": self.chance.choice(people.FAMILY),
                    "given": [self.chance.choice(people.GIVEN)],
                }
            ],
            telecom=[{"system": "phone", "value": self._phone, "use": "mobile", "rank": 1}],
            gender="female" if self.at.perinatal else self.chance.choice(("female", "male", "other", "unknown")),
            birthDate=born,
            communication=[{"language": concept("urn:ietf:bcp:47", self.chance.choice(("en", "es", "vi")))}],
        )
        if "preferred-contact" in self.without:
            del tree["telecom"]
        return tree

    def _infant(self) -> Tree:
        number = {"system": f"https://{self.at.requester}.example/mrn", "value": self.wording.number("I")}
        return self.tree("Patient", identifier=[number], name=[{"text": "Infant"}], gender="unknown")

    def _visit(self) -> Tree:
        ends = self.at.visit_ends
        period = {"start": self.time(-self.chance.randint(45, 150)), "end": self.time(ends)}
        if self.without & {"last-session-time", "discharge-time", "visit-end"}:
            del period["end"]
        return self.tree(
            "Encounter",
            status="finished" if ends <= 0 else "in-progress",
            **{"class": {"system": f"{HL7}/v3-ActCode", "code": self.at.visit_class}},
            subject=self.ref("infant" if self._is_of_another() else "patient"),
            serviceProvider=reference(f"Organization/{self.at.requester}"),
            period=period,
        )

    def _risk(self) -> Tree:
        return self.tree(
            "RiskAssessment",
            status="final",
            subject=self.ref("patient"),
            encounter=self.ref("visit"),
            occurrenceDateTime=self.time(-20),
            performer=self.ref("clinician"),
            prediction=[{"qualitativeRisk": concept(RISK_TIER_SYSTEM, self.tier or self.chance.choice(people.TIERS))}],
        )

    def _plan(self) -> Tree:
        tree = self.tree(
            "CarePlan",
            status="active",
            intent="plan",
            category=[concept(CARE_PLAN_CATEGORY_SYSTEM, "safety-plan")],
            title="Safety plan",
            description=self.chance.choice(people.SAFETY_PLANS),
            subject=self.ref("patient"),
            created=self.time(-10),
            author=self.ref("clinician"),
            activity=[
                {"detail": {"status": "scheduled", "description": "Call from the clinic at the preferred number"}},
                {"detail": {"status": "in-progress", "description": "Peer supporter checks in this evening"}},
            ],
        )
        for code, element in (("safety-plan-summary", "description"), ("agreed-next-steps", "activity")):
            if code in self.without:
                del tree[element]
        return tree

    def _discharge_summary(self) -> Tree:
        return self.tree(
            "DocumentReference",
            status="current",
            type=concept("http://loinc.org", "18842-5"),
            subject=self.ref("patient"),
            date=self.time(-60),
            author=[self.ref("clinician")],
            content=[
                {
                    "attachment": {
                        "contentType": "text/plain",
                        "data": "RGlzY2hhcmdlIHN1bW1hcnksIHN5bnRoZXRpYy4=",
                        "creation": self.time(-60),
                    }
                }
            ],
        )

    def _service_request(self) -> Tree:
        tree = self.tree(
            "ServiceRequest",
            identifier=[
                {
                    "type": concept(IDENTIFIER_TYPE_SYSTEM, "PLAC"),
                    "system": f"https://{self.at.requester}.example/orders",
                    "value": self.wording.number("R"),
                }
            ],
            status="active",
            intent="order",
            priority=self.chance.choice(("urgent", "asap", "routine")),
            code=concept("http://snomed.info/sct", "3457005"),
            subject=self.ref("patient"),
            authoredOn=self.time(0),
            requester=self.ref("clinician"),
        )
        if "visit-context" not in self.without:
            tree["encounter"] = self.ref("visit")
        if "recipient-contact" not in self.without:
            tree["performer"] = [self.ref("recipient")]
        if not self.without & {"crisis-trigger", "brief-summary"}:
            tree["reasonCode"] = [{"text": self.chance.choice(self.at.reasons)}]
        if "current-risk-level" in self.brings:
            tree["supportingInfo"] = [self.ref("risk")]
        if self.brings & SAFETY_PLAN:
            tree.setdefault("supportingInfo", []).append(self.ref("plan"))
        return tree

    def _task(self) -> Tree:
        tree = self.tree(
            "Task",
            status="requested",
            intent="order",
            code=concept(FHIR_TASK_CODE_SYSTEM, "fulfill"),
            focus=self.ref("request"),
            **{"for": self.ref("patient")},
            authoredOn=self.time(0),
            lastModified=self.time(0),
            requester=reference(f"Organization/{self.at.requester}"),
        )
        if self.pathway.name != "referral":
            tree["instantiatesCanonical"] = PLAN_DEFINITION + self.pathway.name
        if "named-recipient" not in self.without:
            tree["owner"] = reference(f"Organization/{self.at.owner}")
        if inputs := self._inputs():
            tree["input"] = inputs
        return tree

    def _inputs(self) -> list[Tree]:
        draw = self.chance.choice
        phone = {"system": "phone", "value": self._phone, "use": "mobile"}
        every: dict[str, Callable[[], tuple[str, object]]] = {
            "recipient-contact": lambda: ("Reference", self.ref("recipient")),
            "missed-appointment-barrier": lambda: ("String", draw(people.BARRIERS)),
            "preferred-contact": lambda: ("ContactPoint", phone),
            "risk-concerns-transferred": lambda: ("String", draw(people.REMAINING_RISKS)),
            "medication-access": lambda: ("CodeableConcept", {"text": draw(people.MEDICATION)}),
            "transportation-plan": lambda: ("String", draw(people.TRANSPORT)),
            "housing-risk-summary": lambda: ("String", draw(people.HOUSING)),
            "alternate-contact": lambda: ("Reference", self.ref("lead")),
            "escalation-owner": lambda: ("Reference", self.ref("supervisor")),
            "handoff-method": lambda: ("Code", self.method),
            "submitted-in-presence": lambda: ("Boolean", True),
            "delegate": lambda: ("Reference", self.ref("delegate")),
            "questions-contact": lambda: ("ContactPoint", {"system": "phone", "value": "+1-555-555-0177"}),
            "discharge-summary": lambda: ("Reference", self.ref("summary")),
            "coverage": lambda: ("Code", draw(("insured", "medicaid", "uninsured", "unknown"))),
            "immediate-resource": lambda: ("String", "988; PSI HelpLine 1-800-944-4773"),
            "access-needs": lambda: ("Code", draw(people.ACCESS_NEEDS)),
        }
        inputs = [fact(code, *value()) for code, value in every.items() if code in self.brings]
        if "bridge-contact" in self.brings:
            inputs.append(fact("bridge-contact", "DateTime", self.time(24 * 60)))
            inputs.append(fact("bridge-contact", "String", "The mobile team visits once more"))
        return inputs

    def _to_person(self, by: str, minutes: int, text: str | None) -> Tree:
        tree = self.tree(
            "Communication",
            status="completed",
            basedOn=[self.ref("request")],
            medium=medium(by),
            subject=self.ref("patient"),
            sent=self.time(minutes),
            recipient=[self.ref("patient")],
            sender=self.ref("clinician"),
        )
        if text is not None:
            tree["payload"] = [{"contentString": text}]
        return tree
