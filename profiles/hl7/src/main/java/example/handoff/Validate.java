package example.handoff;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;

/**
 * Validates JSON files by HL7's validator against R4 and a package of profiles; nothing is looked up in the network.
 *
 * <p>Argument: the folder of the package. Standard input: one file name a line. Standard output: one JSON object a line,
 * {@code {"file": …, "issues": [{"severity": …, "location": …, "id": …, "text": …}]}}.
 */
public final class Validate {
  private Validate() {}

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err); // what libraries print is no result
    FhirContext r4 = FhirContext.forR4Cached();
    FhirValidator validator = validator(r4, Path.of(arguments[0]));
    BufferedReader names = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String name = names.readLine(); name != null; name = names.readLine()) {
      StringBuilder line = new StringBuilder("{\"file\": " + quoted(name) + ", \"issues\": [");
      String separator = "";
      for (SingleValidationMessage message : messages(validator, Path.of(name))) {
        line.append(separator)
            .append("{\"severity\": ").append(quoted(message.getSeverity().getCode()))
            .append(", \"location\": ").append(quoted(message.getLocationString()))
            .append(", \"id\": ").append(quoted(message.getMessageId()))
            .append(", \"text\": ").append(quoted(message.getMessage())).append('}');
        separator = ", ";
      }
      out.println(line.append("]}"));
    }
  }

  private static List<SingleValidationMessage> messages(FhirValidator validator, Path file) {
    try {
      return validator.validateWithResult(Files.readString(file, StandardCharsets.UTF_8)).getMessages();
    } catch (Exception unreadable) { // no JSON at all, or no UTF-8
      return List.of(message("Unreadable", unreadable));
    } catch (LinkageError incomplete) { // an optional library, for signatures
      return List.of(message("NotJudged", incomplete));
    }
  }

  private static SingleValidationMessage message(String id, Throwable cause) {
    SingleValidationMessage message = new SingleValidationMessage();
    message.setSeverity(ResultSeverityEnum.FATAL);
    message.setMessageId(id);
    message.setMessage(cause.getClass().getSimpleName());
    return message;
  }

  private static FhirValidator validator(FhirContext r4, Path folder) throws Exception {
    PrePopulatedValidationSupport ours = new PrePopulatedValidationSupport(r4);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.getFileName().toString().contains("-")).sorted().toList()) {
        IBaseResource resource = r4.newJsonParser().parseResource(Files.readString(file, StandardCharsets.UTF_8));
        switch (r4.getResourceType(resource)) {
          case "StructureDefinition" -> ours.addStructureDefinition(resource);
          case "ValueSet" -> ours.addValueSet(resource);
          case "CodeSystem" -> ours.addCodeSystem(resource);
          default -> { }
        }
      }
    }
    ValidationSupportChain support =
        new ValidationSupportChain(
            ours,
            new DefaultProfileValidationSupport(r4),
            new CommonCodeSystemsTerminologyService(r4),
            new InMemoryTerminologyServerValidationSupport(r4),
            new SnapshotGeneratingValidationSupport(r4));
    FhirInstanceValidator rules = new FhirInstanceValidator(support);
    // Profiles of others are warned about, by both validators; their content is not here.
    rules.setErrorForUnknownProfiles(false);
    rules.setAnyExtensionsAllowed(true);
    return r4.newValidator().registerValidatorModule(rules);
  }

  private static String quoted(String text) {
    if (text == null) {
      return "null";
    }
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      switch (c) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        default -> quoted.append(c < 0x20 ? String.format("\\u%04x", (int) c) : String.valueOf(c));
      }
    }
    return quoted.append('"').toString();
  }
}
