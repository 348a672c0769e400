// The sums of days (migration 0013) kept right while others write.
//
// Whoever changes lines leaves a mark at their hours, in the same transaction. A day with a mark is
// read from its lines, so a sum is never wrong, only unused. Summing a day anew must not take away
// the mark of a write it did not see. So it goes in three steps, each a transaction of its own:
//
//   Claim  takes the marks, but for today's, whose lines still come. A write that begins from now
//          on finds none and leaves another.
//   Fence  remembers which transactions have begun: among them all that found the mark of before.
//   Sum    once these have ended, and so are seen or gone, sums the claimed days and drops the
//   claim.
//
// Killed in between, the claim stays, and with it the reading of lines; whoever comes next goes on.
// Several instances may: an advisory lock lets one sum at a time.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "repositories/session.h"

namespace aquifer {

// How many days one Sum takes on. Of a fleet of 10,000 devices that is 100,000 lines.
inline constexpr int kDaysPerSum = 15;

// Made for one transaction.
class CollectionRollup {
 public:
  explicit CollectionRollup(Session& session) : session_(session) {}

  // Marks everything if the sums are those of another zone's days than this session's.
  void AdoptZone();
  // Marks everything: all sums are made anew from the lines.
  void MarkAll();

  // The marks that are `settled` old: a day whose lines keep changing is not summed over and over.
  void Claim(absl::Duration settled);
  void Fence();
  // Sums the first of the claimed days that nobody can be writing unseen; how many. Nothing if
  // there is none, or another instance is at it.
  int Sum();

  // How many days have sums that may be read, and how many, without today, wait to be summed.
  struct Days {
    std::int64_t summed = 0;
    std::int64_t waiting = 0;
  };
  Days Count();

  // The first day, up to `most` of them, whose sums may be read and are not what its lines sum up
  // to. There are none unless somebody wrote past the marks.
  std::vector<std::string> FindWrong(int most);

 private:
  Session& session_;
};

}  // namespace aquifer
