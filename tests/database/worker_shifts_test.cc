// Shifts and their points, and what they add up to.
#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "repositories/errors.h"
#include "repositories/field_rules.h"
#include "tests/testing/stored_lines.h"
#include "tests/testing/workers_test.h"

namespace aquifer {
namespace {

using google::protobuf::util::TimeUtil;
using testing::DayOf;
using testing::DaysOf;
using testing::InsertAlias;
using testing::InstantOf;
using testing::LineAt;

class WorkerShiftsTest : public testing::WorkersTest {
 protected:
  WorkerShiftsTest() : id_(Register(7).worker().id()) {}

  // The one refused field, with the reason.
  template <typename Response>
  static std::string Refusal(const absl::StatusOr<Response>& answer) {
    const std::string reason = ReasonOf(answer.status());
    return reason == "INVALID_FIELDS" ? std::string(answer.status().message()) : reason;
  }

  static std::string Shown(const google::protobuf::RepeatedPtrField<v1::WorkPoint>& points) {
    std::string shown;
    for (const auto& point : points) {
      absl::StrAppend(&shown, v1::WorkPointType_Name(point.type()).substr(16), point.device_id(),
                      " ");
    }
    return shown;
  }

  const std::int64_t id_;
};

TEST_F(WorkerShiftsTest, AShiftHasItsPointsDurationAndRoute) {
  v1::StartShiftRequest start;
  start.set_worker_id(id_);
  start.mutable_place()->set_latitude(50.4501);
  start.mutable_place()->set_longitude(30.5234);
  start.mutable_place()->set_address("вул. Хрещатик, 1");
  *start.mutable_started_at() = InstantOf("2026-03-28T06:00:00.123456Z");
  const auto started = Done(&WorkerRepository::StartShift, start);
  EXPECT_EQ(Get(id_).shift_id(), started.shift().id());
  EXPECT_EQ(Get(id_).shift_started_at().nanos(), 123456000);
  ASSERT_TRUE(PointAt(id_, "165", "2026-03-28T08:00:00Z").ok());
  ASSERT_TRUE(PointAt(id_, "164", "2026-03-28T07:00:00Z").ok());

  const auto ended = End(id_, "2026-03-28T14:30:00.123457Z");

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(TimeUtil::ToString(ended->duration()), "30600.000001s");
  EXPECT_EQ(Shown(ended->route()), "START DEVICE164 DEVICE165 END ");
  EXPECT_EQ(ended->points(), 4);
  EXPECT_EQ(ended->route(0).id(), started.point().id());
  EXPECT_EQ(ended->route(0).place().latitude(), 50.4501);
  EXPECT_EQ(ended->route(0).place().longitude(), 30.5234);
  EXPECT_EQ(ended->route(0).place().address(), "вул. Хрещатик, 1");
  EXPECT_FALSE(ended->route(1).has_place());
  EXPECT_FALSE(Get(id_).on_shift());
}

TEST_F(WorkerShiftsTest, WithoutInstantsItIsNow) {
  ASSERT_TRUE(Start(id_).ok());
  ASSERT_TRUE(PointAt(id_, "164").ok());

  const auto ended = End(id_);

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(Shown(ended->route()), "START DEVICE164 END ");
  EXPECT_EQ(Value("SELECT now() - ended_at < interval '1 minute' FROM aquifer.shifts"), "t");
  EXPECT_TRUE(Start(id_).ok()) << "right after the last";
}

TEST_F(WorkerShiftsTest, ASecondStartIsRefused) {
  ASSERT_TRUE(Start(id_).ok());

  const auto second = Start(id_);

  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(second.status()), "WORKER_ON_SHIFT");
  EXPECT_EQ(second.status().message(), "worker 1 is on shift");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.shifts"), "1");
  EXPECT_EQ(Value("SELECT count(*) FROM aquifer.work_points"), "1");
}

TEST_F(WorkerShiftsTest, NothingEndsOrIsRecordedWithoutAShift) {
  EXPECT_EQ(Refusal(End(id_)), "WORKER_NOT_ON_SHIFT");
  EXPECT_EQ(Refusal(PointAt(id_, "164")), "WORKER_NOT_ON_SHIFT");
  EXPECT_EQ(Refusal(Start(99)), "WORKER_NOT_FOUND");
  EXPECT_EQ(Refusal(End(99)), "WORKER_NOT_FOUND");
  EXPECT_EQ(Refusal(PointAt(99, "164")), "WORKER_NOT_FOUND");
}

TEST_F(WorkerShiftsTest, InstantsStayInOrder) {
  ASSERT_TRUE(Start(id_, "2026-03-28T06:00:00Z").ok());
  EXPECT_EQ(Refusal(PointAt(id_, "164", "2026-03-28T05:59:59Z")),
            "recorded_at must not be before the shift's start");
  ASSERT_TRUE(PointAt(id_, "164", "2026-03-28T09:00:00Z").ok());
  EXPECT_EQ(Refusal(End(id_, "2026-03-28T06:00:00Z")), "ended_at must be after the shift's start");
  EXPECT_EQ(Refusal(End(id_, "2026-03-28T08:59:59Z")),
            "ended_at must not be before the shift's last point");
  ASSERT_TRUE(End(id_, "2026-03-28T09:00:00Z").ok());
  EXPECT_EQ(Refusal(Start(id_, "2026-03-28T08:59:59Z")),
            "started_at must not be before the end of the last shift");
  EXPECT_TRUE(Start(id_, "2026-03-28T09:00:00Z").ok());
}

TEST_F(WorkerShiftsTest, TheFutureIsRefusedBeyondWhatAClockMayBeAhead) {
  const auto in = [](absl::Duration ahead) {
    return TimeUtil::ToString(
        TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(absl::Now() + ahead)));
  };
  EXPECT_EQ(Refusal(Start(id_, in(absl::Minutes(10)))), "started_at must not be in the future");
  ASSERT_TRUE(Start(id_, in(absl::Minutes(3))).ok());
  EXPECT_EQ(Refusal(PointAt(id_, "164", in(absl::Minutes(10)))),
            "recorded_at must not be in the future");
  EXPECT_EQ(Refusal(End(id_, in(absl::Minutes(10)))), "ended_at must not be in the future");

