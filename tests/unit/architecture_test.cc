// The arrows of dependence, kept line by line where the link targets cannot see them.
#include <absl/strings/match.h>
#include <absl/strings/strip.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace aquifer {
namespace {

namespace fs = std::filesystem;

bool IsSource(const fs::path& path) {
  return path.extension() == ".h" || path.extension() == ".cc";
}

// The files below `folder` that hold an include which `is_forbidden`, each with that include.
std::string Offenders(const std::string& folder,
                      const std::function<bool(absl::string_view)>& is_forbidden) {
  const fs::path root = fs::path(AQUIFER_SOURCE_DIR) / folder;
  std::string offenders;
  if (!fs::exists(root)) return offenders;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || !IsSource(entry.path())) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      absl::string_view include = line;
      if (!absl::ConsumePrefix(&include, "#include ") || !is_forbidden(include)) continue;
      offenders += entry.path().string() + ": " + std::string(include) + "\n";
    }
  }
  return offenders;
}

bool IsGrpc(absl::string_view include) {
  return absl::StartsWith(include, "<grpc") || absl::StrContains(include, ".grpc.pb.h");
}

bool IsFolder(absl::string_view include, absl::string_view folder) {
  return absl::StartsWith(include, "\"") && absl::StartsWith(include.substr(1), folder);
}

TEST(ArchitectureTest, RepositoriesAndDatabaseKnowNoGrpc) {
  EXPECT_EQ(Offenders("repositories", IsGrpc), "");
  EXPECT_EQ(Offenders("server/database", IsGrpc), "");
}

TEST(ArchitectureTest, RepositoriesKnowNoServer) {
  EXPECT_EQ(Offenders("repositories",
                      [](absl::string_view include) {
                        return IsFolder(include, "server/") || IsFolder(include, "client/");
                      }),
            "");
}

TEST(ArchitectureTest, DatabaseKnowsNoRpcAndNoHealth) {
  EXPECT_EQ(Offenders("server/database",
                      [](absl::string_view include) {
                        return IsFolder(include, "server/rpc/") ||
                               IsFolder(include, "server/health/");
                      }),
            "");
}

TEST(ArchitectureTest, ClientKnowsOnlyTheApi) {
  EXPECT_EQ(Offenders("client",
                      [](absl::string_view include) {
                        return IsFolder(include, "server/") || IsFolder(include, "repositories/") ||
                               absl::StartsWith(include, "<pqxx");
                      }),
            "");
}

TEST(ArchitectureTest, NothingKnowsTheTests) {
  for (const char* folder : {"client", "repositories", "server"}) {
    EXPECT_EQ(Offenders(folder,
                        [](absl::string_view include) {
                          return IsFolder(include, "tests/") || absl::StartsWith(include, "<gtest");
                        }),
              "");
  }
}

}  // namespace
}  // namespace aquifer
