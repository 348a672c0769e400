// Registering, adding, reading and deleting workers.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "repositories/errors.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/workers_test.h"

namespace aquifer {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::InsertAlias;
using testing::LineAt;

class WorkerRegistrationTest : public testing::WorkersTest {
 protected:
  absl::StatusOr<v1::GetWorkerResponse> GetByChat(std::int64_t chat_id, bool deleted = false) {
    v1::GetWorkerRequest request;
    request.set_chat_id(chat_id);
    request.set_include_deleted(deleted);
    return Call(&WorkerRepository::GetWorker, request);
  }
};

TEST_F(WorkerRegistrationTest, ANewChatMakesAWorker) {
  const auto answer = Register(7, "Олена Ґудзь", "+380501234567");

  EXPECT_EQ(answer.outcome(), v1::REGISTER_OUTCOME_CREATED);
  EXPECT_TRUE(answer.created());
  const v1::Worker& worker = answer.worker();
  EXPECT_EQ(worker.chat_id(), 7);
  EXPECT_EQ(worker.name(), "Олена Ґудзь");
  EXPECT_EQ(worker.phone(), "+380501234567");
  EXPECT_TRUE(worker.employed());
  EXPECT_FALSE(worker.on_shift());
  EXPECT_FALSE(worker.receives_summaries());
  EXPECT_EQ(worker.version(), 1);
  EXPECT_TRUE(MessageDifferencer::Equals(worker, Get(worker.id())));
}

TEST_F(WorkerRegistrationTest, ARepeatChangesNothingAndUsesUpNoId) {
  const auto first = Register(7, "Ivan");

  const auto again = Register(7, "Petro", "+1");

  EXPECT_EQ(again.outcome(), v1::REGISTER_OUTCOME_UNCHANGED);
  EXPECT_FALSE(again.created());
  EXPECT_TRUE(MessageDifferencer::Equals(again.worker(), first.worker()));
  EXPECT_EQ(Register(8).worker().id(), first.worker().id() + 1);
}

TEST_F(WorkerRegistrationTest, ChatIdsUseAll64Bits) {
  for (const std::int64_t chat_id :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(),
        std::int64_t{-1001234567890}}) {
    const auto id = Register(chat_id).worker().id();

    EXPECT_EQ(GetByChat(chat_id)->worker().id(), id) << chat_id;
  }
}

TEST_F(WorkerRegistrationTest, WorkersWithoutAChatMayBeMany) {
  const auto ivan = Create("Ivan");
  const auto namesake = Create("Ivan");

  EXPECT_NE(ivan.id(), namesake.id());
  EXPECT_EQ(ivan.chat_id(), 0);
}

TEST_F(WorkerRegistrationTest, AnUnknownChatIsNotFoundAndNotRepeated) {
  const auto answer = GetByChat(987654321);

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(answer.status()), "WORKER_NOT_FOUND");
  EXPECT_EQ(answer.status().ToString().find("987654321"), std::string::npos);
}

class WorkerDeletionTest : public WorkerRegistrationTest {
 protected:
  // A worker with a shift that has ended, a collector text with a line, and a device.
  v1::Worker WithHistory() {
    const std::int64_t id = Register(7, "Ivan", "+1").worker().id();
    EXPECT_TRUE(Start(id, "2026-03-01T06:00:00Z").ok());
    EXPECT_TRUE(End(id, "2026-03-01T14:00:00Z").ok());
    EXPECT_TRUE(Record(LineAt("2026-03-01 10:00:00").Notes(100).Collector("Vanya")).ok());
    InsertAlias(database_, "Vanya", id);
    v1::SetAssignedDevicesRequest devices;
    devices.set_worker_id(id);
    devices.add_device_ids("164");
    Done(&WorkerRepository::SetAssignedDevices, devices);
    return Get(id);
  }

  std::string ReasonOfDeleting(const v1::Worker& worker,
                               v1::DeletionMode mode = v1::DELETION_MODE_SOFT) {
    return ReasonOf(Delete(worker, mode).status());
  }
};

TEST_F(WorkerDeletionTest, HistorySurvivesASoftOne) {
  const v1::Worker worker = WithHistory();

  const auto deleted = Delete(worker);

  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_TRUE(deleted->worker().has_deleted_at());
  EXPECT_EQ(deleted->worker().version(), worker.version() + 1);
  EXPECT_EQ(Get(worker.id()).name(), "Ivan");
  v1::ListWorkPointsRequest points;
  points.set_worker_id(worker.id());
  EXPECT_EQ(Done(&WorkerRepository::ListWorkPoints, points).points_size(), 2);
  v1::GetWorkerStatisticsRequest statistics;
  statistics.set_worker_id(worker.id());
  *statistics.mutable_days() =
      testing::DaysOf(testing::DayOf(2026, 3, 1), testing::DayOf(2026, 3, 1));
  EXPECT_EQ(Done(&WorkerRepository::GetWorkerStatistics, statistics).total_minor(), 100);
  const auto lines = Call(&CollectionRepository::ListCollections, v1::ListCollectionsRequest());
  EXPECT_EQ(lines->collections(0).collector().worker_id(), worker.id());
}

