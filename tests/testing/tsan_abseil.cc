// Tells ThreadSanitizer what abseil's locks order. Debian's abseil is compiled without it, so that
// everything guarded by an absl::Mutex would look like a race. The definitions here stand before
// those of the shared library, call them, and say "acquired" and "released" around. Compiled into
// tests of a ThreadSanitizer build only.
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#define AQUIFER_TEXT_OF(name) #name
#define AQUIFER_TEXT(name) AQUIFER_TEXT_OF(name)

namespace {

// The library's own definition of a member function, by the end of its mangled name.
#define AQUIFER_REAL(Signature, kind, rest)             \
  static const auto real = reinterpret_cast<Signature>( \
      dlsym(RTLD_NEXT, kind "4absl7" AQUIFER_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME) rest))

static_assert(sizeof(AQUIFER_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME)) == 7 + 1,
              "the 7 above is the length of the namespace's name");

// The mutex this thread is giving up: its waiters' conditions are evaluated by us meanwhile.
thread_local void* giving_up = nullptr;

class GivingUp {
 public:
  explicit GivingUp(void* mutex) : before_(giving_up) {
    giving_up = mutex;
    __tsan_release(mutex);
  }
  ~GivingUp() { giving_up = before_; }

 private:
  void* const before_;
};

// Debian's abseil looks for deadlocks at every lock, in a graph that a lock of its own guards,
// which ThreadSanitizer cannot see; it looks for them itself.
[[maybe_unused]] const bool without_own_deadlock_checks = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

bool Condition::Eval() const {
  AQUIFER_REAL(bool (*)(const Condition*), "_ZNK", "9Condition4EvalEv");
  // Whoever evaluates it holds the lock, perhaps taken back inside Await, where nothing was said.
  if (giving_up != nullptr) __tsan_acquire(giving_up);
  const bool holds = real(this);
  if (giving_up != nullptr) __tsan_release(giving_up);
  return holds;
}

#define AQUIFER_LOCK(Name, symbol)                 \
  void Mutex::Name() {                             \
    AQUIFER_REAL(void (*)(Mutex*), "_ZN", symbol); \
    real(this);                                    \
    __tsan_acquire(this);                          \
  }
#define AQUIFER_TRY_LOCK(Name, symbol)             \
  bool Mutex::Name() {                             \
    AQUIFER_REAL(bool (*)(Mutex*), "_ZN", symbol); \
    const bool locked = real(this);                \
    if (locked) __tsan_acquire(this);              \
    return locked;                                 \
  }
#define AQUIFER_UNLOCK(Name, symbol)               \
  void Mutex::Name() {                             \
    AQUIFER_REAL(void (*)(Mutex*), "_ZN", symbol); \
    GivingUp giving(this);                         \
    real(this);                                    \
  }

AQUIFER_LOCK(Lock, "5Mutex4LockEv")
AQUIFER_LOCK(ReaderLock, "5Mutex10ReaderLockEv")
AQUIFER_TRY_LOCK(TryLock, "5Mutex7TryLockEv")
AQUIFER_TRY_LOCK(ReaderTryLock, "5Mutex13ReaderTryLockEv")
AQUIFER_UNLOCK(Unlock, "5Mutex6UnlockEv")
AQUIFER_UNLOCK(ReaderUnlock, "5Mutex12ReaderUnlockEv")

void Mutex::LockWhen(const Condition& condition) {
  AQUIFER_REAL(void (*)(Mutex*, const Condition&), "_ZN", "5Mutex8LockWhenERKNS0_9ConditionE");
  real(this, condition);
  __tsan_acquire(this);
}

void Mutex::Await(const Condition& condition) {
  AQUIFER_REAL(void (*)(Mutex*, const Condition&), "_ZN", "5Mutex5AwaitERKNS0_9ConditionE");
  GivingUp giving(this);
  real(this, condition);
  __tsan_acquire(this);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  AQUIFER_REAL(bool (*)(Mutex*, const Condition&, Duration), "_ZN",
               "5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  GivingUp giving(this);
  const bool holds = real(this, condition, timeout);
  __tsan_acquire(this);
  return holds;
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  AQUIFER_REAL(bool (*)(Mutex*, const Condition&, Time), "_ZN",
               "5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  GivingUp giving(this);
  const bool holds = real(this, condition, deadline);
  __tsan_acquire(this);
  return holds;
}

void CondVar::Wait(Mutex* mutex) {
  AQUIFER_REAL(void (*)(CondVar*, Mutex*), "_ZN", "7CondVar4WaitEPNS0_5MutexE");
  GivingUp giving(mutex);
  real(this, mutex);
  __tsan_acquire(mutex);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  AQUIFER_REAL(bool (*)(CondVar*, Mutex*, Duration), "_ZN",
               "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  GivingUp giving(mutex);
  const bool timed_out = real(this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  AQUIFER_REAL(bool (*)(CondVar*, Mutex*, Time), "_ZN",
               "7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  GivingUp giving(mutex);
  const bool timed_out = real(this, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}

void Notification::Notify() {
  AQUIFER_REAL(void (*)(Notification*), "_ZN", "12Notification6NotifyEv");
  __tsan_release(this);
  real(this);
}

void Notification::WaitForNotification() const {
  AQUIFER_REAL(void (*)(const Notification*), "_ZNK", "12Notification19WaitForNotificationEv");
  real(this);
  __tsan_acquire(const_cast<Notification*>(this));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  AQUIFER_REAL(bool (*)(const Notification*, Duration), "_ZNK",
               "12Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  const bool notified = real(this, timeout);
  if (notified) __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  AQUIFER_REAL(bool (*)(const Notification*, Time), "_ZNK",
               "12Notification31WaitForNotificationWithDeadlineENS0_4TimeE");
  const bool notified = real(this, deadline);
  if (notified) __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}

ABSL_NAMESPACE_END
}  // namespace absl
