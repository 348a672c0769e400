// What storing a line again does to the stored one, written once: amounts only rise, and empty
// texts are filled (domain rule 2). A line that was corrected keeps its amounts and its collector:
// the vendor's report is what the correction set right, and comes again with every re-fetch. For
// statements whose target is aliased `c`.
#pragma once

#include "repositories/collection_row.h"

// True where the row `line` has anything to add to `c`. It guards the update, and by being looked
// at before it, keeps an unchanged repeat from writing, or even locking, anything.
#define AQUIFER_LINE_ADDS(line)                     \
  "(c.corrected_at IS NULL"                         \
  " AND (" line ".banknotes > c.banknotes OR " line \
  ".coins > c.coins"                                \
  " OR (c.collector = '' AND " line                 \
  ".collector <> ''))"                              \
  " OR (c.card_id = '' AND " line                   \
  ".card_id <> '')"                                 \
  " OR (c.note = '' AND " line                      \
  ".note <> '')"                                    \
  " OR (c.machine = '' AND " line ".machine <> ''))"

// The columns of a line that INSERT names.
#define AQUIFER_LINE_COLUMNS \
  "device_id, collected_at, banknotes, coins, collector, card_id, note, machine"

// Registers the devices of those rows of `line` that are `unknown` lines, in their order.
// clang-format off
#define AQUIFER_LINE_DEVICES(unknown)                                                             \
  "registered AS ("                                                                               \
    "INSERT INTO aquifer.devices (device_id) "                                                    \
    "SELECT DISTINCT line.device_id "                                                             \
    "FROM line "                                                                                  \
    "WHERE " unknown                                                                              \
    " AND NOT EXISTS ("                                                                           \
      "SELECT FROM aquifer.devices AS device WHERE device.device_id = line.device_id) "           \
    "ORDER BY line.device_id "                                                                    \
    "ON CONFLICT DO NOTHING "                                                                     \
    "RETURNING device_id)"

// The lines that a statement `stored`, and those `known` ones that `found` names and that remain
// unchanged: whole, with their outcome.
#define AQUIFER_LINE_OUTCOMES(found)                                                              \
  "c AS ("                                                                                        \
    "SELECT " AQUIFER_STORED_COLUMNS("stored") ", "                                               \
      "CASE WHEN stored.version = 1 THEN 1 ELSE 2 END AS outcome "                                \
    "FROM stored "                                                                                \
    "UNION ALL "                                                                                  \
    "SELECT " AQUIFER_STORED_COLUMNS("known") ", 3 "                                              \
    "FROM " found ")"
// clang-format on

// `raised` for a line as it was reported, and `column` as it is for one that was corrected.
#define AQUIFER_UNLESS_CORRECTED(column, raised) \
  column " = CASE WHEN c.corrected_at IS NULL THEN " raised " ELSE c." column " END, "

// A new line has version 1 and a raised one never has again, which is how RETURNING tells the two
// apart, whoever else writes. Where the stored row turns out to have nothing to gain, it is locked
// and nothing is returned.
// clang-format off
#define AQUIFER_LINE_RAISE                                                                        \
  " ON CONFLICT ON CONSTRAINT collections_key DO UPDATE SET "                                     \
  AQUIFER_UNLESS_CORRECTED("banknotes", "GREATEST(c.banknotes, excluded.banknotes)")              \
  AQUIFER_UNLESS_CORRECTED("coins", "GREATEST(c.coins, excluded.coins)")                          \
  AQUIFER_UNLESS_CORRECTED("collector", "COALESCE(NULLIF(c.collector, ''), excluded.collector)")  \
  "card_id = COALESCE(NULLIF(c.card_id, ''), excluded.card_id), "                                 \
  "note = COALESCE(NULLIF(c.note, ''), excluded.note), "                                          \
  "machine = COALESCE(NULLIF(c.machine, ''), excluded.machine), "                                 \
  "version = c.version + 1, "                                                                     \
  "updated_at = now() "                                                                           \
  "WHERE " AQUIFER_LINE_ADDS("excluded")
// clang-format on
