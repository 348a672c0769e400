#include "server/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace aquifer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Runs command lines and keeps what they called and wrote.
class CommandLineTest : public ::testing::Test {
 protected:
  int Run(const std::vector<std::string>& arguments) {
    const Commands commands = {
        .serve =
            [this](const ServerOptions& options) {
              served_ = options;
              return kExitOk;
            },
        .migrate =
            [this](const ServerOptions&, const MigrateArguments& migration, std::ostream&,
                   std::ostream&) {
              migrated_ = migration;
              return kExitFailure;
            },
        .rollup =
            [this](const ServerOptions&, RollupAction action, std::ostream&, std::ostream&) {
              rolled_up_ = action;
              return kExitOk;
            }};
    return RunCommandLine(arguments, {.environment = environment_, .is_root = true}, commands, out_,
                          err_);
  }

  std::map<std::string, std::string> environment_;
  std::optional<ServerOptions> served_;
  std::optional<MigrateArguments> migrated_;
  std::optional<RollupAction> rolled_up_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandLineTest, ServesWithoutACommand) {
  EXPECT_EQ(Run({}), kExitOk);

  ASSERT_TRUE(served_);
  EXPECT_EQ(served_->port, 50051);
}

TEST_F(CommandLineTest, TakesFlagsBeforeAndAfterTheCommand) {
  EXPECT_EQ(Run({"--port", "0", "serve", "--data-dir=/srv/wells"}), kExitOk);

  ASSERT_TRUE(served_);
  EXPECT_EQ(served_->port, 0);
  EXPECT_EQ(served_->database.data_dir, "/srv/wells");
}

TEST_F(CommandLineTest, TellsEveryProblemAndServesNothing) {
  environment_ = {{"AQUIFER_POOL_MAX", "none"}};

  EXPECT_EQ(Run({"serve", "--porrt", "1", "--password=secret", "--port", "x"}), kExitUsage);

  EXPECT_FALSE(served_);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("--porrt is no flag here; did you mean --port?"),
                    HasSubstr("--password is no flag"), HasSubstr("--port is \"x\""),
                    HasSubstr("AQUIFER_POOL_MAX is \"none\""), Not(HasSubstr("secret"))));
}

TEST_F(CommandLineTest, RefusesAnUnknownCommand) {
  EXPECT_EQ(Run({"frobnicate"}), kExitUsage);

  EXPECT_THAT(err_.str(), HasSubstr("\"frobnicate\" is no command"));
}

TEST_F(CommandLineTest, ReadsAMigration) {
  EXPECT_EQ(
      Run({"migrate", "down", "--to", "3", "--yes", "--lock-timeout-ms", "250", "--pool-max", "7"}),
      kExitFailure);

  ASSERT_TRUE(migrated_);
  EXPECT_EQ(migrated_->action, MigrateAction::kDown);
  EXPECT_EQ(migrated_->to, 3);
  EXPECT_EQ(migrated_->steps, std::nullopt);
  EXPECT_TRUE(migrated_->yes);
  EXPECT_FALSE(migrated_->dry_run);
  EXPECT_EQ(migrated_->lock_timeout, absl::Milliseconds(250));
}

TEST_F(CommandLineTest, RefusesAMigrationAskedWrongly) {
  EXPECT_EQ(Run({"migrate"}), kExitUsage);
  EXPECT_EQ(Run({"migrate", "up", "--to", "3", "--steps", "1"}), kExitUsage);
  EXPECT_EQ(Run({"migrate", "up", "--to", "-1"}), kExitUsage);
  EXPECT_EQ(Run({"migrate", "create"}), kExitUsage);

  EXPECT_FALSE(migrated_);
}

TEST_F(CommandLineTest, ReadsWhatToDoWithTheRollup) {
  EXPECT_EQ(Run({"rollup", "rebuild", "--pool-max", "7"}), kExitOk);
  EXPECT_EQ(rolled_up_, RollupAction::kRebuild);

  rolled_up_.reset();
  EXPECT_EQ(Run({"rollup"}), kExitUsage);
  EXPECT_EQ(Run({"rollup", "mend"}), kExitUsage);
  EXPECT_FALSE(rolled_up_);
}

TEST_F(CommandLineTest, HelpHasExamplesEverywhere) {
  const std::vector<std::vector<std::string>> kHelps = {{"--help"},
                                                        {"serve", "--help"},
                                                        {"config", "--help"},
                                                        {"migrate", "--help"},
                                                        {"rollup", "--help"}};
  for (const auto& arguments : kHelps) {
    out_.str("");

    EXPECT_EQ(Run(arguments), kExitOk);

    EXPECT_THAT(out_.str(), HasSubstr("Examples:"));
  }
}

TEST_F(CommandLineTest, ServeHelpListsEverySetting) {
  EXPECT_EQ(Run({"serve", "--help"}), kExitOk);

  for (const OptionSpec& spec : OptionTable()) {
    EXPECT_THAT(out_.str(), HasSubstr(FlagOf(spec)));
  }
}

TEST_F(CommandLineTest, ShowsTheVersion) {
  EXPECT_EQ(Run({"version"}), kExitOk);

  EXPECT_THAT(out_.str(), HasSubstr("aquifer-server "));
}

TEST_F(CommandLineTest, ShowsTheOptionsInForce) {
  EXPECT_EQ(Run({"config", "--profile", "production", "--json"}), kExitOk);

  EXPECT_THAT(out_.str(), HasSubstr("\"pool_max\": {\"value\": 50, \"source\": \"profile\"}"));
}

}  // namespace
}  // namespace aquifer
