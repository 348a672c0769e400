// Writes of several repositories in one transaction.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "repositories/errors.h"
#include "repositories/transaction_repository.h"
#include "tests/testing/lines.h"
#include "tests/testing/pool_fixture.h"
#include "tests/testing/repository_test.h"

namespace aquifer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::LineAt;

template <typename Detail>
Detail DetailOf(const absl::Status& status) {
  Detail detail;
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
  if (payload) detail.ParseFromString(std::string(*payload));
  return detail;
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  const auto details = DetailOf<google::rpc::BadRequest>(status);
  for (const auto& violation : details.field_violations()) fields.push_back(violation.field());
  return fields;
}

std::string WriteIndexOf(const absl::Status& status) {
  const auto info = DetailOf<google::rpc::ErrorInfo>(status);
  const auto found = info.metadata().find("write_index");
  return found == info.metadata().end() ? "none" : found->second;
}

// A line at second `second` of a minute.
void Record(v1::ExecuteRequest& request, int second, std::int64_t banknotes_minor = 100) {
  *request.add_writes()->mutable_record_collection()->mutable_line() =
      LineAt(absl::StrCat("2026-03-28 14:05:", second / 10, second % 10)).Notes(banknotes_minor);
}

v1::Write& Correct(v1::ExecuteRequest& request, std::int64_t id, std::int64_t banknotes_minor) {
  v1::Write& write = *request.add_writes();
  write.mutable_correct_collection()->set_id(id);
  write.mutable_correct_collection()->set_version(1);
  write.mutable_correct_collection()->set_banknotes_minor(banknotes_minor);
  write.mutable_correct_collection()->set_reason("counted again");
  return write;
}

void Refer(v1::Write& write, const std::string& field, int to) {
  v1::IdReference& reference = *write.add_references();
  reference.set_field(field);
  reference.set_write(to);
}

void Begin(v1::ExecuteRequest& request) {
  v1::BeginJobRunRequest& begin = *request.add_writes()->mutable_begin_job_run();
  begin.set_job("daily-fetch");
  begin.set_key("2026-03-28");
  begin.set_holder("test");
  begin.set_lease_ms(60000);
  begin.set_lease_token("token");
}

class TransactionTest : public testing::RepositoryTest {
 protected:
  absl::StatusOr<v1::ExecuteResponse> Execute() {
    return InTransaction(
        [&](Session& session) { return TransactionRepository(session).Execute(request_); });
  }

  std::string Value(const std::string& sql) { return database_.Execute(sql)[0][0].c_str(); }

  v1::ExecuteRequest request_;
};

TEST_F(TransactionTest, WritesOfEveryRepositoryAnswerInOrder) {
  Record(request_, 1);
  Begin(request_);
  Record(request_, 2, 0);
  auto& outcome = *request_.add_writes()->mutable_record_fetch_outcomes()->add_outcomes();
  outcome.set_device_id(testing::kDevice);
  outcome.mutable_day()->set_year(2026);
  outcome.mutable_day()->set_month(3);
  outcome.mutable_day()->set_day(28);
  outcome.set_state(v1::FETCH_STATE_OK);
  outcome.set_lines(1);

  const auto answer = Execute();

  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->results_size(), 4);
  EXPECT_EQ(answer->results(0).record_collection().outcome(), v1::RECORD_OUTCOME_INSERTED);
  EXPECT_EQ(answer->results(1).begin_job_run().outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  EXPECT_EQ(answer->results(2).record_collection().outcome(), v1::RECORD_OUTCOME_SKIPPED);
  EXPECT_EQ(answer->results(3).record_fetch_outcomes().results(0).outcome(),
            v1::RECORD_OUTCOME_INSERTED);
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections"), "1");
}

