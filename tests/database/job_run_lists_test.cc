// Listing runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "repositories/errors.h"
#include "tests/testing/jobs_test.h"
#include "tests/testing/times.h"

namespace aquifer {
namespace {

using testing::DayOf;
using testing::DaysOf;
using ::testing::ElementsAre;
using testing::InstantOf;
using ::testing::IsEmpty;

class JobRunListsTest : public testing::JobsTest {
 protected:
  JobRunListsTest() {
    // Four at one instant, an hour past the change of the clocks on that day.
    database_.Execute(
        "INSERT INTO aquifer.job_runs (job, key, state, holder, lease_token, lease_expires_at, "
        "  created_at, finished_at, result) VALUES "
        "('fetch', '1', 'succeeded', 'h', 't', now(), '2026-03-28 08:00', now(), 'r'), "
        "('fetch', '2', 'failed', 'h', 't', now(), '2026-03-29 04:00', now(), ''), "
        "('summary', '3', 'running', 'h', 't', now(), '2026-03-29 04:00', NULL, ''), "
        "('fetch', '4', 'running', 'h', 't', now(), '2026-03-29 04:00', NULL, ''), "
        "('fetch', '5', 'succeeded', 'h', 't', now(), '2026-03-29 04:00', now(), 'r'), "
        "('fetch', '6', 'succeeded', 'h', 't', now(), '2026-03-30 00:00', now(), 'r')");
  }

  // The keys of all pages.
  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    do {
      const auto page = Call(&JobRepository::ListJobRuns, request_);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const v1::JobRun& run : page->runs()) keys.push_back(run.key());
      request_.set_page_token(page->next_page_token());
    } while (!request_.page_token().empty());
    return keys;
  }

  v1::ListJobRunsRequest request_;
};

TEST_F(JobRunListsTest, NewestFirstWhateverThePageSize) {
  for (const int page_size : {0, 1, 2, 6}) {
    request_.set_page_size(page_size);

    EXPECT_THAT(Keys(), ElementsAre("6", "5", "4", "3", "2", "1")) << page_size;
  }
}

TEST_F(JobRunListsTest, OnlyOfAJob) {
  request_.set_job("fetch");
  request_.set_page_size(2);

  EXPECT_THAT(Keys(), ElementsAre("6", "5", "4", "2", "1"));
}

TEST_F(JobRunListsTest, OnlyInStates) {
  request_.add_states(v1::JOB_RUN_STATE_FAILED);
  request_.add_states(v1::JOB_RUN_STATE_RUNNING);

  EXPECT_THAT(Keys(), ElementsAre("4", "3", "2"));
}

TEST_F(JobRunListsTest, OnlyOfCivilDays) {
  *request_.mutable_days() = DaysOf(DayOf(2026, 3, 29), DayOf(2026, 3, 29));
  EXPECT_THAT(Keys(), ElementsAre("5", "4", "3", "2"));

  request_.set_job("summary");
  EXPECT_THAT(Keys(), ElementsAre("3"));
}

TEST_F(JobRunListsTest, OnlyBetweenInstantsTheEndLeftOut) {
  *request_.mutable_instants()->mutable_start() = InstantOf("2026-03-28T06:00:00Z");
  *request_.mutable_instants()->mutable_end() = InstantOf("2026-03-29T01:00:00Z");

  EXPECT_THAT(Keys(), ElementsAre("1"));
}

TEST_F(JobRunListsTest, NoneIsAnEmptyPage) {
  request_.set_job("unknown");

  EXPECT_THAT(Keys(), IsEmpty());
}

TEST_F(JobRunListsTest, AnUnspecifiedStateIsRefused) {
  request_.add_states(v1::JOB_RUN_STATE_UNSPECIFIED);

  EXPECT_EQ(ReasonOf(Call(&JobRepository::ListJobRuns, request_).status()), "INVALID_FIELDS");
}

TEST_F(JobRunListsTest, ATokenOfAnotherListIsRefused) {
  request_.set_page_size(1);
  const auto page = Call(&JobRepository::ListJobRuns, request_);
  request_.set_page_token(page->next_page_token());
  request_.set_job("fetch");

  EXPECT_EQ(ReasonOf(Call(&JobRepository::ListJobRuns, request_).status()), "PAGE_TOKEN_MISMATCH");
}

TEST_F(JobRunListsTest, APageOfLongResultsEndsEarlyAndGoesOn) {
  database_.Execute(
      "INSERT INTO aquifer.job_runs (job, key, state, holder, lease_token, lease_expires_at, "
      "  created_at, finished_at, result) "
      "SELECT 'long', n, 'succeeded', 'h', 't', now(), '2026-04-01', now(), repeat('ї', 4000) "
      "FROM generate_series(1, 500) AS n");
  request_.set_job("long");
  request_.set_page_size(1000);

  const auto first = Call(&JobRepository::ListJobRuns, request_);

  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_LT(first->ByteSizeLong(), 4u * 1024 * 1024);
  EXPECT_LT(first->runs_size(), 500);
  EXPECT_EQ(Keys().size(), 500u);
}

}  // namespace
}  // namespace aquifer