TEST_F(WorkerDeletionTest, ADeletedWorkerIsLeftOutWhereNotAskedFor) {
  const v1::Worker worker = WithHistory();
  ASSERT_TRUE(Delete(worker).ok());

  v1::GetWorkerRequest get;
  get.set_id(worker.id());
  EXPECT_EQ(ReasonOf(Call(&WorkerRepository::GetWorker, get).status()), "WORKER_NOT_FOUND");
  EXPECT_EQ(ReasonOf(GetByChat(7).status()), "WORKER_NOT_FOUND");
  EXPECT_EQ(GetByChat(7, true)->worker().id(), worker.id());
  EXPECT_EQ(IdsOf({}), "");
  v1::WorkerFilter all;
  all.set_include_deleted(true);
  EXPECT_EQ(IdsOf(all), std::to_string(worker.id()) + " ");
  EXPECT_EQ(Done(&WorkerRepository::ListAssignedDevices, {}).devices_size(), 0);
}

TEST_F(WorkerDeletionTest, ADeletedWorkerIsNotChanged) {
  const v1::Worker worker = Delete(WithHistory())->worker();
  v1::WorkerFields fields;
  fields.set_name("Petro");

  EXPECT_EQ(ReasonOf(Update(worker, fields, {"name"}).status()), "WORKER_DELETED");
  EXPECT_EQ(ReasonOf(Start(worker.id()).status()), "WORKER_DELETED");
  EXPECT_EQ(ReasonOfDeleting(worker), "WORKER_DELETED");
}

TEST_F(WorkerDeletionTest, RegisteringTheChatAgainBringsTheSameWorkerBack) {
  const v1::Worker worker = WithHistory();
  ASSERT_TRUE(Delete(worker).ok());

  const auto revived = Register(7, "Ivan P.", "+2");

  EXPECT_EQ(revived.outcome(), v1::REGISTER_OUTCOME_REVIVED);
  EXPECT_FALSE(revived.created());
  EXPECT_EQ(revived.worker().id(), worker.id());
  EXPECT_EQ(revived.worker().name(), "Ivan P.");
  EXPECT_EQ(revived.worker().phone(), "+2");
  EXPECT_FALSE(revived.worker().has_deleted_at());
  EXPECT_EQ(Register(7, "Ivan P.", "+2").outcome(), v1::REGISTER_OUTCOME_UNCHANGED);
  EXPECT_EQ(Done(&WorkerRepository::ListAssignedDevices, {}).devices_size(), 1);
}

TEST_F(WorkerDeletionTest, AHardOneRefusesToTakeHistoryAndCountsIt) {
  const auto answer = Delete(WithHistory(), v1::DELETION_MODE_HARD);

  EXPECT_EQ(answer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(answer.status()), "WORKER_HAS_HISTORY");
  EXPECT_EQ(answer.status().message(), "worker 1 has 1 shifts and 1 collector texts");
}

TEST_F(WorkerDeletionTest, AHardOneRemovesWhoHasNoHistory) {
  const v1::Worker worker = Register(7).worker();
  v1::SetAssignedDevicesRequest devices;
  devices.set_worker_id(worker.id());
  devices.add_device_ids("164");
  Done(&WorkerRepository::SetAssignedDevices, devices);

  const auto answer = Delete(worker, v1::DELETION_MODE_HARD);

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.workers"), "0");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.assigned_devices"), "0");
  EXPECT_EQ(Register(7).outcome(), v1::REGISTER_OUTCOME_CREATED);
}

TEST_F(WorkerDeletionTest, AHardOneMayFollowASoftOne) {
  const v1::Worker deleted = Delete(Register(7).worker())->worker();

  EXPECT_TRUE(Delete(deleted, v1::DELETION_MODE_HARD).ok());
  EXPECT_EQ(ReasonOfDeleting(deleted, v1::DELETION_MODE_HARD), "WORKER_NOT_FOUND");
}

TEST_F(WorkerDeletionTest, AWorkerOnShiftAndAStaleVersionAreRefused) {
  const v1::Worker worker = Register(7).worker();
  v1::Worker stale = worker;
  stale.set_version(2);
  ASSERT_TRUE(Start(worker.id()).ok());

  for (const auto mode : {v1::DELETION_MODE_SOFT, v1::DELETION_MODE_HARD}) {
    EXPECT_EQ(ReasonOfDeleting(worker, mode), "WORKER_ON_SHIFT");
    EXPECT_EQ(ReasonOfDeleting(stale, mode), "STALE_VERSION");
  }
}

}  // namespace
}  // namespace aquifer
