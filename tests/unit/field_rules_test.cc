#include "repositories/field_rules.h"

#include <gmock/gmock.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "aquifer/v1/collection.pb.h"
#include "aquifer/v1/transaction.pb.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> FieldsOf(const google::protobuf::Message& message) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : CheckFieldRules(message)) {
    fields.push_back(violation.field);
  }
  return fields;
}

v1::RecordCollectionRequest GoodRequest() {
  v1::RecordCollectionRequest request;
  request.mutable_line()->set_device_id("164");
  request.mutable_line()->set_wall_time("2026-03-28 14:05:09");
  request.mutable_line()->set_banknotes_minor(152000);
  return request;
}

TEST(FieldRulesTest, GoodRequestHasNoViolation) { EXPECT_THAT(FieldsOf(GoodRequest()), IsEmpty()); }

TEST(FieldRulesTest, EveryBadFieldIsNamedAtOnce) {
  v1::RecordCollectionRequest request;
  request.mutable_line()->set_device_id(std::string(65, 'x'));
  request.mutable_line()->set_coins_minor(-1);
  request.mutable_line()->set_note(std::string("a\0b", 3));

  EXPECT_THAT(FieldsOf(request),
              ElementsAre("line.when", "line.device_id", "line.coins_minor", "line.note"));
}

TEST(FieldRulesTest, AbsentRequiredMessageIsNamed) {
  EXPECT_THAT(FieldsOf(v1::RecordCollectionRequest()), ElementsAre("line"));
}

TEST(FieldRulesTest, LengthCountsCharactersNotBytes) {
  v1::RecordCollectionRequest request = GoodRequest();
  std::string text;
  for (int i = 0; i < 256; ++i) text += "ї";
  request.mutable_line()->set_collector(text);

  EXPECT_THAT(FieldsOf(request), IsEmpty());

  request.mutable_line()->set_collector(text + "ї");
  EXPECT_THAT(FieldsOf(request), ElementsAre("line.collector"));
}

TEST(FieldRulesTest, NumbersKeepTheirRange) {
  v1::RecordCollectionRequest request = GoodRequest();
  request.mutable_line()->set_banknotes_minor(1000000000000);
  EXPECT_THAT(FieldsOf(request), ElementsAre("line.banknotes_minor"));

  request.mutable_line()->set_banknotes_minor(std::numeric_limits<std::int64_t>::min());
  EXPECT_THAT(FieldsOf(request), ElementsAre("line.banknotes_minor"));
}

TEST(FieldRulesTest, ZeroBelowTheLeastIsRefusedInAChosenMember) {
  v1::GetCollectionRequest request;
  request.set_id(0);

  EXPECT_THAT(FieldsOf(request), ElementsAre("id"));
}

TEST(FieldRulesTest, UndeclaredEnumValueIsRefused) {
  v1::ListCollectionsRequest request;
  request.set_order(static_cast<v1::CollectionOrder>(17));

  EXPECT_THAT(FieldsOf(request), ElementsAre("order"));
}

TEST(FieldRulesTest, ElementsAreNamedByIndex) {
  v1::ListCollectionsRequest request;
  request.mutable_filter()->add_worker_ids(7);
  request.mutable_filter()->add_worker_ids(0);
  request.mutable_filter()->add_device_ids(std::string("\0", 1));

  EXPECT_THAT(FieldsOf(request), ElementsAre("filter.device_ids[0]", "filter.worker_ids[1]"));
}

TEST(FieldRulesTest, ElementsAloneAreLeftToTheRepository) {
  v1::RecordCollectionsRequest request;
  request.add_lines();

  EXPECT_THAT(FieldsOf(request), IsEmpty());
  EXPECT_EQ(CheckFieldRules(request.lines(0), "lines[0]").front().field, "lines[0].when");
}

TEST(FieldRulesTest, ListsAreBounded) {
  v1::RecordCollectionsRequest request;
  EXPECT_THAT(FieldsOf(request), ElementsAre("lines"));

  for (int i = 0; i < 1001; ++i) request.add_lines();
  EXPECT_THAT(FieldsOf(request), ElementsAre("lines"));
}

TEST(FieldRulesTest, DaysMustExist) {
  struct Case {
    v1::Day day;
    bool exists;
  };
  const Case cases[] = {
      {DayOf(2024, 2, 29), true},  {DayOf(2026, 2, 29), false}, {DayOf(2026, 4, 31), false},
      {DayOf(2026, 12, 31), true}, {DayOf(2026, 13, 1), false}, {DayOf(2026, 0, 1), false},
      {DayOf(1969, 1, 1), false},  {DayOf(-5, 1, 1), false},    {DayOf(10000, 1, 1), false},
      {DayOf(2026, 3, 29), true},
  };
  for (const Case& c : cases) {
    v1::CheckCollectionExistsRequest request;
    request.set_device_id("164");
    *request.mutable_day() = c.day;

    EXPECT_EQ(FieldsOf(request).empty(), c.exists) << c.day.ShortDebugString();
  }
}

