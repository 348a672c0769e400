#include <absl/strings/match.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "server/options_loader.h"
#include "server/options_report.h"

namespace aquifer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

using Texts = std::map<std::string, std::string>;

OptionSources Sources(Texts environment, Texts flags = {}) {
  return {.environment = std::move(environment),
          .flags = std::move(flags),
          .is_root = true,
          .host_name = "well-1",
          .process_id = 42};
}

OptionSource SourceOf(const LoadedOptions& loaded, absl::string_view name) {
  for (std::size_t i = 0; i < OptionTable().size(); ++i) {
    if (OptionTable()[i].name == name) return loaded.sources[i];
  }
  ADD_FAILURE() << name << " is no setting";
  return OptionSource::kDefault;
}

TEST(OptionTableTest, NamesAreUniqueAndCarryTheirUnit) {
  std::set<absl::string_view> names;

  for (const OptionSpec& spec : OptionTable()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_EQ(std::holds_alternative<DurationField>(spec.field), absl::EndsWith(spec.name, "_ms"))
        << spec.name;
    EXPECT_TRUE(absl::EndsWith(spec.help, ".")) << spec.name;
  }
}

TEST(OptionTableTest, EveryDefaultIsAllowedAndReadsBack) {
  for (const OptionSpec& spec : OptionTable()) {
    const std::string standard = ShowOption(spec, ServerOptions{});
    ServerOptions options;

    if (standard.empty()) {
      EXPECT_FALSE(spec.default_note.empty()) << spec.name;
    } else {
      EXPECT_TRUE(SetOption(spec, standard, options)) << spec.name;
      EXPECT_EQ(ShowOption(spec, options), standard) << spec.name;
    }
    for (absl::string_view value : spec.by_profile) {
      EXPECT_TRUE(value.empty() || SetOption(spec, value, options)) << spec.name;
    }
  }
}

TEST(OptionsTest, WithoutSourcesTheDefaultsHold) {
  const LoadedOptions loaded = LoadOptions(Sources({}));

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.options.pool.min, 5);
  EXPECT_EQ(loaded.options.pool.max, 20);
  EXPECT_EQ(loaded.options.port, 50051);
  EXPECT_EQ(loaded.options.database.url, "");
  EXPECT_EQ(loaded.options.database.data_dir, "/var/lib/aquifer");
  EXPECT_EQ(loaded.options.instance, "well-1-42");
}

TEST(OptionsTest, ProfilesSizeThePool) {
  struct Case {
    std::string profile;
    int min;
    int max;
  };
  for (const Case& expected : {Case{"development", 2, 10}, Case{"staging", 5, 20},
                               Case{"production", 5, 50}, Case{"none", 5, 20}}) {
    const LoadedOptions loaded = LoadOptions(Sources({{"AQUIFER_PROFILE", expected.profile}}));

    EXPECT_THAT(loaded.problems, IsEmpty()) << expected.profile;
    EXPECT_EQ(loaded.options.pool.min, expected.min) << expected.profile;
    EXPECT_EQ(loaded.options.pool.max, expected.max) << expected.profile;
  }
}

TEST(OptionsTest, EachSourceOutranksTheOneBefore) {
  const LoadedOptions loaded = LoadOptions(Sources(
      {{"AQUIFER_PROFILE", "production"}, {"AQUIFER_POOL_MAX", "30"}, {"AQUIFER_POOL_MIN", "7"}},
      {{"pool_max", "31"}}));

  EXPECT_EQ(loaded.options.pool.max, 31);
  EXPECT_EQ(SourceOf(loaded, "pool_max"), OptionSource::kFlag);
  EXPECT_EQ(loaded.options.pool.min, 7);
  EXPECT_EQ(SourceOf(loaded, "pool_min"), OptionSource::kEnvironment);
  EXPECT_EQ(SourceOf(LoadOptions(Sources({{"AQUIFER_PROFILE", "staging"}})), "pool_max"),
            OptionSource::kProfile);
  EXPECT_EQ(SourceOf(loaded, "port"), OptionSource::kDefault);
}

