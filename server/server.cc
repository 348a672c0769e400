#include "server/server.h"

#include <absl/strings/str_cat.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <absl/time/clock.h>

#include <cstdio>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "repositories/migrations.h"
#include "server/database/connection_pool.h"
#include "server/database/database_hosts.h"
#include "server/database/ledger_keeper.h"
#include "server/database/local_postgres.h"
#include "server/database/migrator.h"
#include "server/database/replicas.h"
#include "server/database/rollup_keeper.h"
#include "server/database/transaction_runner.h"
#include "server/database_preparation.h"
#include "server/exit_code.h"
#include "server/grpc_listener.h"
#include "server/health/health_checks.h"
#include "server/health/health_monitor.h"
#include "server/health/health_service.h"
#include "server/health/health_state.h"
#include "server/metrics_report.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/collection_service.h"
#include "server/rpc/executor.h"
#include "server/rpc/job_service.h"
#include "server/rpc/maintenance_service.h"
#include "server/rpc/rpc_runner.h"
#include "server/rpc/transaction_service.h"
#include "server/rpc/worker_service.h"
#include "server/status_report.h"
#include "server/stop_signals.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/metrics_listener.h"
#include "server/version.h"

namespace aquifer {
namespace {

// Threads for what must work while every worker waits for the database.
constexpr int kReserveThreads = 2;
constexpr int kReserveCapacity = 100;
// Connections beside the pool's: the health monitor's, the migrator's, an operator's psql.
constexpr int kConnectionsBesidePool = 10;
// Statements that the status shows.
constexpr std::size_t kCostliestStatements = 10;
constexpr absl::Duration kWarmTimeout = absl::Seconds(10);
constexpr absl::Duration kClosePoolTimeout = absl::Seconds(5);
// How long the start waits for the first good health looks before it says that it serves.
constexpr absl::Duration kFirstHealthTimeout = absl::Seconds(5);
constexpr absl::Duration kTurnAwayPeriod = absl::Milliseconds(100);
constexpr absl::Duration kPatienceWithReserve = absl::Seconds(60);

// Everything that runs while the server does, in the order it is built.
class Server {
 public:
  Server(const ServerOptions& options, Log& log)
      : options_(options), started_at_(absl::Now()), log_(log) {}

  absl::Status Start();
  void PrintWelcome() const;
  void Stop(StopSignals& signals);

 private:
  absl::Status StartDatabase();
  void StartReplicas();
  absl::Status PrepareDatabase();
  absl::Status StartListeners();
  absl::Status StartProbes();
  absl::Status StartMetrics();
  void AwaitFirstHealth();
  v1::GetStatusResponse Status() const;
  ServerFigures Figures();
  JoinerFigures JoinedFigures() const;
  // With those that wait to be joined.
  ExecutorFigures WorkerFigures() const;
  void LogFinalFigures() const;

  const ServerOptions& options_;
  const absl::Time started_at_;
  Log& log_;
  Metrics metrics_;