TEST_F(TransactionTest, AWriteSeesWhatThoseBeforeItWrote) {
  Begin(request_);
  auto& finish = *request_.add_writes()->mutable_finish_job_run();
  finish.set_job("daily-fetch");
  finish.set_key("2026-03-28");
  finish.set_lease_token("token");
  finish.set_outcome(v1::JOB_RUN_STATE_SUCCEEDED);
  finish.set_result("done");

  const auto answer = Execute();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->results(1).finish_job_run().changed());
  EXPECT_EQ(Value("SELECT state FROM aquifer.job_runs"), "succeeded");
}

TEST_F(TransactionTest, TheSameKeyTwiceIsNewOnce) {
  Begin(request_);
  for (const auto state : {v1::DELIVERY_STATE_CLAIMED, v1::DELIVERY_STATE_SENT}) {
    auto& delivery = *request_.add_writes()->mutable_record_delivery();
    delivery.set_job("daily-fetch");
    delivery.set_key("2026-03-28");
    delivery.set_lease_token("token");
    delivery.set_chat_id(7);
    delivery.set_state(state);
  }
  Record(request_, 1, 100);
  Record(request_, 1, 200);

  const auto answer = Execute();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->results(1).record_delivery().created());
  EXPECT_FALSE(answer->results(2).record_delivery().created());
  EXPECT_TRUE(answer->results(2).record_delivery().changed());
  EXPECT_EQ(answer->results(3).record_collection().outcome(), v1::RECORD_OUTCOME_INSERTED);
  EXPECT_EQ(answer->results(4).record_collection().outcome(), v1::RECORD_OUTCOME_UPDATED);
}

TEST_F(TransactionTest, AFailingTenthWriteLeavesNothingBehind) {
  for (int second = 0; second < 8; ++second) Record(request_, second);
  Begin(request_);
  Correct(request_, 987654, 1);

  const auto answer = Execute();

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(answer.status()), "COLLECTION_NOT_FOUND");
  EXPECT_EQ(answer.status().message(), "write 9: collection 987654 not found");
  EXPECT_EQ(WriteIndexOf(answer.status()), "9");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(answer.status()).metadata().at("id"), "987654");
  for (const char* table : {"collections", "devices", "job_runs"}) {
    EXPECT_EQ(Value(absl::StrCat("SELECT count(*) FROM aquifer.", table)), "0") << table;
  }
}

TEST_F(TransactionTest, AFieldThatAMethodRefusesIsNamedInItsWrite) {
  Record(request_, 1);
  Correct(request_, 1, 1).mutable_correct_collection()->clear_banknotes_minor();

  const auto answer = Execute();

  EXPECT_EQ(ReasonOf(answer.status()), "INVALID_FIELDS");
  EXPECT_EQ(WriteIndexOf(answer.status()), "1");
  EXPECT_THAT(FieldsOf(answer.status()),
              ElementsAre("writes[1].correct_collection.banknotes_minor"));
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections"), "0");
}

TEST_F(TransactionTest, ALaterWriteUsesTheIdThatAnEarlierOneMade) {
  Record(request_, 1, 100);
  Record(request_, 2, 200);
  Refer(Correct(request_, 0, 50), "id", 1);

  const auto answer = Execute();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->results(2).correct_collection().collection().id(),
            answer->results(1).record_collection().collection().id());
  EXPECT_EQ(Value("SELECT string_agg(banknotes::text, ' ' ORDER BY collected_at) "
                  "FROM aquifer.collections"),
            "1.00 0.50");
}

TEST_F(TransactionTest, ATaskIsForATechnicianCreatedBeforeIt) {
  auto& technician = *request_.add_writes()->mutable_create_technician()->mutable_details();
  technician.set_name("Olena");
  v1::Write& create = *request_.add_writes();
  create.mutable_create_task()->mutable_details()->set_title("filter");
  create.mutable_create_task()->mutable_details()->set_type(v1::TASK_TYPE_FILTER_REPLACEMENT);
  Refer(create, "technician_id", 0);

  const auto answer = Execute();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_GT(answer->results(0).create_technician().technician().id(), 0);
  EXPECT_EQ(answer->results(1).create_task().task().technician_id(),
            answer->results(0).create_technician().technician().id());
}

