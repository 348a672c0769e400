// Storing lines, one by one and in batches.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/collections_test.h"

namespace aquifer {
namespace {

using testing::LineAt;
using testing::OutcomesOf;

class CollectionRecordsTest : public testing::CollectionsTest {};

TEST_F(CollectionRecordsTest, RecordsOneLineAndAnswersItAsStored) {
  const auto answer = Record(LineAt("2026-03-28 14:05:09")
                                 .NotesText("1520.50")
                                 .CoinsText("14")
                                 .Collector("Іван")
                                 .Card("77")
                                 .Note("note")
                                 .Machine("Shop 1"));

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->outcome(), v1::RECORD_OUTCOME_INSERTED);
  const v1::Collection& line = answer->collection();
  EXPECT_GT(line.id(), 0);
  EXPECT_EQ(line.device_id(), testing::kDevice);
  EXPECT_EQ(google::protobuf::util::TimeUtil::ToString(line.collected_at()),
            "2026-03-28T12:05:09Z");
  EXPECT_EQ(line.day().day(), 28);
  EXPECT_EQ(line.banknotes_minor(), 152050);
  EXPECT_EQ(line.coins_minor(), 1400);
  EXPECT_EQ(line.total_minor(), 153450);
  EXPECT_EQ(line.collector().text(), "Іван");
  EXPECT_EQ(line.collector().worker_id(), 0);
  EXPECT_EQ(line.card_id(), "77");
  EXPECT_EQ(line.note(), "note");
  EXPECT_EQ(line.machine(), "Shop 1");
  EXPECT_EQ(line.version(), 1);
}

TEST_F(CollectionRecordsTest, AnswersTheMappedWorker) {
  database_.Execute("INSERT INTO aquifer.workers (name) VALUES ('Ivan')");
  database_.Execute("INSERT INTO aquifer.collector_aliases VALUES ('Іван', 1)");

  const auto answer = Record(LineAt("2026-03-28 14:05:09").Notes(1).Collector("Іван"));

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->collection().collector().worker_id(), 1);
  EXPECT_EQ(answer->collection().collector().worker_name(), "Ivan");
}

TEST_F(CollectionRecordsTest, OneLineIsOneStatement) {
  std::int64_t rows = 0;
  v1::RecordCollectionRequest request;
  *request.mutable_line() = LineAt("2026-03-28 14:05:09").Notes(1);

  const auto answer = InTransaction([&](Session& session) {
    auto result = CollectionRepository(session).RecordCollection(request);
    rows = session.rows();
    return result;
  });

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(rows, 1);
}

TEST_F(CollectionRecordsTest, FillsEmptyTextsAndKeepsTheOthers) {
  ASSERT_TRUE(Record(LineAt("2026-03-28 14:05:09").Notes(1).Collector("first")).ok());

  const auto answer =
      Record(LineAt("2026-03-28 14:05:09").Notes(1).Collector("second").Note("a").Machine("b"));

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->outcome(), v1::RECORD_OUTCOME_UPDATED);
  EXPECT_EQ(answer->collection().collector().text(), "first");
  EXPECT_EQ(answer->collection().note(), "a");
  EXPECT_EQ(answer->collection().machine(), "b");
  EXPECT_EQ(answer->collection().version(), 2);
}

TEST_F(CollectionRecordsTest, SkipsALineWithoutMoney) {
  const auto one = Record(LineAt("2026-03-28 14:05:09").NotesText("0.00"));
  const auto batch = RecordAll({LineAt("2026-03-28 14:05:09")});

  ASSERT_TRUE(one.ok() && batch.ok());
  EXPECT_EQ(one->outcome(), v1::RECORD_OUTCOME_SKIPPED);
  EXPECT_FALSE(one->has_collection());
  EXPECT_EQ(OutcomesOf(*batch), "SKIPPED");
  EXPECT_EQ(batch->results(0).id(), 0);
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections"), "0");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.devices"), "0");
}

TEST_F(CollectionRecordsTest, ABadLineAloneNamesEveryBadField) {
  const auto answer =
      Record(LineAt("2026-02-30 14:05:09").NotesText("1,5").CoinsText("-3").Note("private"));

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(answer.status()), "INVALID_FIELDS");
  const std::string message(answer.status().message());
  EXPECT_NE(message.find("line.wall_time "), std::string::npos) << message;
  EXPECT_NE(message.find("line.banknotes_text "), std::string::npos) << message;
  EXPECT_NE(message.find("line.coins_text "), std::string::npos) << message;
}

TEST_F(CollectionRecordsTest, ABadLineOfABatchSpoilsNoOther) {
  const auto answer = RecordAll({
      LineAt("2026-03-28 14:05:09").Notes(100),
      LineAt("2026-03-29 03:30:00").Notes(100),
      LineAt("2026-03-28 14:05:10").NotesText("1,5").Note(std::string(2001, 'x')).Device(""),
      LineAt("2026-03-28 14:05:11").Notes(-1),
      LineAt("2026-03-28 14:05:12").Notes(100),
  });

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer), "INSERTED REJECTED REJECTED REJECTED INSERTED");
  EXPECT_EQ(answer->counts().inserted(), 2);
  EXPECT_EQ(answer->counts().rejected(), 3);
  EXPECT_EQ(answer->results(1).rejection().problems(0).field(), "lines[1].wall_time");
  EXPECT_EQ(answer->results(1).rejection().problems(0).description(),
            "does not occur in the fleet's time zone");
  std::string fields;
  for (const auto& problem : answer->results(2).rejection().problems()) {
    fields += problem.field() + " ";
  }
  EXPECT_EQ(fields, "lines[2].device_id lines[2].note lines[2].banknotes_text ");
  EXPECT_EQ(answer->results(3).rejection().problems_size(), 1);
}

