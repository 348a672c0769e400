// The columns of a collection line and their mapping, written once.
#pragma once

#include "aquifer/v1/collection.pb.h"
#include "repositories/row.h"

// A line's columns as stored, for a sub-select or a RETURNING that hands `of` up to
// AQUIFER_COLLECTION_COLUMNS.
// clang-format off
#define AQUIFER_STORED_COLUMNS(of)                                                            \
  of ".id, " of ".device_id, " of ".collected_at, "                                           \
  of ".banknotes, " of ".coins, " of ".total, "                                               \
  of ".collector, " of ".card_id, " of ".note, " of ".machine, "                              \
  of ".version, " of ".created_at, " of ".updated_at, " of ".corrected_at "
// clang-format on

// Selects a line `c` with its collector's worker, in the order CollectionFrom reads. The FROM
// clause names the line `c` and adds AQUIFER_COLLECTION_JOINS.
#define AQUIFER_COLLECTION_COLUMNS                                                       \
  "c.id, c.device_id, c.collected_at, "                                                  \
  "c.banknotes, c.coins, c.total, "                                                      \
  "c.collector, COALESCE(w.id, 0), COALESCE(w.name, ''), c.card_id, c.note, c.machine, " \
  "c.version, c.created_at, c.updated_at, c.corrected_at "

#define AQUIFER_COLLECTION_JOINS                                           \
  "LEFT JOIN aquifer.collector_aliases AS a ON a.collector = c.collector " \
  "LEFT JOIN aquifer.workers AS w ON w.id = a.worker_id "

namespace aquifer {

// Reads the columns above, beginning with the first of the row.
inline void CollectionFrom(const Row& row, v1::Collection& line) {
  line.set_id(row.Int(0));
  line.set_device_id(row.Text(1));
  *line.mutable_collected_at() = row.Instant(2);
  *line.mutable_day() = row.Day(2);
  line.set_banknotes_minor(row.Money(3));
  line.set_coins_minor(row.Money(4));
  line.set_total_minor(row.Money(5));
  line.mutable_collector()->set_text(row.Text(6));
  line.mutable_collector()->set_worker_id(row.Int(7));
  line.mutable_collector()->set_worker_name(row.Text(8));
  line.set_card_id(row.Text(9));
  line.set_note(row.Text(10));
  line.set_machine(row.Text(11));
  line.set_version(row.Int(12));
  *line.mutable_created_at() = row.Instant(13);
  *line.mutable_updated_at() = row.Instant(14);
  if (!row.IsNull(15)) *line.mutable_corrected_at() = row.Instant(15);
}

}  // namespace aquifer
