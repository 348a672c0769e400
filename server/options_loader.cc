#include "server/options_loader.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "server/similar_name.h"

namespace aquifer {
namespace {

constexpr absl::string_view kVariablePrefix = "AQUIFER_";
// A URL that says nothing, which leaves everything to libpq's own variables.
constexpr absl::string_view kLibpqVariables = "postgresql://";

const OptionSpec& SpecOf(absl::string_view name) {
  return *std::find_if(OptionTable().begin(), OptionTable().end(),
                       [name](const OptionSpec& spec) { return spec.name == name; });
}

// One load: gathers values and problems setting by setting.
class Loader {
 public:
  explicit Loader(const OptionSources& sources) : sources_(sources) {
    loaded_.sources.resize(OptionTable().size(), OptionSource::kDefault);
    refused_.resize(OptionTable().size(), false);
  }

  LoadedOptions Load() {
    // The profile comes first, for it gives the others their defaults.
    ReadSetting(SpecOf("profile"));
    ApplyProfile();
    for (const OptionSpec& spec : OptionTable()) {
      if (spec.name != "profile") ReadSetting(spec);
    }
    ReadLibpqVariables();
    RefuseUnknownVariables();
    FillComputedDefaults();
    CheckRelations();
    return std::move(loaded_);
  }

 private:
  static std::size_t IndexOf(const OptionSpec& spec) {
    return static_cast<std::size_t>(&spec - OptionTable().data());
  }

  OptionSource& SourceOf(const OptionSpec& spec) { return loaded_.sources[IndexOf(spec)]; }

  std::optional<std::string> Variable(const std::string& name) const {
    const auto found = sources_.environment.find(name);
    if (found == sources_.environment.end() || found->second.empty()) return std::nullopt;
    return found->second;
  }

  void Set(const OptionSpec& spec, const std::string& origin, const std::string& value,
           OptionSource source) {
    if (SetOption(spec, value, loaded_.options)) {
      SourceOf(spec) = source;
      return;
    }
    refused_[IndexOf(spec)] = true;
    loaded_.problems.push_back(
        spec.secrecy == Secrecy::kSecret
            ? absl::StrCat(origin, " is not accepted; allowed: ", AllowedOf(spec))
            : absl::StrCat(origin, " is \"", value, "\"; allowed: ", AllowedOf(spec)));
  }

  void ReadSetting(const OptionSpec& spec) {
    ReadVariables(spec);
    const auto flag = sources_.flags.find(std::string(spec.name));
    if (flag != sources_.flags.end()) {
      Set(spec, FlagOf(spec), flag->second, OptionSource::kFlag);
    }
  }

  void ReadVariables(const OptionSpec& spec) {
    const std::string variable = VariableOf(spec);
    const std::string other(spec.other_variable);
    const std::optional<std::string> value = Variable(variable);
    const std::optional<std::string> other_value = Variable(other);
    if (value && other_value && *value != *other_value) {
      loaded_.problems.push_back(
          absl::StrCat(variable, " and ", other, " differ; set only one of them"));
    }
    if (value) {
      Set(spec, variable, *value, OptionSource::kEnvironment);
    } else if (other_value) {
      Set(spec, other, *other_value, OptionSource::kEnvironment);
    }
  }

  void ApplyProfile() {
    if (loaded_.options.profile == Profile::kNone) return;
    const std::size_t column = static_cast<std::size_t>(loaded_.options.profile) - 1;
    for (const OptionSpec& spec : OptionTable()) {
      if (spec.by_profile[column].empty()) continue;
      SetOption(spec, spec.by_profile[column], loaded_.options);
      SourceOf(spec) = OptionSource::kProfile;
    }
  }

  void ReadLibpqVariables() {
    const OptionSpec& url = SpecOf("database_url");
    if (SourceOf(url) != OptionSource::kDefault) return;
    if (!Variable("PGHOST") && !Variable("PGDATABASE")) return;
    loaded_.options.database.url = std::string(kLibpqVariables);
    SourceOf(url) = OptionSource::kEnvironment;
  }