  std::unique_ptr<LocalPostgres> local_postgres_;
  // As asked for, with the URL of the embedded one where that serves.
  DatabaseOptions database_;
  std::optional<ConnectionPool> pool_;
  // None where the database has one host.
  std::optional<Replicas> replicas_;
  std::optional<TransactionRunner> transactions_;
  std::optional<LedgerKeeper> ledger_keeper_;
  std::optional<RollupKeeper> rollup_keeper_;
  std::optional<DatabasePreparation> preparation_;
  std::optional<HealthState> health_;
  std::optional<Executor> workers_;
  std::optional<Executor> reserve_;
  std::optional<HealthMonitor> monitor_;
  std::optional<RpcRunner> rpc_;
  std::optional<CollectionService> collections_;
  std::optional<JobService> jobs_;
  std::optional<MaintenanceService> maintenance_;
  std::optional<WorkerService> worker_service_;
  std::optional<TransactionService> transaction_service_;
  std::optional<AdminService> admin_;
  std::optional<HealthService> health_service_;
  std::optional<HealthService> probe_service_;
  std::unique_ptr<GrpcListener> listener_;
  std::unique_ptr<GrpcListener> probe_listener_;
  std::unique_ptr<MetricsListener> metrics_listener_;
};

absl::Status Server::Start() {
  if (absl::Status status = StartDatabase(); !status.ok()) return status;
  health_.emplace(HealthStateOptions{}, log_);
  workers_.emplace(
      ExecutorOptions{.threads = options_.pool.max,
                      .queue = {.capacity = options_.queue_capacity,
                                .max_bytes = static_cast<std::size_t>(options_.queue_max_bytes),
                                .caller_share = options_.queue_share_percent / 100.0}});
  reserve_.emplace(
      ExecutorOptions{.threads = kReserveThreads, .queue = {.capacity = kReserveCapacity}});
  rpc_.emplace(RpcParts{.transactions = *transactions_,
                        .workers = *workers_,
                        .reserve = *reserve_,
                        .log = log_,
                        .metrics = metrics_},
               RpcLimits{.max_message_bytes = options_.max_message_bytes,
                         .max_streams = options_.max_streams,
                         .stream_patience = options_.stream_patience,
                         .queue_patience = options_.queue_patience});
  monitor_.emplace(
      HealthMonitorOptions{
          .urls = UrlsByHost(database_.url),
          .application_name = absl::StrCat("aquifer/", options_.instance, " health"),
          .interval = options_.health_interval,
          .schema_min = AcceptedWindow(Migrations()).min,
          .schema_max = AcceptedWindow(Migrations()).max,
          .pool_warmth =
              [this] { return preparation_->done() ? PoolWarmth::kWarm : PoolWarmth::kCold; },
          .executor_progress =
              [this] {
                return reserve_->MakesProgress(kPatienceWithReserve) ? Progress::kMade
                                                                     : Progress::kNone;
              },
          .on_answer = [this](std::size_t host) { pool_->DatabaseAnswers(host); },
      },
      *health_);
  monitor_->Start();
  ledger_keeper_->Start();
  rollup_keeper_->Start();
  if (absl::Status status = StartListeners(); !status.ok()) return status;
  if (preparation_->done()) AwaitFirstHealth();
  return absl::OkStatus();
}

absl::Status Server::StartDatabase() {
  database_ = options_.database;
  if (database_.url.empty()) {
    std::printf("database  starting the embedded PostgreSQL in %s\n",
                options_.database.data_dir.c_str());
    std::fflush(stdout);
    auto started =
        LocalPostgres::Start({.data_dir = options_.database.data_dir,
                              .bindir = options_.database.postgres_bindir,
                              .max_connections = options_.pool.max + kConnectionsBesidePool},
                             log_);
    if (!started.ok()) return started.status();
    local_postgres_ = *std::move(started);
    database_.url = local_postgres_->url();
  }
  pool_.emplace(ConnectionPoolOptions{.database = database_,
                                      .pool = options_.pool,
                                      .instance = options_.instance,
                                      .time_zone = options_.time_zone},
                log_);
  StartReplicas();
  transactions_.emplace(*pool_,
                        TransactionRunnerOptions{.max_attempts = options_.transaction_attempts,
                                                 .replicas = replicas_ ? &*replicas_ : nullptr,
                                                 .metrics = &metrics_});
  ledger_keeper_.emplace(*transactions_,
                         LedgerKeeperOptions{.keep_hours = options_.ledger_keep_hours}, log_);
  rollup_keeper_.emplace(*transactions_, RollupKeeperOptions{}, log_);
  preparation_.emplace([this] { return PrepareDatabase(); }, log_);
  return preparation_->Begin();
}

void Server::StartReplicas() {
  if (!pool_->fails_over() || options_.replicas.pool_max == 0) return;
  PoolOptions pool = options_.pool;
  pool.min = 0;
  pool.max = options_.replicas.pool_max;
  replicas_.emplace(ReplicasOptions{.database = database_,
                                    .pool = pool,
                                    .instance = options_.instance,
                                    .time_zone = options_.time_zone,
                                    .look_interval = options_.replicas.look_interval,
                                    .patience = options_.replicas.patience,
                                    .max_waits = (options_.pool.max + 1) / 2},
                    log_);
}

absl::Status Server::PrepareDatabase() {
  Migrator migrator(SettingsFor(database_, absl::StrCat("aquifer/", options_.instance, " migrate"),
                                options_.time_zone),
                    Migrations(), {.applied_by = options_.instance});
  if (options_.migrate_at_start) {
    if (const auto steps = migrator.Up(); !steps.ok()) return steps.status();
  }
  if (absl::Status status = migrator.CheckWindow(AcceptedWindow(Migrations())); !status.ok()) {
    return status;
  }
  if (absl::Status status = pool_->Warm(absl::Now() + kWarmTimeout); !status.ok()) return status;
  // A failure is in the log, and no reason not to serve.
  (void)ledger_keeper_->KeepOnce();
  return absl::OkStatus();
}

absl::Status Server::StartListeners() {
  collections_.emplace(*rpc_);
  jobs_.emplace(*rpc_);
  maintenance_.emplace(*rpc_);
  worker_service_.emplace(*rpc_);
  transaction_service_.emplace(*rpc_);
  admin_.emplace(*rpc_, [this] { return Status(); });
  for (const RpcService* service : std::initializer_list<const RpcService*>{
           &*collections_,
           &*jobs_,
           &*maintenance_,
           &*worker_service_,
           &*transaction_service_,
           &*admin_,
       }) {
    if (absl::Status status = service->CheckComplete(); !status.ok()) return status;
  }
  health_service_.emplace(*health_);
  auto listener = GrpcListener::Start({.address = options_.address,
                                       .port = options_.port,
                                       .socket = options_.socket,
                                       .socket_mode = std::stoi(options_.socket_mode, nullptr, 8),
                                       .max_message_bytes = options_.max_message_bytes,
                                       .memory_bytes = options_.transport_memory_bytes},
                                      {&*collections_, &*jobs_, &*maintenance_, &*worker_service_,
                                       &*transaction_service_, &*admin_, &*health_service_});
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  if (absl::Status status = StartProbes(); !status.ok()) return status;
  return StartMetrics();
}

absl::Status Server::StartProbes() {
  if (options_.health_port < 0) return absl::OkStatus();
  probe_service_.emplace(*health_);
  auto probes = GrpcListener::Start({.address = options_.address, .port = options_.health_port},
                                    {&*probe_service_});
  if (!probes.ok()) return probes.status();
  probe_listener_ = *std::move(probes);
  return absl::OkStatus();
}

absl::Status Server::StartMetrics() {
  if (options_.metrics_port < 0) return absl::OkStatus();
  metrics_.AskAtScrape([this] { return ToMetrics(Figures()); });
  metrics_.AskAtScrape(ProcessMetrics);
  auto listener = MetricsListener::Start(options_.address, options_.metrics_port, metrics_);
  if (!listener.ok()) return listener.status();
  metrics_listener_ = *std::move(listener);
  return absl::OkStatus();
}

void Server::AwaitFirstHealth() {
  class FirstReady final : public HealthWatcher {
   public:
    explicit FirstReady(HealthState& state) : state_(state) {}
    void OnHealthChanged() override {
      absl::MutexLock lock(&mutex_);
      if (state_.Snapshot().ready && !ready_.HasBeenNotified()) ready_.Notify();
    }
    absl::Notification ready_;

   private:
    HealthState& state_;
    absl::Mutex mutex_;
  };
  const auto watcher = std::make_shared<FirstReady>(*health_);
  health_->Subscribe(watcher);
  watcher->OnHealthChanged();
  watcher->ready_.WaitForNotificationWithTimeout(kFirstHealthTimeout);
  health_->Unsubscribe(watcher.get());
}

void Server::PrintWelcome() const {
  const std::string address = listener_->address();
  std::printf("aquifer %s, instance %s, pool of %d to %d connections\n",
              std::string(Version()).c_str(), options_.instance.c_str(), options_.pool.min,
              options_.pool.max);
  const std::string problem = preparation_->problem();
  if (problem.empty()) {
    std::printf("database  schema version %d\n", Migrations().back().version);
  } else {
    std::printf("database  not ready yet: %s; calls get UNAVAILABLE until it is\n",
                problem.c_str());
  }
  std::printf("serving on %s (plaintext)\n", address.c_str());
  if (const std::string socket = listener_->socket_address(); !socket.empty()) {
    std::printf("serving on %s\n", socket.c_str());
  }
  if (probe_listener_) std::printf("health alone on %s\n", probe_listener_->address().c_str());
  if (metrics_listener_) {
    std::printf("metrics on http://%s/metrics\n", metrics_listener_->address().c_str());
  }
  std::printf(
      "\nTry:\n"
      "  grpcurl -plaintext %s aquifer.v1.Admin/GetStatus\n"
      "  grpcurl -plaintext -d '{\"line\": {\"device_id\": \"164\", \"wall_time\": "
      "\"2026-03-28 14:05:09\", \"banknotes_text\": \"1520\"}}' \\\n"
      "    %s aquifer.v1.CollectionRepository/RecordCollection\n"
      "\nPress Ctrl-C to stop.\n",
      address.c_str(), address.c_str());
  std::fflush(stdout);
}

v1::GetStatusResponse Server::Status() const {
  v1::GetStatusResponse status;
  status.set_version(std::string(Version()));
  status.set_instance(options_.instance);
  status.mutable_started_at()->set_seconds(absl::ToUnixSeconds(started_at_));
  status.mutable_uptime()->set_seconds(absl::ToInt64Seconds(absl::Now() - started_at_));
  *status.mutable_pool() = ToStatus(pool_->Figures());
  *status.mutable_queue() = ToStatus(WorkerFigures());
  if (replicas_) *status.mutable_hosts() = ToStatus(replicas_->Figures());
  *status.mutable_ledger() = ToStatus(rpc_->Repeats());
  for (const StatementFigures& figures : metrics_.CostliestStatements(kCostliestStatements)) {
    *status.add_statements() = ToStatus(figures);
  }
  const DatabaseView view = monitor_->View();
  *status.mutable_database() = ToStatus(view, options_.time_zone);
  *status.mutable_health() = MakeHealthReport(view, status.pool(), status.queue());
  return status;
}

JoinerFigures Server::JoinedFigures() const {
  JoinerFigures sum = collections_->JoinFigures();
  return sum += jobs_->JoinFigures();
}

ExecutorFigures Server::WorkerFigures() const {
  ExecutorFigures figures = workers_->Figures();
  const JoinerFigures joined = JoinedFigures();
  figures.queued += joined.waiting;
  figures.queued_bytes += joined.waiting_bytes;
  figures.refused += joined.refused;
  figures.overdue += joined.overdue;
  figures.withdrawn += joined.withdrawn;
  return figures;
}

ServerFigures Server::Figures() {
  return {.pool = pool_->Figures(),
          .workers = WorkerFigures(),
          .reserve = reserve_->Figures(),
          .joined = JoinedFigures(),
          .repeats = rpc_->Repeats(),
          .replicas = replicas_ ? replicas_->Figures() : ReplicaFigures(),
          .cancels = pool_->canceller().Figures(),
          .links_cut = pool_->watchdog().cut(),
          .events = pool_->Events(),
          .ready = health_->Snapshot().ready};
}

void Server::Stop(StopSignals& signals) {
  std::printf("\nstopping: %s of notice, then up to %s for running calls\n",
              absl::FormatDuration(options_.shutdown_notice).c_str(),
              absl::FormatDuration(options_.shutdown_drain).c_str());
  std::fflush(stdout);
  log_.Write(LogLine(LogLevel::kInfo, "stopping"));
  health_->SetDraining();
  signals.Await(options_.shutdown_notice);
  // gRPC cancels a call that arrives just as it shuts down; ours is an error a client retries. So
  // callers are turned away first, and few are left to meet gRPC's.
  rpc_->RefuseCalls();
  signals.Await(kTurnAwayPeriod);
  signals.LetNextOneEndTheProcess();

  health_service_->FinishWatches();
  listener_->Shutdown(absl::Now() + options_.shutdown_drain);
  // The kubelet's port answers to the last, so that a slow drain is not taken for a hang.
  if (probe_listener_) {
    probe_service_->FinishWatches();
    probe_listener_->Shutdown(absl::Now());
  }
  // It asks the parts that end now.
  metrics_listener_.reset();
  LogFinalFigures();
  monitor_->Stop();
  ledger_keeper_->Stop();
  rollup_keeper_->Stop();
  // What they still run answers to the listener's queue.
  workers_.reset();
  reserve_.reset();
  listener_->Close();
  // First the pool, so that a preparation under way does not wait to fill it.
  if (absl::Status status = pool_->Close(absl::Now() + kClosePoolTimeout); !status.ok()) {
    log_.Write(LogLine(LogLevel::kWarning, "pool_not_closed").Add("error", status.message()));
  }
  if (replicas_) (void)replicas_->Close(absl::Now() + kClosePoolTimeout);
  preparation_.reset();
  if (local_postgres_) local_postgres_->Stop();
  log_.Write(LogLine(LogLevel::kInfo, "stopped"));
  std::printf("stopped\n");
  std::fflush(stdout);
}

void Server::LogFinalFigures() const {
  const PoolFigures pool = pool_->Figures();
  const ExecutorFigures calls = WorkerFigures();
  log_.Write(LogLine(LogLevel::kInfo, "final_figures")
                 .Add("uptime_s", absl::ToInt64Seconds(absl::Now() - started_at_))
                 .Add("steps_finished", calls.finished)
                 .Add("calls_refused", calls.refused)
                 .Add("connections_opened", pool.opened)
                 .Add("connect_failures", pool.connect_failures)
                 .Add("acquire_timeouts", pool.acquire_timeouts));
}

absl::Status StartServer(Server& server, StopSignals& signals) {
  EndAtSignal end_at_signal(signals);
  return server.Start();
}

}  // namespace

int Serve(const ServerOptions& options) {
  // abseil as Debian builds it looks for deadlocks at every lock; the tests have it look.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  StopSignals signals;
  Log log(options.log_level);
  Server server(options, log);
  if (absl::Status status = StartServer(server, signals); !status.ok()) {
    log.Flush();
    std::fprintf(stderr, "aquifer-server: %s\n", std::string(status.message()).c_str());
    return kExitFailure;
  }
  server.PrintWelcome();
  while (!signals.Await(absl::Hours(1))) {
  }
  server.Stop(signals);
  return kExitOk;
}

}  // namespace aquifer
