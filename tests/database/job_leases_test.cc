// Beginning, renewing and finishing runs.
#include <gtest/gtest.h>

#include <string>

#include "repositories/errors.h"
#include "tests/testing/eventually.h"
#include "tests/testing/jobs_test.h"

namespace aquifer {
namespace {

using testing::Eventually;
using testing::kMinuteMs;
using testing::OfLease;

constexpr char kOne[] = "token-one";
constexpr char kTwo[] = "token-two";

class JobLeasesTest : public testing::JobsTest {};

TEST_F(JobLeasesTest, TheFirstToBeginAcquires) {
  const auto begun = Begin(kOne);

  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  EXPECT_EQ(begun->run().job(), testing::kJob);
  EXPECT_EQ(begun->run().key(), testing::kKey);
  EXPECT_EQ(begun->run().state(), v1::JOB_RUN_STATE_RUNNING);
  EXPECT_EQ(begun->run().attempt(), 1);
  EXPECT_EQ(begun->run().holder(), "instance of token-one");
  EXPECT_GT(begun->run().lease_left_ms(), kMinuteMs / 2);
  EXPECT_LE(begun->run().lease_left_ms(), kMinuteMs);
  EXPECT_EQ(begun->run().lease_expires_at().seconds() - begun->run().began_at().seconds(), 60);
  EXPECT_FALSE(begun->run().has_finished_at());
}

TEST_F(JobLeasesTest, AnotherIsToldWhoHoldsTheRunUntilWhen) {
  const auto first = Begin(kOne);

  const auto second = Begin(kTwo);

  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->outcome(), v1::BEGIN_OUTCOME_HELD);
  EXPECT_EQ(second->run().holder(), "instance of token-one");
  EXPECT_EQ(second->run().lease_expires_at().SerializeAsString(),
            first->run().lease_expires_at().SerializeAsString());
  EXPECT_GT(second->run().lease_left_ms(), 0);
}

TEST_F(JobLeasesTest, AnotherKeyIsAnotherRun) {
  ASSERT_TRUE(Begin(kOne).ok());
  auto request = testing::BeginBy(kTwo);
  request.set_key("2026-03-29");

  const auto begun = Call(&JobRepository::BeginJobRun, request);

  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
}

TEST_F(JobLeasesTest, ARepeatWithTheSameTokenGetsTheSameLease) {
  const auto first = Begin(kOne);

  const auto again = Begin(kOne, 5 * kMinuteMs);

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  EXPECT_EQ(again->run().attempt(), 1);
  EXPECT_EQ(again->run().lease_expires_at().SerializeAsString(),
            first->run().lease_expires_at().SerializeAsString());
}

TEST_F(JobLeasesTest, ARepeatAfterTheLeaseRanOutHoldsOnToIt) {
  ASSERT_TRUE(Begin(kOne).ok());
  LetLeasesRunOut();

  const auto again = Begin(kOne);

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  EXPECT_EQ(again->run().attempt(), 1);
  EXPECT_GT(again->run().lease_left_ms(), kMinuteMs / 2);
}

TEST_F(JobLeasesTest, ALeaseRunsOutByTheDatabasesClock) {
  ASSERT_TRUE(Begin(kOne, 20).ok());

  const bool taken_over = Eventually([&] {
    const auto begun = Begin(kTwo);
    return begun.ok() && begun->outcome() == v1::BEGIN_OUTCOME_ACQUIRED;
  });

  ASSERT_TRUE(taken_over);
  EXPECT_EQ(Value("SELECT attempt FROM aquifer.job_runs"), "2");
}

TEST_F(JobLeasesTest, TheLoserOfATakeOverNeitherRenewsNorFinishes) {
  ASSERT_TRUE(Begin(kOne).ok());
  LetLeasesRunOut();
  const auto taken_over = Begin(kTwo);
  ASSERT_EQ(taken_over->run().attempt(), 2);

  const absl::Status renewed = Renew(kOne).status();
  const absl::Status finished = Finish(kOne).status();

  for (const absl::Status& status : {renewed, finished}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(status), "LEASE_LOST");
    EXPECT_EQ(status.message(),
              "run 2026-03-28 of job daily-summary is not held by this lease_token");
  }
  EXPECT_EQ(Begin(kOne)->outcome(), v1::BEGIN_OUTCOME_HELD);
  EXPECT_EQ(Value("SELECT state FROM aquifer.job_runs"), "running");
}

TEST_F(JobLeasesTest, ALeaseThatRanOutStillServesUntilItIsTakenOver) {
  ASSERT_TRUE(Begin(kOne).ok());
  LetLeasesRunOut();

  const auto renewed = Renew(kOne);

  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_EQ(Begin(kTwo)->outcome(), v1::BEGIN_OUTCOME_HELD);
  LetLeasesRunOut();
  EXPECT_TRUE(Finish(kOne).ok());
}

TEST_F(JobLeasesTest, RenewingLastsFromNowAndNeverShortens) {
  ASSERT_TRUE(Begin(kOne, kMinuteMs).ok());

  const auto longer = Renew(kOne, 10 * kMinuteMs);
  const auto shorter = Renew(kOne, kMinuteMs);

  EXPECT_GT(longer->run().lease_left_ms(), 9 * kMinuteMs);
  EXPECT_EQ(shorter->run().lease_expires_at().SerializeAsString(),
            longer->run().lease_expires_at().SerializeAsString());
}

