#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/cli/line_file.h"

namespace aquifer::cli {
namespace {

using ::testing::HasSubstr;

// The lines of a file that has them all right.
std::vector<v1::CollectionLine> Read(Format format, const std::string& text) {
  std::istringstream stream(text);
  auto reader = ReadLines(format, stream);
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<v1::CollectionLine> lines;
  for (FileLine line; reader.ok() && (*reader)->Next(line); lines.push_back(line.line)) {
    EXPECT_TRUE(line.status.ok()) << line.number << " " << line.status;
  }
  return lines;
}

std::string HeaderProblem(const std::string& header) {
  std::istringstream stream(header);
  return std::string(ReadLines(Format::kCsv, stream).status().message());
}

v1::Collection StoredLine() {
  v1::Collection stored;
  stored.set_device_id("0_Cards");
  stored.mutable_collected_at()->set_seconds(1774699509);
  stored.mutable_collected_at()->set_nanos(123456000);
  stored.set_banknotes_minor(152050);
  stored.set_coins_minor(7);
  stored.mutable_collector()->set_text("Олена, \"О\"");
  stored.set_note("two\nlines");
  return stored;
}

TEST(LineFileTest, LeavesTheReadingOfAmountsToTheServer) {
  const auto lines = Read(Format::kCsv,
                          "device_id,wall_time,banknotes,coins\n"
                          "164,2026-03-28 14:05:09,01520.5,free\n");

  ASSERT_EQ(lines.size(), 1);
  EXPECT_EQ(lines[0].banknotes_text(), "01520.5");
  EXPECT_EQ(lines[0].coins_text(), "free");
  EXPECT_EQ(lines[0].wall_time(), "2026-03-28 14:05:09");
}

TEST(LineFileTest, ReadsBackWhatIsExported) {
  for (const Format format : {Format::kCsv, Format::kJsonLines}) {
    const auto lines = Read(format, HeaderOf(format) + TextOfLine(format, StoredLine()).value());

    ASSERT_EQ(lines.size(), 1);
    EXPECT_EQ(lines[0].device_id(), "0_Cards");
    EXPECT_EQ(lines[0].collected_at().nanos(), 123456000);
    EXPECT_EQ(lines[0].collector(), "Олена, \"О\"");
    EXPECT_EQ(lines[0].note(), "two\nlines");
    if (format == Format::kCsv) {
      EXPECT_EQ(lines[0].banknotes_text(), "1520.50");
      EXPECT_EQ(lines[0].coins_text(), "0.07");
    } else {
      EXPECT_EQ(lines[0].banknotes_minor(), 152050);
    }
  }
}

TEST(LineFileTest, RefusesHeadersThatLoseSomething) {
  EXPECT_THAT(HeaderProblem("device_id,banknote\n"), HasSubstr("\"banknote\" is none of"));
  EXPECT_THAT(HeaderProblem("coins,coins\n"), HasSubstr("say the same"));
  EXPECT_THAT(HeaderProblem("wall_time,collected_at\n"), HasSubstr("say the same"));
  EXPECT_THAT(HeaderProblem(""), HasSubstr("empty"));
}

TEST(LineFileTest, TellsTheLineThatIsWrongAndGoesOn) {
  std::istringstream stream(
      "device_id,collected_at\n1,2026-03-28T12:05:09Z\n2\n3,noon\n4,2026-03-28T12:05:09Z\n");
  const auto reader = ReadLines(Format::kCsv, stream);
  ASSERT_TRUE(reader.ok());
  std::vector<std::int64_t> wrong;

  for (FileLine line; (*reader)->Next(line);) {
    if (!line.status.ok()) wrong.push_back(line.number);
  }

  EXPECT_EQ(wrong, (std::vector<std::int64_t>{3, 4}));
}

TEST(LineFileTest, RefusesJsonThatIsNoLine) {
  std::istringstream stream("{\"device_id\":\"1\"}\n\n{\"devise\":1}\n[]\n{\"coins_minor\":1.5}\n");
  const auto reader = ReadLines(Format::kJsonLines, stream);
  std::vector<std::int64_t> wrong;

  for (FileLine line; (*reader)->Next(line);) {
    if (!line.status.ok()) wrong.push_back(line.number);
  }

  EXPECT_EQ(wrong, (std::vector<std::int64_t>{3, 4, 5}));
}

TEST(LineFileTest, KnowsItsFormats) {
  EXPECT_EQ(FormatOf("", "a.jsonl").value(), Format::kJsonLines);
  EXPECT_EQ(FormatOf("", "-").value(), Format::kCsv);
  EXPECT_EQ(FormatOf("csv", "a.jsonl").value(), Format::kCsv);
  EXPECT_FALSE(FormatOf("xml", "a").ok());
}

}  // namespace
}  // namespace aquifer::cli
