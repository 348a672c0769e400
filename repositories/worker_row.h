// The columns of a worker and their mapping, written once.
#pragma once

#include "aquifer/v1/worker.pb.h"
#include "repositories/row.h"

// Selects a worker `w` with the shift under way, in the order WorkerFrom reads. The FROM clause
// names the worker `w` and adds AQUIFER_WORKER_SHIFT.
#define AQUIFER_WORKER_COLUMNS                                                        \
  "w.id, COALESCE(w.chat_id, 0), w.name, w.phone, w.employed, w.receives_summaries, " \
  "w.dialogue_state, COALESCE(s.id, 0), s.started_at, w.version, "                    \
  "w.created_at, w.updated_at, w.deleted_at"

// At most one row a worker, by the index shifts_under_way.
#define AQUIFER_WORKER_SHIFT \
  "LEFT JOIN aquifer.shifts AS s ON s.worker_id = w.id AND s.ended_at IS NULL "

// Who gets summaries. Being employed is another fact.
#define AQUIFER_GETS_SUMMARIES(of) \
  of ".receives_summaries AND " of ".chat_id IS NOT NULL AND " of ".deleted_at IS NULL "

namespace aquifer {

// How many columns the above are; others of a statement come after them.
inline constexpr int kWorkerColumns = 13;

// Reads the columns above, beginning with the first of the row.
inline void WorkerFrom(const Row& row, v1::Worker& worker) {
  worker.set_id(row.Int(0));
  worker.set_chat_id(row.Int(1));
  worker.set_name(row.Text(2));
  worker.set_phone(row.Text(3));
  worker.set_employed(row.Bool(4));
  worker.set_receives_summaries(row.Bool(5));
  worker.set_dialogue_state(row.Text(6));
  worker.set_shift_id(row.Int(7));
  worker.set_on_shift(worker.shift_id() != 0);
  if (!row.IsNull(8)) *worker.mutable_shift_started_at() = row.Instant(8);
  worker.set_version(row.Int(9));
  *worker.mutable_created_at() = row.Instant(10);
  *worker.mutable_updated_at() = row.Instant(11);
  if (!row.IsNull(12)) *worker.mutable_deleted_at() = row.Instant(12);
}

}  // namespace aquifer
