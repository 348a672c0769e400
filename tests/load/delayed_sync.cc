// A slow disk, for what is preloaded with this: every fsync and fdatasync takes so much longer as
// AQUIFER_SYNC_DELAY_US says.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

namespace {

using Sync = int (*)(int);

int SlowSync(const char* name, int file) {
  static const char* const delay = std::getenv("AQUIFER_SYNC_DELAY_US");
  if (delay != nullptr) usleep(static_cast<useconds_t>(std::atoi(delay)));
  return reinterpret_cast<Sync>(dlsym(RTLD_NEXT, name))(file);
}

}  // namespace

extern "C" int fsync(int file) { return SlowSync("fsync", file); }

extern "C" int fdatasync(int file) { return SlowSync("fdatasync", file); }
