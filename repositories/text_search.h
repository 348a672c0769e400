// Search for a text in any case, said once for every list that has it.
#pragma once

// True where `parameter`, a text, is empty or stands in one of `texts`, columns with commas between
// them. No wildcards: what a caller sends is looked for as it is. The collation is the database's,
// because a column's own ("C") would know no letters but ASCII's.
#define AQUIFER_TEXT_FOUND(parameter, texts)                     \
  "(" parameter " = '' OR strpos(lower(concat_ws(E'\\n', " texts \
  ") COLLATE \"default\"), "                                     \
  "lower(" parameter ")) > 0) "