  void RefuseUnknownVariables() {
    std::vector<std::string> known;
    for (const OptionSpec& spec : OptionTable()) known.push_back(VariableOf(spec));
    for (const auto& [name, value] : sources_.environment) {
      if (!absl::StartsWith(name, kVariablePrefix)) continue;
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const std::string similar = SimilarName(name, known);
      loaded_.problems.push_back(absl::StrCat(name, " is no setting; ",
                                              similar.empty()
                                                  ? "aquifer-server config shows them all"
                                                  : absl::StrCat("did you mean ", similar, "?")));
    }
  }

  void FillComputedDefaults() {
    ServerOptions& options = loaded_.options;
    if (options.instance.empty()) {
      // A host name may be longer, or hold what an instance's name may not.
      const std::string suffix = absl::StrCat("-", sources_.process_id);
      options.instance = absl::StrCat(sources_.host_name.substr(0, 40 - suffix.size()), suffix);
      if (!SetOption(SpecOf("instance"), options.instance, options)) {
        options.instance = absl::StrCat("aquifer", suffix);
      }
    }
    // A smaller pool_max alone is no contradiction: nobody asked for the default pool_min.
    const OptionSource min_source = SourceOf(SpecOf("pool_min"));
    if (min_source == OptionSource::kDefault || min_source == OptionSource::kProfile) {
      options.pool.min = std::min(options.pool.min, options.pool.max);
    }
    if (options.database.data_dir.empty()) options.database.data_dir = DefaultDataDir();
    if (options.database.data_dir.empty() && options.database.url.empty()) {
      loaded_.problems.push_back(
          "data_dir has no default, since neither XDG_DATA_HOME nor HOME is set; set --data-dir");
    }
  }

  std::string DefaultDataDir() const {
    if (sources_.is_root) return "/var/lib/aquifer";
    if (const auto data_home = Variable("XDG_DATA_HOME")) return *data_home + "/aquifer";
    if (const auto home = Variable("HOME")) return *home + "/.local/share/aquifer";
    return "";
  }

  // A setting with its value and where it comes from, for a contradiction's message.
  std::string Describe(const OptionSpec& spec) {
    return absl::StrCat(spec.name, " ", ShowOptionRedacted(spec, loaded_.options), " (",
                        NameOf(SourceOf(spec)), ")");
  }

  void CheckRelations() {
    const ServerOptions& options = loaded_.options;
    if (options.pool.min > options.pool.max) Contradict("pool_min", "pool_max", "at most");
    if (options.pool.idle_timeout > options.pool.max_life) {
      Contradict("pool_idle_timeout_ms", "pool_max_life_ms", "at most");
    }
    if (options.port > 0 && options.port == options.health_port) {
      Contradict("health_port", "port", "other than");
    }
    if (options.metrics_port <= 0) return;
    if (options.metrics_port == options.port) Contradict("metrics_port", "port", "other than");
    if (options.metrics_port == options.health_port) {
      Contradict("metrics_port", "health_port", "other than");
    }
  }

  void Contradict(absl::string_view name, absl::string_view other, absl::string_view relation) {
    // A refused value is a problem already, and what stands in its place is not the operator's.
    if (refused_[IndexOf(SpecOf(name))] || refused_[IndexOf(SpecOf(other))]) return;
    loaded_.problems.push_back(
        absl::StrCat(Describe(SpecOf(name)), " must be ", relation, " ", Describe(SpecOf(other))));
  }

  const OptionSources& sources_;
  LoadedOptions loaded_;
  std::vector<bool> refused_;
};

}  // namespace

absl::string_view NameOf(OptionSource source) {
  switch (source) {
    case OptionSource::kDefault:
      return "default";
    case OptionSource::kProfile:
      return "profile";
    case OptionSource::kEnvironment:
      return "environment";
    case OptionSource::kFlag:
      break;
  }
  return "flag";
}

OptionSources SourcesOfThisProcess() {
  OptionSources sources;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const absl::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == absl::string_view::npos) continue;
    sources.environment.emplace(std::string(text.substr(0, equals)),
                                std::string(text.substr(equals + 1)));
  }
  sources.is_root = geteuid() == 0;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) sources.host_name = name.data();
  sources.process_id = static_cast<int>(getpid());
  return sources;
}

LoadedOptions LoadOptions(const OptionSources& sources) { return Loader(sources).Load(); }

}  // namespace aquifer