TEST_F(TransactionTest, AWorkerIsCreatedStartsAShiftAndGetsTheirDevices) {
  request_.add_writes()->mutable_create_worker()->mutable_worker()->set_name("Ivan");
  v1::Write& shift = *request_.add_writes();
  shift.mutable_start_shift();
  Refer(shift, "worker_id", 0);
  v1::Write& devices = *request_.add_writes();
  devices.mutable_set_assigned_devices()->add_device_ids(testing::kDevice);
  Refer(devices, "worker_id", 0);

  const auto answer = Execute();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->results(1).start_shift().shift().worker_id(),
            answer->results(0).create_worker().worker().id());
  EXPECT_EQ(answer->results(2).set_assigned_devices().added(), 1);
}

TEST_F(TransactionTest, AnIdOfAnotherThingIsRefused) {
  auto& technician = *request_.add_writes()->mutable_create_technician()->mutable_details();
  technician.set_name("Olena");
  v1::Write& assign = *request_.add_writes();
  assign.mutable_assign_task()->set_version(1);
  Refer(assign, "id", 0);

  EXPECT_THAT(FieldsOf(Execute().status()), ElementsAre("writes[1].references[0].field"));
}

TEST_F(TransactionTest, ARequestIdWithinAWriteIsRefused) {
  auto& create = *request_.add_writes()->mutable_create_technician();
  create.mutable_details()->set_name("Olena");
  create.set_request_id("0b0e7f5e-6d43-4b3c-9f0e-3a1f2b4c5d6e");

  EXPECT_THAT(FieldsOf(Execute().status()), ElementsAre("writes[0].create_technician.request_id"));
}

TEST_F(TransactionTest, ARepeatedLineGivesTheIdItHas) {
  Record(request_, 1, 100);
  ASSERT_TRUE(Execute().ok());
  Refer(Correct(request_, 0, 50), "id", 0);

  const auto answer = Execute();

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->results(0).record_collection().outcome(), v1::RECORD_OUTCOME_UNCHANGED);
  EXPECT_EQ(answer->results(1).correct_collection().collection().banknotes_minor(), 50);
}

TEST_F(TransactionTest, AReferenceToAWriteThatMadeNothingIsRefused) {
  Record(request_, 1, 0);
  Refer(Correct(request_, 0, 50), "id", 0);

  const auto answer = Execute();

  EXPECT_EQ(ReasonOf(answer.status()), "INVALID_FIELDS");
  EXPECT_EQ(WriteIndexOf(answer.status()), "1");
  EXPECT_THAT(FieldsOf(answer.status()), ElementsAre("writes[1].references[0].write"));
}

TEST_F(TransactionTest, BadReferencesAreRefusedBeforeAnythingRuns) {
  struct Case {
    const char* what;
    std::function<void(v1::Write&)> refer;
    std::vector<std::string> fields;
  };
  const std::string field = "writes[2].references[0].field";
  const std::string write = "writes[2].references[0].write";
  // Write 0 makes an id, write 1 none.
  const std::vector<Case> cases = {
      {"itself", [](auto& w) { Refer(w, "id", 2); }, {write}},
      {"a later one", [](auto& w) { Refer(w, "id", 3); }, {write}},
      {"one that is not there", [](auto& w) { Refer(w, "id", 99); }, {write}},
      {"one beyond all", [](auto& w) { Refer(w, "id", 100); }, {write, write}},
      {"one before all", [](auto& w) { Refer(w, "id", -1); }, {write, write}},
      {"one that makes no id", [](auto& w) { Refer(w, "id", 1); }, {write}},
      {"no such field", [](auto& w) { Refer(w, "nothing", 0); }, {field}},
      {"a part of no message", [](auto& w) { Refer(w, "reason.id", 0); }, {field}},
      {"an empty part", [](auto& w) { Refer(w, "id.", 0); }, {field}},
      {"a text", [](auto& w) { Refer(w, "reason", 0); }, {field}},
      {"a number that is no id", [](auto& w) { Refer(w, "banknotes_minor", 0); }, {field}},
      {"twice",
       [](auto& w) { Refer(w, "id", 0), Refer(w, "id", 0); },
       {"writes[2].references[1].field"}},
  };
  for (const Case& c : cases) {
    request_.Clear();
    Record(request_, 1);
    Begin(request_);
    c.refer(Correct(request_, 0, 50));
    if (c.fields[0] == field) request_.mutable_writes(2)->mutable_correct_collection()->set_id(1);

    const auto answer = Execute();

    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << c.what;
    for (const std::string& named : FieldsOf(answer.status())) {
      EXPECT_EQ(named, c.fields[0]) << c.what << ": " << answer.status();
    }
    EXPECT_EQ(FieldsOf(answer.status()).size(), c.fields.size()) << c.what << answer.status();
  }
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.collections"), "0");
}