  // A clock that is ahead does not keep the shift from its points and its end.
  EXPECT_TRUE(PointAt(id_, "164").ok());
  EXPECT_TRUE(End(id_).ok());
  EXPECT_TRUE(Start(id_).ok());
}

TEST_F(WorkerShiftsTest, PointsSayWhatTheyTell) {
  ASSERT_TRUE(Start(id_).ok());
  v1::RecordWorkPointRequest request;
  request.set_worker_id(id_);
  const auto refusal = [&] { return Refusal(Call(&WorkerRepository::RecordWorkPoint, request)); };

  request.set_type(v1::WORK_POINT_TYPE_DEVICE);
  EXPECT_EQ(refusal(), "device_id must be set where the type is DEVICE");
  request.set_type(v1::WORK_POINT_TYPE_END);
  EXPECT_EQ(refusal(), "type must be DEVICE or WAYPOINT");
  request.set_type(v1::WORK_POINT_TYPE_WAYPOINT);
  EXPECT_EQ(refusal(), "place must have coordinates or an address");
  request.mutable_place()->set_latitude(-90);
  EXPECT_EQ(refusal(), "place.longitude must be set where the other coordinate is");
  request.mutable_place()->set_longitude(180);
  EXPECT_TRUE(Call(&WorkerRepository::RecordWorkPoint, request).ok());
  request.set_device_id("164");
  EXPECT_EQ(refusal(), "device_id must be empty where the type is not DEVICE");
}

TEST_F(WorkerShiftsTest, CoordinatesStayOnTheGlobe) {
  v1::StartShiftRequest request;
  request.set_worker_id(id_);
  const auto problems = [&](double latitude, double longitude) {
    request.mutable_place()->set_latitude(latitude);
    request.mutable_place()->set_longitude(longitude);
    return CheckFieldRules(request).size();
  };

  EXPECT_EQ(problems(90, -180), 0u);
  EXPECT_EQ(problems(90.001, 180.001), 2u);
  EXPECT_EQ(problems(-90.001, std::numeric_limits<double>::quiet_NaN()), 2u);
}

