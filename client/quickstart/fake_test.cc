// A test of a program that calls Aquifer, without a server and its database.
#include <aquifer/fake_server.h>

#include <cstdlib>

namespace v1 = aquifer::v1;

// What is tested: whose is this worker id?
std::string NameOf(const aquifer::client::Client& client, std::int64_t id) {
  v1::GetWorkerRequest request;
  request.set_id(id);
  const auto answer = client.workers().GetWorker(request);
  if (answer.ok()) return answer->worker().name();
  return aquifer::client::ReasonOf(answer.status()) == "WORKER_NOT_FOUND" ? "nobody" : "unknown";
}

int main() {
  aquifer::client::FakeServer server;
  server.On([](const v1::GetWorkerRequest& request) -> absl::StatusOr<v1::GetWorkerResponse> {
    if (request.id() != 7) {
      return aquifer::client::ErrorWith(absl::StatusCode::kNotFound, "no such worker",
                                        {.reason = "WORKER_NOT_FOUND"});
    }
    v1::GetWorkerResponse response;
    response.mutable_worker()->set_name("Olena");
    return response;
  });
  const aquifer::client::Client client = server.NewClient();

  const bool right = NameOf(client, 7) == "Olena" && NameOf(client, 8) == "nobody" &&
                     server.Received<v1::GetWorkerRequest>().size() == 2;
  return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
