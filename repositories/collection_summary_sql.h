// The statements of SummarizeCollections: from the rollup of past days where it serves, otherwise
// from the lines, with one an access path of the filter.
//
// One of lines does everything in one pass over them: groups, their order and limit, and the
// total of all lines, those of left-out groups included.
//
//   near   the lines of the range and 120 s before it; `selected` are those the filter asks for
//   seen   each with what came before it at its device: whether it begins a visit, and the period
//          of the last selected line, which tells a device that is new in the period or at all
//   parts  sums by period and collector, and by device where groups are not of time alone: small
//          enough that a number of devices or collectors is a count of parts
//   sets   parts joined to the groups asked for, and beside them to one row a collector
//
// Visits are derived over all lines of a device, before the filter's collectors and totals choose
// among them, so that no filter makes a visit out of the middle of one. A visit counts where its
// first line does: what leaves out that line leaves out the visit.
#pragma once

#include "repositories/collection_filter.h"
#include "repositories/session.h"

namespace aquifer {

// $1 to $9 are the filter, then
//   $10 the unit of time: 'day', 'week', 'month', or NULL
//   $11 whether by device
//   $12 whether by collector
//   $13 whether the greatest total comes first
//   $14 how many groups
// The first row is the total. Columns as collection_summaries.cc reads them.
extern const FilteredStatement kSummarize;

// The same by the rollup, for filters of whole days and of no totals. By days, or by nothing, over
// every device and collector, there is a row a day.
extern const Statement& kSummarizeCells;
extern const Statement& kSummarizeDays;

// Whether the rollup serves the days from $1 to $2, either NULL for no end: it is of this session's
// zone, and few of them are to be read from their lines.
extern const Statement& kRollupServes;

// Settings of this transaction alone, before a summary: memory to sort a month of lines in; no
// just-in-time compilation, which costs more than it saves until a query takes seconds; and a plan
// for the very values bound, because one statement serves every grouping.
extern const Statement kSummarySettings;

}  // namespace aquifer
