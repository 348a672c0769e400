// Every setting in one table. Flags, environment variables, their limits, the help, `config` and
// the README's table are all read from it, so a setting is added in one place: a field in
// options.h and a row here.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <array>
#include <string>
#include <variant>

#include "server/options.h"

namespace aquifer {

// How each kind of setting finds its field, and what it takes.
struct IntegerField {
  int& (*at)(ServerOptions&);
  int least;
  int most;
  absl::string_view unit = "";
};
// Written in milliseconds, as the `_ms` of its name says.
struct DurationField {
  absl::Duration& (*at)(ServerOptions&);
  int least_ms;
  int most_ms;
};
struct SwitchField {
  bool& (*at)(ServerOptions&);
};
struct TextField {
  std::string& (*at)(ServerOptions&);
  bool (*accepts)(absl::string_view text);
  absl::string_view allowed;
};
// One of `names`, which stand in the order of the enum's values.
struct ChoiceField {
  int (*get)(const ServerOptions&);
  void (*set)(ServerOptions&, int choice);
  absl::Span<const absl::string_view> names;
};

enum class Secrecy { kPublic, kSecret };

struct OptionSpec {
  // Snake case with its unit: "pool_acquire_timeout_ms".
  absl::string_view name;
  // The heading it stands under in the help.
  absl::string_view group;
  std::variant<IntegerField, DurationField, SwitchField, TextField, ChoiceField> field;
  absl::string_view help;
  // The default in each profile, in the order development, staging, production; empty for the
  // field's own default.
  std::array<absl::string_view, 3> by_profile = {};
  // What an empty default turns into, for the reader.
  absl::string_view default_note = "";
  // A second variable that sets it, besides AQUIFER_<NAME>.
  absl::string_view other_variable = "";
  Secrecy secrecy = Secrecy::kPublic;
};

// Every setting, in the order the help shows.
absl::Span<const OptionSpec> OptionTable();

// "--pool-max" and "AQUIFER_POOL_MAX" for "pool_max".
std::string FlagOf(const OptionSpec& spec);
std::string VariableOf(const OptionSpec& spec);

// What it takes, in words: "1 to 1000".
std::string AllowedOf(const OptionSpec& spec);

// Reads `text` into the setting's field. False if it is not allowed; the field is then unchanged.
bool SetOption(const OptionSpec& spec, absl::string_view text, ServerOptions& options);

// The setting's value as SetOption takes it.
std::string ShowOption(const OptionSpec& spec, const ServerOptions& options);

// The same for people: without secrets.
std::string ShowOptionRedacted(const OptionSpec& spec, const ServerOptions& options);

}  // namespace aquifer