TEST_F(WorkerShiftsTest, PointsAreListedByShiftWorkerAndDayPageByPage) {
  ASSERT_TRUE(Start(id_, "2026-03-28T06:00:00Z").ok());
  // In Kyiv it is the 29th from 22:00 UTC on.
  ASSERT_TRUE(PointAt(id_, "1", "2026-03-28T21:59:59Z").ok());
  ASSERT_TRUE(PointAt(id_, "2", "2026-03-28T22:00:00Z").ok());
  const auto shift_id = End(id_, "2026-03-28T23:00:00Z")->shift().id();
  ASSERT_TRUE(Start(id_, "2026-03-29T06:00:00Z").ok());
  const auto listed = [&](v1::ListWorkPointsRequest request) {
    request.set_page_size(2);
    std::string shown;
    do {
      const auto answer = Done(&WorkerRepository::ListWorkPoints, request);
      shown += Shown(answer.points());
      request.set_page_token(answer.next_page_token());
    } while (!request.page_token().empty() && shown.size() < 1000);
    return shown;
  };
  v1::ListWorkPointsRequest of_shift, of_worker, of_day, of_other;
  of_shift.set_shift_id(shift_id);
  of_worker.set_worker_id(id_);
  of_day.set_worker_id(id_);
  *of_day.mutable_days() = DaysOf(DayOf(2026, 3, 29), DayOf(2026, 3, 29));
  of_other.set_worker_id(99);

  EXPECT_EQ(listed(of_shift), "START DEVICE1 DEVICE2 END ");
  EXPECT_EQ(listed(of_worker), "START DEVICE1 DEVICE2 END START ");
  EXPECT_EQ(listed(of_day), "DEVICE2 END START ");
  EXPECT_EQ(listed(of_other), "");
}

TEST_F(WorkerShiftsTest, ALongRouteIsCutAndCounted) {
  ASSERT_TRUE(Start(id_, "2026-03-28T06:00:00Z").ok());
  database_.Execute(
      "INSERT INTO aquifer.work_points (shift_id, worker_id, type, address, recorded_at) "
      "SELECT s.id, s.worker_id, 'waypoint', 'a', s.started_at + n * interval '1 s' "
      "FROM aquifer.shifts AS s, generate_series(1, 1200) AS n");

  const auto ended = End(id_);

  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->route_size(), 1000);
  EXPECT_EQ(ended->points(), 1202);
}

TEST_F(WorkerShiftsTest, TheTablesRefuseWhatTheCodeNeverWrites) {
  ASSERT_TRUE(Start(id_, "2026-03-28T06:00:00Z").ok());
  for (const char* sql :
       {"INSERT INTO aquifer.shifts (worker_id, started_at) VALUES (1, now())",
        "UPDATE aquifer.shifts SET ended_at = started_at",
        "UPDATE aquifer.work_points SET latitude = 91, longitude = 0",
        "UPDATE aquifer.work_points SET latitude = 'NaN', longitude = 0",
        "UPDATE aquifer.work_points SET latitude = 1",
        "UPDATE aquifer.work_points SET device_id = 'x'",
        "UPDATE aquifer.work_points SET worker_id = 2",
        "INSERT INTO aquifer.work_points (shift_id, worker_id, type, recorded_at) "
        "VALUES (1, 1, 'start', now())",
        "UPDATE aquifer.workers SET chat_id = 0"}) {
    EXPECT_THROW(database_.Execute(sql), pqxx::sql_error) << sql;
  }
}

class WorkerStatisticsTest : public WorkerShiftsTest {
 protected:
  v1::GetWorkerStatisticsResponse On(const v1::Day& first, const v1::Day& last) {
    v1::GetWorkerStatisticsRequest request;
    request.set_worker_id(id_);
    *request.mutable_days() = DaysOf(first, last);
    return Done(&WorkerRepository::GetWorkerStatistics, request);
  }
};

