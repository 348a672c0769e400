// Tells ThreadSanitizer what absl::Mutex, CondVar and Notification do.
//
// The distribution's abseil is built without ThreadSanitizer, which therefore sees no order between
// an Unlock and the next Lock, and reports every guarded field as a race. Here the test program
// defines these functions itself, which goes before the shared library's, and each passes on to the
// library's own. Only built with AQUIFER_SANITIZE=thread.
//
// Conditions run inside these calls, at moments when ThreadSanitizer already takes the lock for
// released, so what they read is left out.
#include <absl/base/options.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <absl/time/time.h>
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}

namespace {

#define AQUIFER_TEXT_OF(name) #name
#define AQUIFER_TEXT(name) AQUIFER_TEXT_OF(name)

// The library's function whose mangled name ends like this after absl's inline namespace.
void* Real(const char* suffix) {
  const char* space = AQUIFER_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  const std::string name = "4absl" + std::to_string(std::strlen(space)) + space + suffix;
  for (const char* prefix : {"_ZN", "_ZNK"}) {
    if (void* found = dlsym(RTLD_NEXT, (prefix + name).c_str())) return found;
  }
  std::fprintf(stderr, "abseil has no %s\n", name.c_str());
  std::abort();
}

// Calls the library's function with `object` released before and acquired after.
template <typename Answer, typename Object, typename... Args>
Answer PassOn(void* real, Object* object, const void* lock, Args... args) {
  struct Scope {
    explicit Scope(const void* held) : lock(const_cast<void*>(held)) {
      __tsan_release(lock);
      AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    }
    ~Scope() {
      AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
      __tsan_acquire(lock);
    }
    void* lock;
  };
  const Scope scope(lock);
  return reinterpret_cast<Answer (*)(Object*, Args...)>(real)(object, args...);
}

// The same for what only takes the lock: there is nothing of ours to release yet.
template <typename Answer, typename Object, typename... Args>
Answer PassOnTaking(void* real, Object* object, Args... args) {
  struct Scope {
    explicit Scope(const void* taken) : lock(const_cast<void*>(taken)) {
      AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    }
    ~Scope() {
      AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
      __tsan_acquire(lock);
    }
    void* lock;
  };
  const Scope scope(object);
  return reinterpret_cast<Answer (*)(Object*, Args...)>(real)(object, args...);
}

template <typename Object>
void PassOnGiving(void* real, Object* object) {
  __tsan_release(object);
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  reinterpret_cast<void (*)(Object*)>(real)(object);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  static void* const real = Real("5Mutex4LockEv");
  PassOnTaking<void>(real, this);
}

bool Mutex::TryLock() {
  static void* const real = Real("5Mutex7TryLockEv");
  return PassOnTaking<bool>(real, this);
}

void Mutex::Unlock() {
  static void* const real = Real("5Mutex6UnlockEv");
  PassOnGiving(real, this);
}

void Mutex::ReaderLock() {
  static void* const real = Real("5Mutex10ReaderLockEv");
  PassOnTaking<void>(real, this);
}

void Mutex::ReaderUnlock() {
  static void* const real = Real("5Mutex12ReaderUnlockEv");
  PassOnGiving(real, this);
}

void Mutex::LockWhen(const Condition& condition) {
  static void* const real = Real("5Mutex8LockWhenERKNS0_9ConditionE");
  PassOnTaking<void>(real, this, &condition);
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  static void* const real = Real("5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  return PassOnTaking<bool>(real, this, &condition, timeout);
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  static void* const real = Real("5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  return PassOnTaking<bool>(real, this, &condition, deadline);
}

void Mutex::Await(const Condition& condition) {
  static void* const real = Real("5Mutex5AwaitERKNS0_9ConditionE");
  PassOn<void>(real, this, this, &condition);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  static void* const real = Real("5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  return PassOn<bool>(real, this, this, &condition, timeout);
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  static void* const real = Real("5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  return PassOn<bool>(real, this, this, &condition, deadline);
}

void CondVar::Wait(Mutex* mutex) {
  static void* const real = Real("7CondVar4WaitEPNS0_5MutexE");
  PassOn<void>(real, this, mutex, mutex);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  static void* const real = Real("7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  return PassOn<bool>(real, this, mutex, mutex, timeout);
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static void* const real = Real("7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  return PassOn<bool>(real, this, mutex, mutex, deadline);
}

void Notification::Notify() {
  static void* const real = Real("12Notification6NotifyEv");
  PassOnGiving(real, this);
}

void Notification::WaitForNotification() const {
  static void* const real = Real("12Notification19WaitForNotificationEv");
  PassOnTaking<void>(real, this);
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  static void* const real = Real("12Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  return PassOnTaking<bool>(real, this, timeout);
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  static void* const real = Real("12Notification31WaitForNotificationWithDeadlineENS0_4TimeE");
  return PassOnTaking<bool>(real, this, deadline);
}

ABSL_NAMESPACE_END
}  // namespace absl
