// When the C++ library tries a call again.
#include <gtest/gtest.h>

#include "aquifer/error.h"
#include "client/retry_schedule.h"
#include "repositories/errors.h"
#include "repositories/retry_advice.h"

namespace aquifer::client {
namespace {

constexpr absl::Duration kDelay = absl::Milliseconds(300);
const absl::Time kNow = absl::FromUnixSeconds(1774648800);

absl::Status Advised(absl::StatusCode code) {
  return ErrorWith(code, "wait", {.reason = "QUEUE_FULL", .retry_after = kDelay});
}

std::optional<RetryPause> FirstPause(const absl::Status& status,
                                     std::optional<std::string> pushback = std::nullopt,
                                     absl::Duration left = absl::Seconds(10)) {
  return RetrySchedule({}, kNow + left).PauseAfter(status, pushback, kNow);
}

TEST(ClientRetryTest, EveryReasonOfTheServiceIsJudgedAsItsCatalogueDoes) {
  for (const ErrorEntry& entry : ErrorCatalogue()) {
    absl::Status status = MakeError(entry.reason, "test");
    AdviseRetry(status, kDelay);

    EXPECT_EQ(IsWorthRepeating(status), entry.retry != Retry::kNever) << entry.name;
  }
}

TEST(ClientRetryTest, WithoutAReasonOnlyABrokenOrSilentConnectionIsWorthRepeating) {
  for (int code = 1; code <= 16; ++code) {
    const auto status = absl::Status(static_cast<absl::StatusCode>(code), "from gRPC itself");
    const bool worth = absl::IsUnavailable(status) || absl::IsCancelled(status) ||
                       absl::IsDeadlineExceeded(status);

    EXPECT_EQ(IsWorthRepeating(status), worth) << status;
  }
}

TEST(ClientRetryTest, AdviceIsObeyedAndSpreadUpwards) {
  for (int i = 0; i < 100; ++i) {
    const auto pause = FirstPause(Advised(absl::StatusCode::kResourceExhausted));

    ASSERT_TRUE(pause);
    EXPECT_TRUE(pause->advised);
    EXPECT_GE(pause->length, kDelay);
    EXPECT_LE(pause->length, 1.25 * kDelay);
  }
}

TEST(ClientRetryTest, PushbackOutranksTheStatus) {
  const absl::Status status = Advised(absl::StatusCode::kUnavailable);

  EXPECT_GE(FirstPause(status, "700")->length, absl::Milliseconds(700));
  EXPECT_FALSE(FirstPause(status, "-1"));
  EXPECT_FALSE(FirstPause(status, "soon"));
}

TEST(ClientRetryTest, PushbackMakesNoHopelessCallWorthRepeating) {
  EXPECT_FALSE(FirstPause(absl::NotFoundError("no such line"), "10"));
}

TEST(ClientRetryTest, OwnDelaysDoubleUpToTheLongest) {
  const RetryOptions options = {.first_delay = absl::Milliseconds(50),
                                .longest_delay = absl::Milliseconds(400)};
  RetrySchedule schedule(options, kNow + absl::Hours(1));

  for (const int most_ms : {50, 100, 200, 400, 400, 400}) {
    const auto pause = schedule.PauseAfter(absl::UnavailableError("gone"), std::nullopt, kNow);
    ASSERT_TRUE(pause);
    EXPECT_FALSE(pause->advised);
    EXPECT_LE(pause->length, absl::Milliseconds(most_ms));
    EXPECT_GE(pause->length, absl::Milliseconds(most_ms) / 2);
  }
}

TEST(ClientRetryTest, NoTryBeginsAfterTheDeadline) {
  EXPECT_FALSE(FirstPause(Advised(absl::StatusCode::kUnavailable), std::nullopt, kDelay));
  EXPECT_FALSE(FirstPause(absl::UnavailableError("gone"), std::nullopt, absl::ZeroDuration()));
}

TEST(ClientRetryTest, TriesAreLimitedWhereAsked) {
  RetrySchedule schedule({.max_tries = 2}, kNow + absl::Hours(1));
  const absl::Status status = absl::UnavailableError("gone");

  EXPECT_TRUE(schedule.PauseAfter(status, std::nullopt, kNow));
  EXPECT_FALSE(schedule.PauseAfter(status, std::nullopt, kNow));
}

}  // namespace
}  // namespace aquifer::client
