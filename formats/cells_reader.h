/* cells_reader.h - inside of cells.h: what reading and passing on share. */

#ifndef FORMATS_CELLS_READER_H
#define FORMATS_CELLS_READER_H

#include "formats/arrow.h"
#include "formats/cells_convert.h"

struct cells_reader {
	struct arrow_reader *arrow;
	enum kind kind;
	struct conversion *conversion; /* NULL: columns are taken as they come */
	uint64_t rows;
};

#endif
