// Search for a text in any case, said once for every list that has it.
#pragma once

// True where `parameter`, a text, is empty or stands in one of `texts`, columns with commas between
// them. No wildcards: what a caller sends is looked for as it is. Letters are folded by a function
// of ours, because lower() knows those of the database's LC_CTYPE alone.
#define AQUIFER_TEXT_FOUND(parameter, texts)                              \
  "(" parameter " = '' OR strpos(aquifer.folded(concat_ws(E'\\n', " texts \
  ")), "                                                                  \
  "aquifer.folded(" parameter ")) > 0) "
