#include "tests/testing/http_get.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace aquifer::testing {

std::string Get(const std::string& address, const std::string& path) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(address, ':');
  addrinfo* found = nullptr;
  if (getaddrinfo(parts.first.c_str(), parts.second.c_str(), nullptr, &found) != 0) return "";
  const int link = socket(found->ai_family, SOCK_STREAM, 0);
  std::string answer;
  if (connect(link, found->ai_addr, found->ai_addrlen) == 0) {
    const std::string request =
        absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    send(link, request.data(), request.size(), 0);
    std::array<char, 4096> part;
    for (ssize_t n = 0; (n = recv(link, part.data(), part.size(), 0)) > 0;) {
      answer.append(part.data(), n);
    }
  }
  close(link);
  freeaddrinfo(found);
  return answer;
}

double SeriesIn(const std::string& text, const std::string& series) {
  const std::string line = absl::StrCat("\n", series, " ");
  const std::size_t at = text.find(line);
  return at == std::string::npos ? -1 : std::atof(text.c_str() + at + line.size());
}

}  // namespace aquifer::testing
