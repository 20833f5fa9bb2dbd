package example.handoff;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.PreferReturnEnum;
import ca.uhn.fhir.rest.api.SearchStyleEnum;
import ca.uhn.fhir.rest.api.SummaryEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.gclient.TokenClientParam;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.rest.server.exceptions.PreconditionFailedException;
import ca.uhn.fhir.rest.server.exceptions.ResourceGoneException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import ca.uhn.fhir.rest.server.exceptions.UnprocessableEntityException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.hl7.fhir.instance.model.api.IIdType;
import org.hl7.fhir.r4.model.Appointment;
import org.hl7.fhir.r4.model.Basic;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.CodeType;
import org.hl7.fhir.r4.model.HealthcareService;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.ServiceRequest;
import org.hl7.fhir.r4.model.Task;

/**
 * HAPI's client (https://hapifhir.io/hapi-fhir/docs/client/), unmodified, through a whole handoff over HTTP.
 *
 * <p>Arguments: base address, token of the sender, token of the recipient, id of the recipient, and a folder with
 * request.json, answer.json (transactions) and outputs.json (a Task with the outputs that come with the acceptance).
 */
public final class WholeHandoff {
  private static final FhirContext R4 = FhirContext.forR4();

  private final String base;
  private final IGenericClient sender;
  private final IGenericClient recipient;
  private final String owner;
  private final Path given;
  private final Map<String, String> places = new LinkedHashMap<>();

  private WholeHandoff(String[] arguments) {
    base = arguments[0];
    sender = client(arguments[1]);
    recipient = client(arguments[2]);
    owner = arguments[3];
    given = Path.of(arguments[4]);
  }

  public static void main(String[] arguments) throws Exception {
    WholeHandoff story = new WholeHandoff(arguments);
    story.handOver();
    story.useTheRest();
    System.out.println("a whole handoff by HAPI's client " + arguments[0]);
  }

  private IGenericClient client(String token) {
    IGenericClient made = R4.newRestfulGenericClient(base);
    made.registerInterceptor(new BearerTokenAuthInterceptor(token));
    return made;
  }

  private void handOver() throws Exception {
    Bundle request = R4.newJsonParser().parseResource(Bundle.class, Files.readString(given.resolve("request.json")));
    remember(request, sender.transaction().withBundle(request).execute());
    IIdType id = new IdType(place("Task/"));

    // Open work, page by page, with what it points at
    Bundle page = recipient.search().forResource(Task.class)
        .where(Task.OWNER.hasId("Organization/" + owner)).and(Task.STATUS.exactly().code("requested"))
        .include(Task.INCLUDE_FOCUS).include(Task.INCLUDE_PATIENT).count(1)
        .returnBundle(Bundle.class).execute();
    boolean found = false;
    while (page != null) {
      found |= page.getEntry().stream().anyMatch(e -> e.getResource().getIdElement().getIdPart().equals(id.getIdPart()));
      page = page.getLink(Bundle.LINK_NEXT) == null ? null : recipient.loadPage().next(page).execute();
    }
    check(found, "the recipient finds it among its open work");

    Task task = recipient.read().resource(Task.class).withId(id).execute();
    ServiceRequest focus = recipient.read().resource(ServiceRequest.class).withUrl(task.getFocus().getReference()).execute();
    check(focus.getSubject().getReference().equals(task.getFor().getReference()), "both are about one person");

    // Received; the version stands in the resource, and the answer says which it is now
    task.setStatus(Task.TaskStatus.RECEIVED);
    MethodOutcome updated = recipient.update().resource(task).execute();
    check("2".equals(updated.getId().getVersionIdPart()), "the answer tells the new version");

    // A gate refuses, and says why
    task = (Task) updated.getResource();
    task.setStatus(Task.TaskStatus.ACCEPTED);
    UnprocessableEntityException refused = refused(UnprocessableEntityException.class, task);
    check(text(refused).contains("needs the fact `recipient-clinician`"), "the refusal names the fact");

    // With the facts it is accepted, and worked on to the end
    Bundle answer = R4.newJsonParser().parseResource(Bundle.class, addressed("answer.json"));
    remember(answer, recipient.transaction().withBundle(answer).execute());
    task.setOutput(R4.newJsonParser().parseResource(Task.class, addressed("outputs.json")).getOutput());
    Task accepted = (Task) recipient.update().resource(task).execute().getResource();
    refused(PreconditionFailedException.class, task);
    recipient.patch()
        .withBody("[{\"op\": \"test\", \"path\": \"/meta/versionId\", \"value\": \"" + accepted.getMeta().getVersionId()
            + "\"}, {\"op\": \"replace\", \"path\": \"/status\", \"value\": \"in-progress\"}]")
        .withId(id).execute();
    Appointment appointment = recipient.read().resource(Appointment.class).withId(place("Appointment/")).execute();
    appointment.setStatus(Appointment.AppointmentStatus.FULFILLED);
    recipient.update().resource(appointment).execute();
    task = recipient.read().resource(Task.class).withId(id).execute(); // the visit was noted on it
    task.setStatus(Task.TaskStatus.COMPLETED);
    recipient.update().resource(task).prefer(PreferReturnEnum.MINIMAL).execute();

    // The sender sees it
    check(sender.read().resource(Task.class).withId(id).execute().getStatus() == Task.TaskStatus.COMPLETED, "completed");
    check(sender.history().onInstance(id).returnBundle(Bundle.class).execute().getEntry().size() == 6, "six versions");
    check(sender.read().resource(Task.class).withId(id).ifVersionMatches("6").returnNull().execute() == null, "304");
    Bundle evidence = sender.operation().onInstance(id).named("$evidence").withNoParameters(Parameters.class)
        .returnResourceType(Bundle.class).execute();
    check(evidence.getType() == Bundle.BundleType.DOCUMENT, "the evidence is a document");
    try {
      sender.read().resource(Task.class).withId("nobody").execute();
      throw new AssertionError("expected 404");
    } catch (ResourceNotFoundException expected) {
      check(text(expected).contains("no such Task"), "a refusal that can be read");
    }
  }

