#include <gtest/gtest.h>

#include "aquifer/v1/collection.pb.h"
#include "aquifer/v1/maintenance.pb.h"
#include "client/cli/message_text.h"
#include "client/cli/table.h"

namespace aquifer::cli {
namespace {

TEST(TableTest, AlignsByCharactersAndEndsLinesWithoutBlanks) {
  EXPECT_EQ(RenderTable({{"name"}, {"total", Align::kRight}, {"note"}},
                        {{"Олена", "14.50", ""}, {"Ян", "1520.00", "twice"}}),
            "name     total  note\n"
            "Олена    14.50\n"
            "Ян     1520.00  twice\n");
}

TEST(TableTest, ShowsHeadersAloneAndShortRows) {
  EXPECT_EQ(RenderTable({{"a"}, {"b"}}, {}), "a  b\n");
  EXPECT_EQ(RenderTable({{"a"}, {"b"}}, {{"1"}}), "a  b\n1\n");
}

TEST(TableTest, ShowsARecordDownwards) {
  EXPECT_EQ(RenderRecord({{"id"}, {"name"}}, {"1", "Олена"}), "id    1\nname  Олена\n");
}

TEST(TableTest, KeepsTextsFromSpeakingToTheTerminal) {
  EXPECT_EQ(Harmless("a\033[2Jb\nc\x7F\xC2\x9B"
                     "d Ї"),
            "a?[2Jb?c??d Ї");
}

TEST(MessageTextTest, WritesAndReadsEachKindOfField) {
  v1::ListTasksRequest request;

  ASSERT_TRUE(
      SetField(request, "filter.types", {"filter-replacement", "TASK_TYPE_SYSTEM_CLEANING"}).ok());
  ASSERT_TRUE(SetField(request, "filter.days", {"2026-02-27..2026-03-01"}).ok());
  ASSERT_TRUE(SetField(request, "filter.unassigned_only", {"yes"}).ok());
  ASSERT_TRUE(SetField(request, "filter.overdue_at", {"2026-03-28T12:05:09Z"}).ok());
  ASSERT_TRUE(SetField(request, "page_size", {"7"}).ok());

  EXPECT_EQ(request.filter().types(1), v1::TASK_TYPE_SYSTEM_CLEANING);
  EXPECT_EQ(TextOf(request, "filter.days.last"), "2026-03-01");
  EXPECT_EQ(TextOf(request, "filter.unassigned_only"), "yes");
  EXPECT_EQ(TextOf(request, "filter.overdue_at"), "2026-03-28T12:05:09Z");
  EXPECT_EQ(TextOf(request, "page_size"), "7");
}

TEST(MessageTextTest, RefusesWhatIsNotExactlyRight) {
  const std::pair<const char*, const char*> cases[] = {
      {"filter.types", "filter"},
      {"filter.days", "2026-02-30"},
      {"filter.days", "2026-3-1"},
      {"filter.days", "2026-03-01.."},
      {"filter.unassigned_only", "true"},
      {"filter.overdue_at", "yesterday"},
      {"page_size", "7.0"},
      {"filter.technician_ids", "99999999999999999999"}};
  for (const auto& [field, text] : cases) {
    v1::ListTasksRequest request;
    EXPECT_EQ(SetField(request, field, {text}).code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(MessageTextTest, ShowsMoneyAndNothingForNothing) {
  v1::Collection line;
  line.set_banknotes_minor(5);

  EXPECT_EQ(TextOf(line, "banknotes_minor"), "0.05");
  EXPECT_EQ(TextOf(line, "coins_minor"), "0.00");
  EXPECT_EQ(TextOf(line, "collected_at"), "");
  EXPECT_EQ(TextOf(line, "collector.text"), "");
  EXPECT_EQ(MoneyText(152050), "1520.50");
  EXPECT_EQ(MoneyText(-5), "-0.05");
  EXPECT_EQ(MoneyText(INT64_MIN), "-92233720368547758.08");
}

}  // namespace
}  // namespace aquifer::cli
