// The hosts of a database URL, each as a URL of its own.
//
// libpq tries several hosts by itself, but waits on one that is silent for as long as it is given:
// its handshake without blocking has no time limit a host. So whoever connects takes them one by
// one, each with its share of the time.
#pragma once

#include <string>
#include <vector>

namespace aquifer {

// Which of several hosts will do: a primary (target_session_attrs=read-write, unless the URL says
// otherwise), or any.
enum class WantedHost { kPrimary, kAny };

// What to connect with, one text of libpq's keywords a host, in the URL's order. A URL of one host,
// or one that libpq does not understand, is given back as it is.
std::vector<std::string> UrlsByHost(const std::string& url,
                                    WantedHost wanted = WantedHost::kPrimary);

}  // namespace aquifer