  private void useTheRest() {
    check(sender.capabilities().ofType(CapabilityStatement.class).execute().getFormat().size() > 0, "capabilities");
    String number = UUID.randomUUID().toString();
    Patient person = new Patient();
    person.addIdentifier().setSystem("urn:x:once").setValue(number);
    TokenClientParam identifier = Patient.IDENTIFIER;
    IIdType made = sender.create().resource(person).conditional()
        .where(identifier.exactly().systemAndIdentifier("urn:x:once", number)).execute().getId();
    MethodOutcome again = sender.create().resource(person).conditionalByUrl("Patient?identifier=urn:x:once|" + number).execute();
    check(again.getId().getIdPart().equals(made.getIdPart()), "created once");
    person.setActive(true);
    MethodOutcome updated = sender.update().resource(person).conditional()
        .where(identifier.exactly().systemAndIdentifier("urn:x:once", number)).execute();
    check("2".equals(updated.getId().getVersionIdPart()), "updated by condition");
    for (SearchStyleEnum style : SearchStyleEnum.values()) {
      Bundle found = sender.search().forResource(Patient.class).usingStyle(style)
          .where(identifier.exactly().systemAndIdentifier("urn:x:once", number)).returnBundle(Bundle.class).execute();
      check(found.getEntry().size() == 1, "found by " + style);
    }
    Bundle counted = sender.search().forResource(Patient.class).summaryMode(SummaryEnum.COUNT)
        .where(identifier.exactly().systemAndIdentifier("urn:x:once", number)).returnBundle(Bundle.class).execute();
    check(counted.getTotal() == 1, "counted");
    OperationOutcome valid = (OperationOutcome) sender.validate().resource(person).execute().getOperationOutcome();
    check(valid.getIssueFirstRep().getSeverity() == OperationOutcome.IssueSeverity.INFORMATION, "valid");
    Bundle services = sender.operation().onType(HealthcareService.class).named("$find-destination")
        .withParameter(Parameters.class, "coverage", new CodeType("medicaid"))
        .returnResourceType(Bundle.class).execute();
    check(!services.getEntry().isEmpty(), "somebody can take a person");
    Basic basic = new Basic();
    basic.getCode().setText("x");
    IIdType gone = sender.create().resource(basic).execute().getId().toUnqualifiedVersionless();
    sender.delete().resourceById(gone).execute();
    try {
      sender.read().resource(Basic.class).withId(gone).execute();
      throw new AssertionError("expected 410");
    } catch (ResourceGoneException expected) {
      check(text(expected).contains("deleted"), "a refusal that can be read");
    }
  }

  private <E extends BaseServerResponseException> E refused(Class<E> kind, Task task) {
    try {
      recipient.update().resource(task).execute();
    } catch (BaseServerResponseException refusal) {
      return kind.cast(refusal);
    }
    throw new AssertionError("expected a " + kind.getSimpleName());
  }

  private static String text(BaseServerResponseException refusal) {
    return ((OperationOutcome) refusal.getOperationOutcome()).getIssue().stream()
        .map(issue -> issue.getDetails().getText()).reduce("", String::concat);
  }

  private void remember(Bundle sent, Bundle response) {
    for (int n = 0; n < sent.getEntry().size(); n++) {
      String location = response.getEntry().get(n).getResponse().getLocation();
      places.put(sent.getEntry().get(n).getFullUrl(), location.split("/_history")[0]);
    }
  }

  private String addressed(String file) throws Exception {
    String text = Files.readString(given.resolve(file));
    for (Map.Entry<String, String> known : places.entrySet()) {
      text = text.replace(known.getKey(), known.getValue());
    }
    return text;
  }

  private String place(String type) {
    return places.values().stream().filter(each -> each.startsWith(type)).findFirst().orElseThrow();
  }

  private static void check(boolean held, String what) {
    if (!held) {
      throw new AssertionError(what);
    }
  }
}
