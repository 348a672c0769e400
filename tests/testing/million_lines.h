// A history long enough that an index decides, for tests of plans and of time taken.
#pragma once

#include "tests/testing/test_database.h"

namespace aquifer::testing {

inline constexpr int kMillion = 1000000;

// A database with a million lines of 10,000 devices and 40 collectors, one every 26 s from June
// 2025 to March 2026; 30 of the collectors' texts mapped to 10 workers, who have 300 shifts of 40
// points each and look after a thousand devices each; the outcomes of 50 days of fetches, a tenth
// of them missing; the days summed; and 10,000 runs of two jobs with 10 deliveries each. Analysed.
// Made at the first call and shared by the program's tests, which therefore only read it, or roll
// back.
TestDatabase& MillionLines();

}  // namespace aquifer::testing
