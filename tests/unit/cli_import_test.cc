// The import of a file where the server says no in its middle.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "aquifer/fake_server.h"
#include "client/cli/command_line.h"
#include "client/cli/exit_code.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer::cli {
namespace {

using ::testing::HasSubstr;

class CliImportTest : public ::testing::Test {
 protected:
  CliImportTest() {
    std::ofstream file(file_);
    file << "device_id,wall_time\n";
    for (int i = 1; i <= 2500; ++i) file << i << ",2026-03-28 14:05:09\n";
    server_.On([this](const v1::RecordCollectionsRequest& request)
                   -> absl::StatusOr<v1::RecordCollectionsResponse> {
      if (calls_left_-- <= 0) {
        return client::ErrorWith(absl::StatusCode::kPermissionDenied, "not now",
                                 {.reason = "DENIED"});
      }
      v1::RecordCollectionsResponse answer;
      for (int i = 0; i < request.lines_size(); ++i) {
        answer.add_results()->set_outcome(v1::RECORD_OUTCOME_INSERTED);
      }
      answer.mutable_counts()->set_inserted(request.lines_size());
      return answer;
    });
  }

  // Imports the file while the server answers this many calls.
  int Import(int calls) {
    calls_left_ = calls;
    told_.str("");
    return RunCommandLine({"collections", "import", file_}, server_.endpoint(),
                          {.in = none_, .out = told_, .err = told_});
  }

  bool HasPlace() const { return std::filesystem::exists(file_ + ".aquifer-resume"); }

  testing::TemporaryDirectory directory_;
  const std::string file_ = directory_.path() + "/lines.csv";
  client::FakeServer server_;
  std::atomic<int> calls_left_ = 0;
  std::istringstream none_;
  std::ostringstream told_;
};

TEST_F(CliImportTest, GoesOnWhereItWasInterruptedHoweverOften) {
  EXPECT_EQ(Import(1), kExitFailed);
  EXPECT_THAT(told_.str(), HasSubstr("interrupted at line 1002"));
  EXPECT_EQ(Import(0), kExitFailed);
  EXPECT_THAT(told_.str(), HasSubstr("going on at line 1002"));
  EXPECT_EQ(Import(2), kExitOk);

  EXPECT_THAT(told_.str(), HasSubstr("going on at line 1002"));
  EXPECT_THAT(told_.str(), HasSubstr("1500 lines: 1500 inserted"));
  EXPECT_FALSE(HasPlace());
}

TEST_F(CliImportTest, KeepsNoPlaceBeforeAnythingIsStored) {
  EXPECT_EQ(Import(0), kExitFailed);

  EXPECT_FALSE(HasPlace());
}

TEST_F(CliImportTest, IgnoresAPlaceThatIsDamaged) {
  std::ofstream(file_ + ".aquifer-resume") << "aquifer-import-1 nonsense";

  EXPECT_EQ(Import(3), kExitOk);

  EXPECT_THAT(told_.str(), HasSubstr("2500 lines: 2500 inserted"));
}

}  // namespace
}  // namespace aquifer::cli
