// What the client's README shows in C++ is what client/quickstart compiles and runs.
#include <absl/strings/match.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "server/database/whole_file.h"

namespace aquifer {
namespace {

// The text without its white space.
std::string Squeezed(const std::string& text) {
  std::istringstream words(text);
  std::string squeezed;
  for (std::string word; words >> word;) squeezed += word;
  return squeezed;
}

TEST(ClientReadmeTest, EverySnippetStandsInAProgramThatRuns) {
  const std::filesystem::path client = AQUIFER_SOURCE_DIR "/client";
  std::string programs;
  for (const auto& entry : std::filesystem::directory_iterator(client / "quickstart")) {
    programs += Squeezed(ReadWhole(entry.path()));
  }
  const std::string readme = ReadWhole(client / "README.md");
  const std::string fence = "```cpp\n";
  int snippets = 0;

  for (std::size_t at = readme.find(fence); at != std::string::npos; at = readme.find(fence, at)) {
    at += fence.size();
    const std::string snippet = readme.substr(at, readme.find("```", at) - at);
    EXPECT_TRUE(absl::StrContains(programs, Squeezed(snippet))) << snippet;
    ++snippets;
  }

  EXPECT_GE(snippets, 5);
}

}  // namespace
}  // namespace aquifer