TEST_F(WorkerStatisticsTest, ShiftsAreCutToTheDaysOfTheFleetsZone) {
  // 2026-03-28 ends in Kyiv at 22:00 UTC, and 2026-03-29 has 23 hours.
  ASSERT_TRUE(Start(id_, "2026-03-28T06:00:00Z").ok());
  ASSERT_TRUE(PointAt(id_, "1", "2026-03-28T07:00:00Z").ok());
  ASSERT_TRUE(PointAt(id_, "1", "2026-03-28T08:00:00Z").ok());
  ASSERT_TRUE(PointAt(id_, "2", "2026-03-28T23:00:00Z").ok());
  ASSERT_TRUE(End(id_, "2026-03-29T23:00:00Z").ok());

  const auto first = On(DayOf(2026, 3, 28), DayOf(2026, 3, 28));
  const auto second = On(DayOf(2026, 3, 29), DayOf(2026, 3, 29));
  const auto both = On(DayOf(2026, 3, 28), DayOf(2026, 3, 29));
  const auto before = On(DayOf(2026, 3, 1), DayOf(2026, 3, 27));

  EXPECT_EQ(TimeUtil::DurationToSeconds(first.time_on_shift()), 16 * 3600);
  EXPECT_EQ(TimeUtil::DurationToSeconds(second.time_on_shift()), 23 * 3600);
  EXPECT_EQ(TimeUtil::DurationToSeconds(both.time_on_shift()), 39 * 3600);
  EXPECT_EQ(first.shifts() * 100 + second.shifts() * 10 + both.shifts(), 111);
  EXPECT_EQ(before.shifts(), 0);
  EXPECT_EQ(first.points(), 3);
  EXPECT_EQ(both.points(), 4);
  EXPECT_EQ(first.devices_visited(), 1);
  EXPECT_EQ(both.devices_visited(), 2);
}

TEST_F(WorkerStatisticsTest, AShiftUnderWayCountsUntilNow) {
  database_.Execute(
      "INSERT INTO aquifer.shifts (worker_id, started_at) VALUES (1, now() - interval '1 hour')");
  const auto now = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone());

  const auto statistics = On(DayOf(now - 2), DayOf(now + 2));

  EXPECT_NEAR(TimeUtil::DurationToSeconds(statistics.time_on_shift()), 3600, 60);
}

TEST_F(WorkerStatisticsTest, CollectionsCountThroughTheWorkersTexts) {
  ASSERT_TRUE(RecordAll({LineAt("2026-03-27 23:59:59").Notes(1).Collector("Vanya"),
                         LineAt("2026-03-28 00:00:00").Notes(100).Coins(7).Collector("Vanya"),
                         LineAt("2026-03-28 12:00:00").Device("9").Notes(50).Collector("Р’Р°РЅСЏ"),
                         LineAt("2026-03-28 13:00:00").Notes(1000).Collector("Olena")})
                  .ok());
  InsertAlias(database_, "Vanya", id_);
  InsertAlias(database_, "Р’Р°РЅСЏ", id_);

  const auto statistics = On(DayOf(2026, 3, 28), DayOf(2026, 3, 28));

  EXPECT_EQ(statistics.worker().id(), id_);
  EXPECT_EQ(statistics.collection_lines(), 2);
  EXPECT_EQ(statistics.devices_collected(), 2);
  EXPECT_EQ(statistics.banknotes_minor(), 150);
  EXPECT_EQ(statistics.coins_minor(), 7);
  EXPECT_EQ(statistics.total_minor(), 157);
  EXPECT_EQ(TimeUtil::ToString(statistics.first_collected_at()), "2026-03-27T22:00:00Z");
  EXPECT_EQ(TimeUtil::ToString(statistics.last_collected_at()), "2026-03-28T10:00:00Z");
}

TEST_F(WorkerStatisticsTest, WhoDidNothingHasZeros) {
  const auto statistics = On(DayOf(2026, 3, 28), DayOf(2026, 3, 28));

  EXPECT_EQ(statistics.total_minor(), 0);
  EXPECT_EQ(TimeUtil::DurationToSeconds(statistics.time_on_shift()), 0);
  EXPECT_FALSE(statistics.has_first_collected_at());
}

TEST_F(WorkerStatisticsTest, UnknownWorkersAndLongRangesAreRefused) {
  v1::GetWorkerStatisticsRequest request;
  request.set_worker_id(99);
  *request.mutable_days() = DaysOf(DayOf(2025, 1, 1), DayOf(2026, 2, 4));
  EXPECT_EQ(Refusal(Call(&WorkerRepository::GetWorkerStatistics, request)), "WORKER_NOT_FOUND");

  *request.mutable_days()->mutable_last() = DayOf(2026, 2, 5);

  EXPECT_EQ(Refusal(Call(&WorkerRepository::GetWorkerStatistics, request)),
            "days must have at most 400 days");
}

}  // namespace
}  // namespace aquifer