TEST_F(CollectionRecordsTest, RefusesInstantsOutsideThisCentury) {
  const auto answer = RecordAll({
      LineAt("").Instant("1999-12-31T23:59:59Z").Notes(1),
      LineAt("").Instant("2000-01-01T00:00:00Z").Notes(1),
      LineAt("").Instant("2099-12-31T23:59:59.999999Z").Notes(1),
      LineAt("").Instant("2100-01-01T00:00:00Z").Notes(1),
  });

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer), "REJECTED INSERTED INSERTED REJECTED");
  EXPECT_EQ(answer->results(0).rejection().problems(0).field(), "lines[0].collected_at");
}

TEST_F(CollectionRecordsTest, KeepsMicrosecondsAndCutsWhatIsFiner) {
  const auto answer = RecordAll({
      LineAt("").Instant("2026-03-28T12:00:00.123456700Z").Notes(1),
      LineAt("").Instant("2026-03-28T12:00:00.123456Z").Notes(1),
      LineAt("").Instant("2026-03-28T12:00:00.123457Z").Notes(1),
  });

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer), "INSERTED UNCHANGED INSERTED");
}

TEST_F(CollectionRecordsTest, LinesOfOneKeyBehaveAsIfStoredInTurn) {
  const std::string at = "2026-03-28 14:05:09";

  const auto answer = RecordAll({
      LineAt(at).Notes(100),
      LineAt(at).Notes(100),
      LineAt(at).Notes(50).Coins(20).Note("kept"),
      LineAt(at).Notes(200).Note("too late"),
      LineAt(at).Notes(150),
  });

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(OutcomesOf(*answer), "INSERTED UNCHANGED UPDATED UPDATED UNCHANGED");
  std::string versions;
  for (const auto& result : answer->results()) versions += std::to_string(result.version()) + " ";
  EXPECT_EQ(versions, "1 1 2 3 3 ");
  EXPECT_EQ(Value("SELECT total || ' ' || note FROM aquifer.collections"), "2.20 kept");
}

TEST_F(CollectionRecordsTest, RegistersANewDeviceOnce) {
  ASSERT_TRUE(
      RecordAll({LineAt("2026-03-28 14:05:09").Notes(1), LineAt("2026-03-28 14:05:10").Notes(1),
                 LineAt("2026-03-28 14:05:10").Device("0_Cards").Notes(1)})
          .ok());
  const std::string before =
      Value("SELECT string_agg(xmin || device_id, ',') FROM aquifer.devices");

  ASSERT_TRUE(Record(LineAt("2026-03-28 14:05:11").Notes(1)).ok());

  EXPECT_EQ(Value("SELECT string_agg(xmin || device_id, ',') FROM aquifer.devices"), before);
  EXPECT_EQ(Value("SELECT string_agg(device_id, ',' ORDER BY device_id) FROM aquifer.devices"),
            "0_Cards,1024");
}

TEST_F(CollectionRecordsTest, StoresAThousandLinesAndRepeatsThem) {
  std::vector<v1::CollectionLine> lines;
  for (int i = 0; i < 1000; ++i) {
    lines.push_back(LineAt("2026-03-28 14:05:09").Device("d" + std::to_string(i)).Notes(i + 1));
  }

  const auto first = RecordAll(lines);
  const auto second = RecordAll(lines);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->counts().inserted(), 1000);
  EXPECT_EQ(second->counts().unchanged(), 1000);
  EXPECT_EQ(second->results(999).id(), first->results(999).id());
}

TEST_F(CollectionRecordsTest, AnImportCountsAndNumbersItsRejectedLinesAcrossParts) {
  v1::ImportCollectionsRequest part;
  for (int i = 0; i < 60; ++i) {
    *part.add_lines() = LineAt("2026-03-28 14:05:09").NotesText("bad");
    *part.add_lines() = LineAt("2026-03-28 14:05:09").Notes(100);
  }
  v1::ImportCollectionsResponse whole;

  for (int i = 0; i < 2; ++i) {
    const auto answer = Call(&CollectionRepository::ImportCollections, part);
    ASSERT_TRUE(answer.ok()) << answer.status();
    CollectionRepository::AppendImport(*answer, whole);
  }

  EXPECT_EQ(whole.counts().inserted(), 1);
  EXPECT_EQ(whole.counts().unchanged(), 119);
  EXPECT_EQ(whole.counts().rejected(), 120);
  ASSERT_EQ(whole.rejected_lines_size(), 100);
  EXPECT_EQ(whole.rejected_lines(0).line_number(), 1);
  EXPECT_EQ(whole.rejected_lines(60).line_number(), 121);
  EXPECT_EQ(whole.rejected_lines(99).line_number(), 199);
}

}  // namespace
}  // namespace aquifer
