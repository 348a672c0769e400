// The README's tables are what the program says of itself; tests/update-docs rewrites them.
#include "server/documentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "repositories/errors.h"
#include "server/database/whole_file.h"

namespace aquifer {
namespace {

using ::testing::HasSubstr;

// What stands between a table's marker lines in README.md.
std::string TableInReadme(const std::string& name) {
  const std::string readme = ReadWhole(AQUIFER_SOURCE_DIR "/README.md");
  const std::string begin = "<!-- begin: " + name + " -->\n";
  const std::size_t start = readme.find(begin);
  const std::size_t end = readme.find("<!-- end -->", start);
  if (start == std::string::npos || end == std::string::npos) return "no markers";
  return readme.substr(start + begin.size(), end - start - begin.size());
}

TEST(DocumentationTest, ReadmeHasTheTablesInForce) {
  EXPECT_EQ(TableInReadme("options"), OptionsMarkdown()) << "run tests/update-docs";
  EXPECT_EQ(TableInReadme("errors"), ErrorsMarkdown()) << "run tests/update-docs";
  EXPECT_EQ(TableInReadme("rpcs"), RpcsMarkdown()) << "run tests/update-docs";
  EXPECT_EQ(TableInReadme("moves"), TaskMovesMarkdown()) << "run tests/update-docs";
}

TEST(DocumentationTest, RpcTableHasEveryMethodOfEveryProto) {
  const std::string table = RpcsMarkdown();
  const auto protos = std::filesystem::path(AQUIFER_SOURCE_DIR) / "proto/aquifer/v1";

  for (const auto& entry : std::filesystem::directory_iterator(protos)) {
    std::istringstream text(ReadWhole(entry.path()));
    for (std::string line; std::getline(text, line);) {
      if (line.rfind("  rpc ", 0) != 0) continue;
      const std::string method = line.substr(6, line.find('(') - 6);
      EXPECT_THAT(table, HasSubstr("`" + method + "`"));
    }
  }
}

TEST(DocumentationTest, EveryMethodHasAPolicy) {
  EXPECT_EQ(RpcsMarkdown().find("unspecified"), std::string::npos);
  EXPECT_EQ(RpcsMarkdown().find("unknown"), std::string::npos);
}

TEST(DocumentationTest, CatalogueStandsInTheOrderOfReasons) {
  for (std::size_t i = 0; i < ErrorCatalogue().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(ErrorCatalogue()[i].reason), i) << ErrorCatalogue()[i].name;
  }
}

}  // namespace
}  // namespace aquifer
