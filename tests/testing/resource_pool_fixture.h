// Fixture of the tests of the pool alone: resources that cost nothing, a clock that stands still.
#pragma once

#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "repositories/errors.h"
#include "server/database/resource_pool.h"
#include "tests/testing/eventually.h"

namespace aquifer::testing {

class FakeClock {
 public:
  absl::Time Now() const {
    absl::MutexLock lock(&mutex_);
    return now_;
  }
  void Advance(absl::Duration by) {
    absl::MutexLock lock(&mutex_);
    now_ += by;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1'700'000'000);
};

struct Fake {
  int id = 0;
  std::atomic<bool> reusable{true};
  std::atomic<bool> in_use{false};
  std::atomic<const char*> activity{""};
  bool Reusable() const { return reusable; }
  absl::string_view Activity() const { return activity.load(); }
};

// What stands behind the factory.
class Source {
 public:
  absl::StatusOr<std::unique_ptr<Fake>> Open() {
    ++attempts;
    if (absl::Notification* closed = gate) {
      closed->WaitForNotificationWithTimeout(absl::Seconds(60));
    }
    if (down) return MakeError(Reason::kDatabaseUnavailable, "the database cannot be reached");
    if (refusing) return MakeError(Reason::kDatabaseRefused, "wrong password");
    if (hurried) return MakeError(Reason::kDeadlineExceeded, "too short");
    auto fake = std::make_unique<Fake>();
    fake->id = ++opened;
    return fake;
  }

  std::atomic<bool> down{false};
  std::atomic<bool> refusing{false};
  std::atomic<bool> hurried{false};
  std::atomic<int> attempts{0};
  std::atomic<int> opened{0};
  // If set, Open waits for it.
  std::atomic<absl::Notification*> gate{nullptr};
};

using Pool = ResourcePool<Fake>;

class ResourcePoolFixture : public ::testing::Test {
 protected:
  ResourcePoolFixture() {
    options_.max = 2;
    options_.idle_timeout = absl::Seconds(30);
    options_.max_life = absl::Seconds(1000);
  }

  Pool& pool() {
    if (!pool_) {
      pool_ = std::make_unique<Pool>(
          options_, [this](absl::Time) { return source_.Open(); }, [this] { return clock_.Now(); });
    }
    return *pool_;
  }

  Pool::Lease Take(absl::string_view label = "Test") {
    absl::StatusOr<Pool::Lease> lease = pool().Acquire(Soon(), label);
    EXPECT_TRUE(lease.ok()) << lease.status();
    return lease.ok() ? *std::move(lease) : Pool::Lease();
  }
  absl::Status TryTake() { return pool().Acquire(Soon(), "Test").status(); }

  // Beyond the test by the clock that stands still.
  absl::Time Soon() const { return clock_.Now() + absl::Seconds(10); }
  bool Waiting(int count) {
    return Eventually([&] { return pool().Figures().waiting == count; });
  }

  ResourcePoolOptions options_;
  FakeClock clock_;
  Source source_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace aquifer::testing