TEST(OptionsTest, SmallerPoolMaxTakesTheDefaultMinimumWithIt) {
  const LoadedOptions loaded = LoadOptions(Sources({{"AQUIFER_POOL_MAX", "3"}}));

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.options.pool.min, 3);
}

TEST(OptionsTest, UnitsAreAtTheEdgeOnly) {
  const LoadedOptions loaded = LoadOptions(Sources({{"AQUIFER_POOL_ACQUIRE_TIMEOUT_MS", "1500"}}));

  EXPECT_EQ(loaded.options.pool.acquire_timeout, absl::Milliseconds(1500));
}

TEST(OptionsTest, EveryProblemIsToldAtOnceWithWhatIsAllowed) {
  const LoadedOptions loaded =
      LoadOptions(Sources({{"AQUIFER_PORT", "65536"},
                           {"AQUIFER_LOG_LEVEL", "loud"},
                           {"AQUIFER_POOL_MXA", "3"},
                           {"AQUIFER_POOL_IDLE_TIMEOUT_MS", "30s"}},
                          {{"pool_min", "21"}, {"migrate_at_start", "maybe"}}));

  EXPECT_THAT(loaded.problems,
              UnorderedElementsAre(
                  "AQUIFER_PORT is \"65536\"; allowed: 0 to 65535",
                  "AQUIFER_LOG_LEVEL is \"loud\"; allowed: debug, info, warning, error, off",
                  "AQUIFER_POOL_MXA is no setting; did you mean AQUIFER_POOL_MAX?",
                  "AQUIFER_POOL_IDLE_TIMEOUT_MS is \"30s\"; allowed: 1000 to 86400000 ms",
                  "--migrate-at-start is \"maybe\"; allowed: true or false",
                  "pool_min 21 (flag) must be at most pool_max 20 (default)"));
}

TEST(OptionsTest, NumbersAreStrict) {
  for (const char* text : {"", " 5", "5 ", "0x5", "5.0", "five", "99999999999999999999"}) {
    const LoadedOptions loaded = LoadOptions(Sources({}, {{"pool_max", text}}));

    EXPECT_EQ(loaded.problems.size(), 1) << text;
  }
}

TEST(OptionsTest, AnEmptyVariableCountsAsNotSet) {
  const LoadedOptions loaded =
      LoadOptions(Sources({{"AQUIFER_POOL_MAX", ""}, {"DATABASE_URL", ""}}));

  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(SourceOf(loaded, "pool_max"), OptionSource::kDefault);
}

TEST(OptionsTest, PortsMustDiffer) {
  const LoadedOptions loaded = LoadOptions(Sources({}, {{"health_port", "50051"}}));

  EXPECT_THAT(loaded.problems,
              ElementsAre("health_port 50051 (flag) must be other than port 50051 (default)"));
}

TEST(OptionsTest, SocketIsAPathThatFitsItsAddressAndNeedsNoEscapes) {
  EXPECT_EQ(LoadOptions(Sources({})).options.socket, "");
  for (const std::string& path :
       {std::string("/run/aquifer/socket"), "/" + std::string(106, 's'), std::string()}) {
    const LoadedOptions loaded = LoadOptions(Sources({}, {{"socket", path}}));

    EXPECT_THAT(loaded.problems, IsEmpty()) << path;
    EXPECT_EQ(loaded.options.socket, path);
  }
  for (const std::string& path :
       {std::string("aquifer.sock"), std::string("unix:/run/socket"), "/" + std::string(107, 's'),
        std::string("/run/a b"), std::string("/run/100%"), std::string("/run/a,/run/b")}) {
    EXPECT_THAT(LoadOptions(Sources({{"AQUIFER_SOCKET", path}})).problems,
                ElementsAre("AQUIFER_SOCKET is \"" + path +
                            "\"; allowed: an absolute path of at most 107 letters, digits and "
                            "/._-+@"));
  }
}

