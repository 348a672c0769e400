#include "server/database/migration_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "server/database/whole_file.h"
#include "tests/testing/temporary_directory.h"

namespace aquifer {
namespace {

TEST(MigrationFilesTest, NextNumberIsTakenAndIndexed) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory.path() + "/index.txt") << "0001_a\n0002_b\n";

  const auto files = CreateMigrationFiles(directory.path(), "add_shifts");

  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->up, directory.path() + "/0003_add_shifts.up.sql");
  EXPECT_TRUE(std::filesystem::exists(files->down));
  EXPECT_EQ(ReadWhole(directory.path() + "/index.txt"), "0001_a\n0002_b\n0003_add_shifts\n");
}

TEST(MigrationFilesTest, BadNamesAreRefused) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory.path() + "/index.txt") << "";

  for (const char* name : {"", "Add", "1a", "a-b", "../a", "a b"}) {
    EXPECT_EQ(CreateMigrationFiles(directory.path(), name).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(MigrationFilesTest, OtherDirectoryIsRefused) {
  testing::TemporaryDirectory directory;

  const auto files = CreateMigrationFiles(directory.path(), "a");

  EXPECT_EQ(files.status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace aquifer