TEST_F(TransactionTest, AnIdGoesOnlyWhereSuchAnIdBelongs) {
  Record(request_, 1);
  request_.add_writes()->mutable_set_collector_alias()->set_text("raw");
  Refer(*request_.mutable_writes(1), "worker_id", 0);

  EXPECT_THAT(FieldsOf(Execute().status()), ElementsAre("writes[1].references[0].field"));
}

TEST_F(TransactionTest, AFieldThatIsSetTakesNoReference) {
  Record(request_, 1);
  Refer(Correct(request_, 7, 50), "id", 0);

  EXPECT_THAT(FieldsOf(Execute().status()), ElementsAre("writes[1].references[0].field"));
}

TEST_F(TransactionTest, BadFieldsOfAllWritesAreNamedTogether) {
  Record(request_, 1, -5);
  request_.add_writes();
  Correct(request_, 0, -1);

  const auto answer = Execute();

  EXPECT_EQ(ReasonOf(answer.status()), "INVALID_FIELDS");
  EXPECT_THAT(FieldsOf(answer.status()),
              ElementsAre("writes[0].record_collection.line.banknotes_minor", "writes[1].request",
                          "writes[2].correct_collection.id",
                          "writes[2].correct_collection.banknotes_minor"));
}

TEST_F(TransactionTest, TheListsOfAllWritesAreBoundedTogether) {
  for (int i = 0; i < 11; ++i) {
    auto& batch = *request_.add_writes()->mutable_record_collections();
    for (int line = 0; line < 1000; ++line) batch.add_lines();
  }

  EXPECT_THAT(FieldsOf(Execute().status()), ElementsAre("writes"));
}

class TransactionOnPoolTest : public testing::PoolFixture {};

TEST_F(TransactionOnPoolTest, AnErrorOfTheDatabaseIsNamedByItsWriteToo) {
  database_.Execute(
      "ALTER TABLE aquifer.collections ADD CONSTRAINT rule_of_ours CHECK (banknotes < 5)");
  v1::ExecuteRequest request;
  Record(request, 1, 100);
  Record(request, 2, 500);
  ConnectionPool pool(PoolOf(1), log_);
  Receipt receipt;

  const absl::Status status = TransactionRunner(pool).Run(
      {.method = "Test", .mode = TransactionMode::kReadWrite, .deadline = Soon()},
      [&](Session& session) { return TransactionRepository(session).Execute(request).status(); },
      receipt);

  EXPECT_EQ(ReasonOf(status), "CONSTRAINT_VIOLATED");
  EXPECT_EQ(WriteIndexOf(status), "1");
  EXPECT_EQ(status.message(), "write 1: the write breaks a rule of the database: rule_of_ours");
  EXPECT_EQ(database_.Execute("SELECT id FROM aquifer.collections").size(), 0u);
}

}  // namespace
}  // namespace aquifer