TEST(FieldRulesTest, RangesMustBeInOrder) {
  v1::GetDataAvailabilityRequest request;
  *request.mutable_days()->mutable_first() = DayOf(2026, 3, 2);
  *request.mutable_days()->mutable_last() = DayOf(2026, 3, 1);
  EXPECT_THAT(FieldsOf(request), ElementsAre("days"));

  v1::ListCollectionsRequest list;
  list.mutable_filter()->mutable_instants()->mutable_start()->set_seconds(5);
  list.mutable_filter()->mutable_instants()->mutable_end()->set_seconds(5);
  EXPECT_THAT(FieldsOf(list), ElementsAre("filter.instants"));
}

TEST(FieldRulesTest, InstantsStayInTheirYears) {
  v1::RecordCollectionRequest request = GoodRequest();
  request.mutable_line()->mutable_collected_at()->set_seconds(253402300800);
  EXPECT_THAT(FieldsOf(request), ElementsAre("line.collected_at"));

  request.mutable_line()->mutable_collected_at()->set_seconds(0);
  request.mutable_line()->mutable_collected_at()->set_nanos(-1);
  EXPECT_THAT(FieldsOf(request), ElementsAre("line.collected_at"));
}

TEST(FieldRulesTest, DescriptionsNeverHoldTheValue) {
  v1::RecordCollectionRequest request = GoodRequest();
  request.mutable_line()->set_collector(std::string(300, 'S'));
  request.mutable_line()->set_card_id(std::string("secret\0", 7));

  for (const FieldViolation& violation : CheckFieldRules(request)) {
    EXPECT_EQ(violation.description.find("SS"), std::string::npos);
    EXPECT_EQ(violation.description.find("secret"), std::string::npos);
  }
}

std::vector<std::string> LongListsOf(const google::protobuf::Message& message,
                                     const std::string& bytes) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  std::vector<std::string> fields;
  for (const FieldViolation& violation : CheckListLengths(stream, *message.GetDescriptor())) {
    fields.push_back(violation.field);
  }
  return fields;
}

TEST(CheckListLengthsTest, ListIsCountedBeforeItIsParsed) {
  v1::RecordCollectionsRequest request;
  for (int i = 0; i < 1000; ++i) request.add_lines();
  const std::string fits = request.SerializeAsString();
  request.add_lines();

  EXPECT_THAT(LongListsOf(request, fits), IsEmpty());
  EXPECT_THAT(LongListsOf(request, request.SerializeAsString()), ElementsAre("lines"));
}

TEST(CheckListLengthsTest, ListOfAPartCountsWherePartsAreMerged) {
  v1::ListCollectionsRequest request;
  for (int i = 0; i < 60; ++i) request.mutable_filter()->add_collectors("c");
  const std::string once = request.SerializeAsString();

  EXPECT_THAT(LongListsOf(request, once), IsEmpty());
  EXPECT_THAT(LongListsOf(request, once + once), ElementsAre("filter.collectors"));
}

TEST(CheckListLengthsTest, ListsWithinElementsAreCountedEachForItself) {
  v1::ExecuteRequest request;
  for (int write = 0; write < 2; ++write) {
    auto& batch = *request.add_writes()->mutable_record_collections();
    for (int i = 0; i < 1000; ++i) batch.add_lines();
  }
  const std::string fits = request.SerializeAsString();
  request.mutable_writes(1)->mutable_record_collections()->add_lines();

  EXPECT_THAT(LongListsOf(request, fits), IsEmpty());
  EXPECT_THAT(LongListsOf(request, request.SerializeAsString()),
              ElementsAre("writes[1].record_collections.lines"));
}

TEST(CheckListLengthsTest, BytesThatAreNoMessageAreLeftToTheParser) {
  EXPECT_THAT(LongListsOf(v1::ListCollectionsRequest(), std::string(1000, '\xff')), IsEmpty());
  // A filter that says it is longer than the message.
  EXPECT_THAT(LongListsOf(v1::ListCollectionsRequest(), "\x0a\xff\xff\xff\xff\x0f\x1a"), IsEmpty());
}

}  // namespace
}  // namespace aquifer