TEST(OptionsTest, SocketModeIsOctalAndKeepsTheOwnerIn) {
  EXPECT_EQ(LoadOptions(Sources({})).options.socket_mode, "0660");
  for (const char* mode : {"0600", "0666", "0777"}) {
    EXPECT_THAT(LoadOptions(Sources({}, {{"socket_mode", mode}})).problems, IsEmpty()) << mode;
  }
  for (const char* mode : {"660", "0060", "0668", "1777", "-660", "06600", "rw-rw----"}) {
    EXPECT_EQ(LoadOptions(Sources({}, {{"socket_mode", mode}})).problems.size(), 1) << mode;
  }
}

TEST(OptionsTest, DatabaseUrlOutranksTheLibpqVariables) {
  const LoadedOptions loaded =
      LoadOptions(Sources({{"DATABASE_URL", "postgresql://db/fleet"}, {"PGHOST", "other"}}));

  EXPECT_EQ(loaded.options.database.url, "postgresql://db/fleet");
}

TEST(OptionsTest, LibpqVariablesTakeTheEmbeddedDatabasesPlace) {
  EXPECT_EQ(LoadOptions(Sources({{"PGHOST", "db"}})).options.database.url, "postgresql://");
  EXPECT_EQ(LoadOptions(Sources({{"PGDATABASE", "fleet"}})).options.database.url, "postgresql://");
  EXPECT_EQ(LoadOptions(Sources({{"PGUSER", "aquifer"}})).options.database.url, "");
}

TEST(OptionsTest, TwoDifferentUrlsAreAContradiction) {
  const LoadedOptions loaded =
      LoadOptions(Sources({{"DATABASE_URL", "postgresql://a/fleet"},
                           {"AQUIFER_DATABASE_URL", "postgresql://b/fleet"}}));

  EXPECT_THAT(loaded.problems,
              ElementsAre("AQUIFER_DATABASE_URL and DATABASE_URL differ; set only one of them"));
}

TEST(OptionsTest, ARefusedSecretIsNotShown) {
  for (const char* url :
       {"mysql://me:secret@db/fleet", "postgresql://me:sec/ret@db/fleet",
        "postgresql://me@db:secret/fleet", "host=db password=secret", "postgresql://%zzsecret"}) {
    const LoadedOptions loaded = LoadOptions(Sources({{"DATABASE_URL", url}}));

    EXPECT_THAT(loaded.problems,
                ElementsAre(AllOf(HasSubstr("DATABASE_URL"), Not(HasSubstr("sec")))))
        << url;
  }
}

TEST(OptionsTest, DataDirFollowsTheUser) {
  OptionSources sources = Sources({{"HOME", "/home/ann"}});
  sources.is_root = false;
  EXPECT_EQ(LoadOptions(sources).options.database.data_dir, "/home/ann/.local/share/aquifer");

  sources.environment["XDG_DATA_HOME"] = "/data/ann";
  EXPECT_EQ(LoadOptions(sources).options.database.data_dir, "/data/ann/aquifer");

  sources.environment.clear();
  EXPECT_THAT(LoadOptions(sources).problems, ElementsAre(HasSubstr("data_dir has no default")));
}

TEST(OptionsTest, ALongHostNameStillMakesAnInstanceName) {
  OptionSources sources = Sources({});
  sources.host_name = std::string(64, 'h');

  const LoadedOptions loaded = LoadOptions(sources);

  EXPECT_EQ(loaded.options.instance, std::string(37, 'h') + "-42");
}

TEST(OptionsReportTest, ShowsEverySettingItsSourceAndNoSecret) {
  const LoadedOptions loaded = LoadOptions(
      Sources({{"DATABASE_URL", "postgresql://me:secret@db/fleet?sslpassword=secret"}}));

  for (const std::string& report : {OptionsInForceAsTable(loaded), OptionsInForceAsJson(loaded)}) {
    for (const OptionSpec& spec : OptionTable()) {
      EXPECT_THAT(report, HasSubstr(std::string(spec.name)));
    }
    EXPECT_THAT(report, HasSubstr("postgresql://me:***@db/fleet?sslpassword=***"));
    EXPECT_THAT(report, Not(HasSubstr("secret")));
    EXPECT_THAT(report, HasSubstr("environment"));
  }
}

}  // namespace
}  // namespace aquifer
