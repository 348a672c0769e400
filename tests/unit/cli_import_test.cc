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
      for (const v1::CollectionLine& line : request.lines()) {
        v1::RecordResult& result = *answer.add_results();
        const bool is_bad = line.device_id() == "7" || line.device_id() == "2000";
        result.set_outcome(is_bad ? v1::RECORD_OUTCOME_REJECTED : v1::RECORD_OUTCOME_INSERTED);
        if (is_bad) result.mutable_rejection()->add_problems()->set_field("lines[0].device_id");
      }
      answer.mutable_counts()->set_inserted(request.lines_size());
      return answer;
    });
  }

  // Imports the file while the server answers this many calls.
  int Import(int calls) {
    calls_left_ = calls;
    told_.str("");
    return RunCommandLine(
        {"--address", server_.endpoint(), "collections", "import", file_, "--rejects", rejects_},
        [](const char*) { return std::string(); }, {.in = none_, .out = told_, .err = told_});
  }

  bool HasPlace() const { return std::filesystem::exists(file_ + ".aquifer-resume"); }

  testing::TemporaryDirectory directory_;
  const std::string file_ = directory_.path() + "/lines.csv";
  const std::string rejects_ = directory_.path() + "/rejects";
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
  EXPECT_EQ(Import(2), kExitRejectedLines);

  EXPECT_THAT(told_.str(), HasSubstr("going on at line 1002"));
  EXPECT_THAT(told_.str(), HasSubstr("1500 lines: 1500 inserted"));
  EXPECT_FALSE(HasPlace());
}

TEST_F(CliImportTest, KeepsTheRejectedLinesOfAllStarts) {
  Import(1);
  Import(2);

  std::ifstream rejects(rejects_);
  std::ostringstream text;
  text << rejects.rdbuf();
  EXPECT_EQ(text.str(), file_ + ":8: device_id \n" + file_ + ":2001: device_id \n");
}

TEST_F(CliImportTest, KeepsNoPlaceBeforeAnythingIsStored) {
  EXPECT_EQ(Import(0), kExitFailed);

  EXPECT_FALSE(HasPlace());
}

TEST_F(CliImportTest, IgnoresAPlaceThatIsDamaged) {
  std::ofstream(file_ + ".aquifer-resume") << "aquifer-import-1 nonsense";

  EXPECT_EQ(Import(3), kExitRejectedLines);

  EXPECT_THAT(told_.str(), HasSubstr("2500 lines: 2500 inserted"));
}

}  // namespace
}  // namespace aquifer::cli
