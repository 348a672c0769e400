#include "server/database/postgres_programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/testing/temporary_directory.h"

namespace aquifer {
namespace {

using ::testing::HasSubstr;

// A directory that looks like an installation of one version.
void PretendInstalled(const std::string& bindir, const std::string& version) {
  std::filesystem::create_directories(bindir);
  for (const char* name : {"/postgres", "/initdb"}) {
    std::ofstream(bindir + name) << "#!/bin/sh\necho 'postgres (PostgreSQL) " << version << "'\n";
    chmod((bindir + name).c_str(), 0755);
  }
}

Account Self() { return {geteuid(), getegid(), {}, "self"}; }

TEST(PostgresProgramsTest, NewestSupportedVersionIsTaken) {
  testing::TemporaryDirectory root;
  for (int major : {12, 13, 17, 99}) {
    PretendInstalled(root.path() + "/" + std::to_string(major) + "/bin", "");
  }

  const auto programs = FindPostgres("", Self(), std::nullopt, root.path());

  ASSERT_TRUE(programs.ok()) << programs.status();
  EXPECT_EQ(programs->major, 17);
  EXPECT_EQ(programs->postgres, root.path() + "/17/bin/postgres");
}

TEST(PostgresProgramsTest, ExistingDataKeepsItsVersion) {
  testing::TemporaryDirectory root;
  PretendInstalled(root.path() + "/13/bin", "");
  PretendInstalled(root.path() + "/17/bin", "");

  const auto programs = FindPostgres("", Self(), 13, root.path());

  ASSERT_TRUE(programs.ok()) << programs.status();
  EXPECT_EQ(programs->major, 13);
}

TEST(PostgresProgramsTest, MissingProgramsNameTheInstallCommand) {
  testing::TemporaryDirectory root;

  const auto any = FindPostgres("", Self(), std::nullopt, root.path());
  const auto exact = FindPostgres("", Self(), 14, root.path());

  EXPECT_THAT(std::string(any.status().message()), HasSubstr("apt-get install --yes postgresql "));
  EXPECT_THAT(std::string(exact.status().message()),
              HasSubstr("apt-get install --yes postgresql-14 "));
}

TEST(PostgresProgramsTest, GivenDirectoryIsAskedForItsVersion) {
  testing::TemporaryDirectory root;
  PretendInstalled(root.path() + "/it's here", "16.4 (Debian 16.4-1)");

  const auto programs = FindPostgres(root.path() + "/it's here", Self(), std::nullopt);
  const auto other = FindPostgres(root.path() + "/it's here", Self(), 15);

  ASSERT_TRUE(programs.ok()) << programs.status();
  EXPECT_EQ(programs->major, 16);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("made by PostgreSQL 15"));
}

TEST(PostgresProgramsTest, GivenProgramIsRunAsPostgresAccountNeverAsRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "not root: there is one account only";
  const auto account = PostgresAccount();
  ASSERT_TRUE(account.ok()) << account.status();
  testing::TemporaryDirectory root;
  PretendInstalled(root.path(), "15.1");
  std::ofstream(root.path() + "/postgres")
      << "#!/bin/sh\necho 'postgres (PostgreSQL) 15.1'\nid -u > '" << root.path() << "/ran_as'\n";
  std::ofstream(root.path() + "/ran_as") << "";
  chmod((root.path() + "/ran_as").c_str(), 0666);

  const auto programs = FindPostgres(root.path(), *account, std::nullopt);

  ASSERT_TRUE(programs.ok()) << programs.status();
  uid_t ran_as = 0;
  std::ifstream(root.path() + "/ran_as") >> ran_as;
  EXPECT_EQ(ran_as, account->uid);
}

TEST(PostgresProgramsTest, GivenProgramThatCannotRunIsNamed) {
  testing::TemporaryDirectory root;
  PretendInstalled(root.path(), "15.1");
  std::ofstream(root.path() + "/postgres") << "#!/no/such/interpreter\n";

  const auto programs = FindPostgres(root.path(), Self(), std::nullopt);

  EXPECT_THAT(std::string(programs.status().message()),
              HasSubstr("cannot run " + root.path() + "/postgres as user self"));
}

TEST(PostgresProgramsTest, GivenDirectoryWithoutProgramsIsRefused) {
  testing::TemporaryDirectory root;

  const auto programs = FindPostgres(root.path(), Self(), std::nullopt);

  EXPECT_EQ(programs.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(programs.status().message()), HasSubstr(root.path()));
}

}  // namespace
}  // namespace aquifer
