#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/cli/csv.h"

namespace aquifer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// All records; the bad ones as the line they begin on and their problem.
std::vector<std::vector<std::string>> Read(const std::string& text) {
  std::istringstream stream(text);
  CountedInput input(stream);
  CsvReader reader(input);
  std::vector<std::vector<std::string>> records;
  for (CsvRecord record; reader.Next(record);) {
    records.push_back(record.fields);
    if (record.status.ok()) continue;
    records.back() = {std::to_string(record.line), std::string(record.status.message())};
  }
  return records;
}

TEST(CsvReaderTest, ReadsFieldsAndRecords) {
  EXPECT_THAT(Read("a,b\n1,\r\n,2"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("1", ""), ElementsAre("", "2")));
}

TEST(CsvReaderTest, ReadsQuotedCommasQuotesAndLineBreaks) {
  EXPECT_THAT(Read("\"a,b\",\"say \"\"yes\"\"\"\n\"two\r\nlines\",\"\"\r\n"),
              ElementsAre(ElementsAre("a,b", "say \"yes\""), ElementsAre("two\r\nlines", "")));
}

TEST(CsvReaderTest, ReadsUtf8BehindAByteOrderMark) {
  EXPECT_THAT(Read("\xEF\xBB\xBF"
                   "Олена,𐍈\n"),
              ElementsAre(ElementsAre("Олена", "𐍈")));
}

TEST(CsvReaderTest, PassesOverEmptyLines) {
  EXPECT_THAT(Read("\n\r\na\n\n\nb\n\n"), ElementsAre(ElementsAre("a"), ElementsAre("b")));
}

TEST(CsvReaderTest, HasNoRecordsInAnEmptyFile) { EXPECT_THAT(Read(""), ElementsAre()); }

TEST(CsvReaderTest, ToleratesNothingElseAndGoesOnOnTheNextLine) {
  const std::pair<std::string, std::string> cases[] = {
      {"a\"b,c", "a quote stands in a field that is not quoted"},
      {"\"a\"b,c", "text stands behind a closing quote"},
      {"a\rb,c", "a carriage return stands alone"},
      {"\xFF", "not UTF-8"}};
  for (const auto& [bad, problem] : cases) {
    EXPECT_THAT(
        Read("1,2\n" + bad + "\n3,4\n"),
        ElementsAre(ElementsAre("1", "2"), ElementsAre("2", problem), ElementsAre("3", "4")))
        << bad;
  }
}

TEST(CsvReaderTest, TellsWhereAQuoteBeganThatIsNeverClosed) {
  EXPECT_THAT(Read("1\n\"2\n3\n"),
              ElementsAre(ElementsAre("1"), ElementsAre("2", HasSubstr("never closed"))));
}

TEST(CsvReaderTest, CountsTheLinesThatQuotedFieldsTake) {
  std::istringstream stream("\"a\nb\"\nc\n");
  CountedInput input(stream);
  CsvReader reader(input);
  CsvRecord record;

  ASSERT_TRUE(reader.Next(record) && reader.Next(record));

  EXPECT_EQ(record.line, 3);
  EXPECT_EQ(input.line(), 4);
  EXPECT_EQ(input.bytes(), 8);
}

TEST(CsvLineTest, IsReadBackAsItWas) {
  const std::vector<std::string> fields = {"plain",        "a,b", "say \"yes\"",
                                           "two\r\nlines", "",    "Олена"};

  EXPECT_THAT(Read(CsvLine(fields)), ElementsAre(fields));
}

TEST(CsvLineTest, QuotesOnlyWhereItMust) {
  EXPECT_EQ(CsvLine({"a b", "1,5", "\""}), "a b,\"1,5\",\"\"\"\"\n");
}

TEST(IsUtf8Test, RefusesWhatIsNoCharacter) {
  for (const char* text : {"", "a", "ї", "€", "\xF4\x8F\xBF\xBF"}) EXPECT_TRUE(IsUtf8(text));
  // A lone continuation, a short sequence, two overlong ones, a surrogate, beyond the last.
  for (const char* text :
       {"\x80", "\xD0", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xD0"
        "a"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

}  // namespace
}  // namespace aquifer::cli
