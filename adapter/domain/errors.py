"""Everything that can be refused, in neutral words; `adapter/api/operation_outcome.py` alone turns them into HTTP.

An `Issue` is one OperationOutcome.issue (https://hl7.org/fhir/R4/operationoutcome.html). Its text says what was
expected, what was got and where; it never holds patient data: name elements, codes and counts, not values.

    HandoffError
    ├── Malformed            the bytes are not acceptable JSON
    ├── TooLarge             over a size, depth or entry limit
    ├── UnsupportedMedia     a media type or encoding that is not spoken here
    ├── NotAcceptable        an answer is asked for in a form that is not spoken here
    ├── Invalid              breaks the base specification
    ├── NotSupported         legal FHIR that this server does not do
    ├── NotAuthenticated     who is asking is unknown
    ├── NotAllowed           who is asking may not
    ├── NotFound             does not exist, or not for this organisation (the two are never told apart)
    ├── Deleted              existed
    ├── MethodNotAllowed     a right address with a wrong verb
    ├── Conflict             another writer got there first
    ├── VersionConflict      If-Match names another version
    ├── MultipleMatches      criteria that must match one match several
    ├── BusinessRule         well-formed, but the lifecycle or a gate forbids it
    ├── KeyReused            the same request key with another body
    ├── Throttled            too many requests
    └── Unavailable          the store cannot take it now; nothing was kept
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: `code` is an issue-type code, `expression` a FHIRPath of simple steps, `text` for a person."""

    code: str
    text: str
    expression: str | None = None
    severity: str = "error"

    def below(self, prefix: str) -> Issue:
        """The same issue, its expression (`Task.status`) placed below `prefix` (`Bundle.entry[3].resource`)."""
        if self.expression is None:
            return replace(self, expression=prefix)
        _, dot, rest = self.expression.partition(".")
        return replace(self, expression=f"{prefix}.{rest}" if dot else prefix)


class HandoffError(Exception):
    """A refusal. Carries at least one issue; nothing of the request was kept."""

    default_code = "processing"

    def __init__(
        self, text_or_issues: str | Sequence[Issue], *, expression: str | None = None, code: str | None = None
    ):
        if isinstance(text_or_issues, str):
            issues: tuple[Issue, ...] = (Issue(code or self.default_code, text_or_issues, expression),)
        else:
            issues = tuple(text_or_issues)
        if not issues:
            raise ValueError("a refusal needs at least one issue")
        self.issues = issues
        super().__init__("; ".join(f"{i.code} at {i.expression}: {i.text}" for i in issues))

    def below(self, prefix: str) -> HandoffError:
        """The same refusal, located below `prefix`."""
        located = type(self)([issue.below(prefix) for issue in self.issues])
        located.__cause__ = self
        return located

    def at(self, expression: str) -> HandoffError:
        """The same refusal, located exactly there."""
        return type(self)([replace(issue, expression=expression) for issue in self.issues])


class Malformed(HandoffError):
    default_code = "structure"


class TooLarge(HandoffError):
    default_code = "too-long"


class UnsupportedMedia(HandoffError):
    default_code = "not-supported"


class NotAcceptable(HandoffError):
    default_code = "not-supported"


class Invalid(HandoffError):
    default_code = "invalid"


class NotSupported(HandoffError):
    default_code = "not-supported"


class NotAuthenticated(HandoffError):
    default_code = "login"


class NotAllowed(HandoffError):
    default_code = "forbidden"


class NotFound(HandoffError):
    default_code = "not-found"


class Deleted(HandoffError):
    default_code = "deleted"


class MethodNotAllowed(HandoffError):
    default_code = "not-supported"


class Conflict(HandoffError):
    default_code = "conflict"


class VersionConflict(HandoffError):
    default_code = "conflict"


class MultipleMatches(HandoffError):
    default_code = "multiple-matches"


class BusinessRule(HandoffError):
    default_code = "business-rule"


class KeyReused(HandoffError):
    default_code = "business-rule"


class Throttled(HandoffError):
    """`retry_after`: seconds until it may be tried again."""

    default_code = "throttled"

    def __init__(
        self,
        text_or_issues: str | Sequence[Issue],
        *,
        expression: str | None = None,
        code: str | None = None,
        retry_after: int = 5,
    ):
        super().__init__(text_or_issues, expression=expression, code=code)
        self.retry_after = retry_after


class Unavailable(HandoffError):
    default_code = "no-store"