TEST_F(JobLeasesTest, AFinishedRunIsAlreadyDoneWithItsResult) {
  ASSERT_TRUE(Begin(kOne).ok());
  const auto finished = Finish(kOne, v1::JOB_RUN_STATE_SUCCEEDED, "149 devices");
  ASSERT_TRUE(finished.ok()) << finished.status();
  EXPECT_TRUE(finished->changed());

  for (const char* token : {kOne, kTwo}) {
    const auto begun = Begin(token);

    ASSERT_TRUE(begun.ok()) << begun.status();
    EXPECT_EQ(begun->outcome(), v1::BEGIN_OUTCOME_ALREADY_DONE);
    EXPECT_EQ(begun->run().state(), v1::JOB_RUN_STATE_SUCCEEDED);
    EXPECT_EQ(begun->run().result(), "149 devices");
    EXPECT_TRUE(begun->run().has_finished_at());
    EXPECT_FALSE(begun->run().has_lease_expires_at());
    EXPECT_EQ(begun->run().lease_left_ms(), 0);
  }
}

TEST_F(JobLeasesTest, ARepeatOfTheSameFinishAnswersUnchanged) {
  ASSERT_TRUE(Begin(kOne).ok());
  const auto first = Finish(kOne, v1::JOB_RUN_STATE_SUCCEEDED, "done");

  const auto again = Finish(kOne, v1::JOB_RUN_STATE_SUCCEEDED, "done");

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->changed());
  EXPECT_EQ(again->run().SerializeAsString(), first->run().SerializeAsString());
}

TEST_F(JobLeasesTest, AFinishedRunIsNeitherRenewedNorFinishedOtherwise) {
  ASSERT_TRUE(Begin(kOne).ok());
  ASSERT_TRUE(Finish(kOne, v1::JOB_RUN_STATE_SUCCEEDED, "done").ok());

  for (const absl::Status& status :
       {Renew(kOne).status(), Finish(kOne, v1::JOB_RUN_STATE_FAILED, "done").status(),
        Finish(kOne, v1::JOB_RUN_STATE_SUCCEEDED, "other").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(status), "JOB_RUN_FINISHED");
  }
  EXPECT_EQ(Value("SELECT state || ' ' || result FROM aquifer.job_runs"), "succeeded done");
}

TEST_F(JobLeasesTest, AFailedRunMayBeBegunAgain) {
  ASSERT_TRUE(Begin(kOne).ok());
  ASSERT_TRUE(Finish(kOne, v1::JOB_RUN_STATE_FAILED, "vendor away").ok());

  const auto begun = Begin(kTwo);

  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->outcome(), v1::BEGIN_OUTCOME_ACQUIRED);
  EXPECT_EQ(begun->run().attempt(), 2);
  EXPECT_EQ(begun->run().result(), "");
  EXPECT_FALSE(begun->run().has_finished_at());
  EXPECT_EQ(ReasonOf(Finish(kOne, v1::JOB_RUN_STATE_FAILED, "vendor away").status()), "LEASE_LOST");
}

// A begin that was on its way for long must not start what nobody would do.
TEST_F(JobLeasesTest, TheTokenOfAFailedRunBeginsNoOther) {
  ASSERT_TRUE(Begin(kOne).ok());
  ASSERT_TRUE(Finish(kOne, v1::JOB_RUN_STATE_FAILED).ok());

  const auto begun = Begin(kOne);

  EXPECT_EQ(ReasonOf(begun.status()), "LEASE_LOST");
  EXPECT_EQ(Value("SELECT state || attempt FROM aquifer.job_runs"), "failed1");
}

TEST_F(JobLeasesTest, ARunNeverBegunIsNotFound) {
  for (const absl::Status& status : {Renew(kOne).status(), Finish(kOne).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ReasonOf(status), "JOB_RUN_NOT_FOUND");
  }
}

TEST_F(JobLeasesTest, RunningIsNoOutcome) {
  ASSERT_TRUE(Begin(kOne).ok());

  EXPECT_EQ(ReasonOf(Finish(kOne, v1::JOB_RUN_STATE_RUNNING).status()), "INVALID_FIELDS");
}

TEST_F(JobLeasesTest, NoErrorAndNoAnswerHoldsAToken) {
  auto request = testing::BeginBy("secret-token");
  request.set_holder("holder");
  ASSERT_TRUE(Call(&JobRepository::BeginJobRun, request).ok());

  EXPECT_EQ(Begin(kTwo)->DebugString().find("secret"), std::string::npos);
  EXPECT_EQ(Renew("other-secret").status().ToString().find("secret"), std::string::npos);
}

// "A job runs once per key across restarts and several instances, with a lease."
class DomainRule7Test : public testing::JobsTest {};

TEST_F(DomainRule7Test, AJobRunsOncePerKeyAcrossRestartsAndInstances) {
  int runs = 0;
  std::string taken_by;
  // Each instance tries, and tries again after a restart with a new token.
  for (const char* token : {"a1", "b1", "a2", "c1", "b2", "a3"}) {
    const auto begun = Begin(token);
    ASSERT_TRUE(begun.ok()) << begun.status();
    if (begun->outcome() != v1::BEGIN_OUTCOME_ACQUIRED) continue;
    // The first is killed at work; its lease runs out before the third tries.
    if (taken_by.empty()) {
      taken_by = token;
      ASSERT_EQ(Begin("b0")->outcome(), v1::BEGIN_OUTCOME_HELD);
      LetLeasesRunOut();
      continue;
    }
    ++runs;
    ASSERT_TRUE(Finish(token, v1::JOB_RUN_STATE_SUCCEEDED, "sent").ok());
  }

  EXPECT_EQ(taken_by, "a1");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Value("SELECT concat_ws(' ', count(*), max(attempt), max(lease_token), max(result)) "
                  "FROM aquifer.job_runs"),
            "1 2 b1 sent");
}

}  // namespace
}  // namespace aquifer
