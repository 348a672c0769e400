#include "server/options_report.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "server/telemetry/json_text.h"

namespace aquifer {
namespace {

// Numbers and switches stand bare in JSON.
bool IsText(const OptionSpec& spec) {
  return std::holds_alternative<TextField>(spec.field) ||
         std::holds_alternative<ChoiceField>(spec.field);
}

}  // namespace

std::string HelpOf(const OptionSpec& spec) {
  const std::string value = ShowOption(spec, ServerOptions{});
  const absl::string_view standard = value.empty() ? spec.default_note : value;
  if (std::holds_alternative<TextField>(spec.field)) {
    return absl::StrCat(spec.help, " [", standard, "]");
  }
  return absl::StrCat(spec.help, " (", AllowedOf(spec), ") [", standard, "]");
}

std::string PlaceholderOf(const OptionSpec& spec) {
  if (std::holds_alternative<DurationField>(spec.field)) return "MS";
  if (std::holds_alternative<IntegerField>(spec.field)) return "N";
  if (std::holds_alternative<SwitchField>(spec.field)) return "BOOL";
  return std::holds_alternative<ChoiceField>(spec.field) ? "NAME" : "TEXT";
}

std::string OptionsInForceAsTable(const LoadedOptions& loaded) {
  std::string out = absl::StrFormat("%-26s %-12s %s\n", "SETTING", "SOURCE", "VALUE");
  for (std::size_t i = 0; i < OptionTable().size(); ++i) {
    const OptionSpec& spec = OptionTable()[i];
    const std::string value = ShowOptionRedacted(spec, loaded.options);
    absl::StrAppendFormat(&out, "%-26s %-12s %s\n", spec.name, NameOf(loaded.sources[i]),
                          value.empty() ? absl::StrCat("(", spec.default_note, ")") : value);
  }
  return out;
}

std::string OptionsInForceAsJson(const LoadedOptions& loaded) {
  std::string out = "{";
  for (std::size_t i = 0; i < OptionTable().size(); ++i) {
    const OptionSpec& spec = OptionTable()[i];
    const std::string value = ShowOptionRedacted(spec, loaded.options);
    absl::StrAppend(&out, i == 0 ? "\n  " : ",\n  ", JsonText(spec.name),
                    ": {\"value\": ", IsText(spec) ? JsonText(value) : value,
                    ", \"source\": ", JsonText(NameOf(loaded.sources[i])), "}");
  }
  return out + "\n}\n";
}

}  // namespace aquifer
