"""What the recipient of a generated handoff answers: its clinician, the call, the first appointment, the read-back."""

from __future__ import annotations

from adapter.testkit import people
from adapter.testkit.elements import Tree, fact, medium
from adapter.testkit.making import Maker, Resources


class AnswerMaker(Maker):
    def answer(self) -> Resources:
        found: Resources = {"therapist": self.role(self.at.owner, self.at.clinician)}
        if "live-contact" in self.brings:
            found["call"] = self._call()
        if self.brings & {"appointment-time", "appointment-confirmed", "appointment-place", "first-contact-attended"}:
            if "appointment-place" in self.brings:
                found["place"] = self.tree("Location", name="Second floor, room 12", status="active")
            found["appointment"] = self._appointment()
        return found

    def _call(self) -> Tree:
        """Both sides on one call, the person too where the pathway wants her there."""
        return self.tree(
            "Communication",
            status="completed",
            basedOn=[self.ref("request")],
            medium=medium("PHONE"),
            subject=self.ref("patient"),
            sent=self.time(2),
            received=self.time(2),
            sender=self.ref("clinician"),
            recipient=[self.ref("therapist"), *([self.ref("patient")] if self._is_three_way() else [])],
            payload=[{"contentString": "Spoke about what happened, what remains, and the first appointment."}],
        )

    def _is_three_way(self) -> bool:
        return any(
            gate.condition is not None
            and "three-way" in gate.condition.one_of
            and (gate.when is None or self.method in gate.when[1])
            for gate in self.pathway.gates
        )

    def _appointment(self) -> Tree:
        agreed = "needs-action" if "appointment-confirmed" in self.without else "accepted"
        tree = self.tree(
            "Appointment",
            status="booked",
            description="First appointment",
            start=self.time(44 * 60),
            end=self.time(45 * 60),
            basedOn=[self.ref("request")],
            participant=[
                {"actor": self.ref("patient"), "required": "required", "status": "accepted"},
                {"actor": self.ref("therapist"), "required": "required", "status": agreed},
            ],
        )
        if "appointment-time" in self.without:
            del tree["start"], tree["end"]
        if "appointment-place" in self.brings:
            tree["participant"].append({"actor": self.ref("place"), "required": "required", "status": "accepted"})
        return tree

    def outputs(self) -> list[Tree]:
        every = {
            "recipient-clinician": ("Reference", self.ref("therapist")),
            "risk-acknowledged": ("String", "We know that the plan holds only while somebody is with the person."),
            "live-contact": ("Reference", self.ref("call")),
            "same-day-outreach": ("DateTime", self.time(5)),
            "follow-up-owner": ("Reference", self.ref("therapist")),
        }
        outputs = [fact(code, *value) for code, value in every.items() if code in self.brings]
        if "responsibilities-accepted" in self.brings:
            outputs += [fact("responsibilities-accepted", "String", duty) for duty in people.DUTIES]
        return outputs

    def visit(self, answer: Resources) -> Resources:
        """The appointment once it was kept."""
        if "first-contact-attended" not in self.brings:
            return {}
        return {"appointment": {**(answer.get("appointment") or self._appointment()), "status": "fulfilled"}}

    def last_outputs(self) -> list[Tree]:
        said = "She read day, time and link back to us on the phone"
        brings = "person-has-appointment" in self.brings
        return [fact("person-has-appointment", "String", said)] if brings else []
