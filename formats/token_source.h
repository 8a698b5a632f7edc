/* token_source.h - tokenised cells from wherever they are: a stream, a pipe, or a folder of
 * Hugging Face `datasets`. */

#ifndef FORMATS_TOKEN_SOURCE_H
#define FORMATS_TOKEN_SOURCE_H

#include "cell/genes.h"
#include "formats/cells.h"

struct token_source;

/* Opens a stream of tokens (a file, or "-") or a folder of a dataset. dictionary (NULL: none) is
 * what the tokens of a folder mean, which says so nowhere. The columns come as cells_open brings
 * them. NULL on failure, or when e is set. */
struct token_source *token_source_open(
    const struct cli *cli, const char *path, const struct genes *dictionary, struct err *e);

/* NULL for NULL. */
const struct schema *token_source_schema(const struct token_source *s);
/* For messages; as long as s. */
const char *token_source_name(const struct token_source *s);

/* The next batch: 1, 0 at the end, -1 on failure. */
int token_source_read(struct token_source *s, struct batch *b, struct err *e);
/* How much has been read, 0 to 1; negative for a pipe. */
double token_source_fraction(const struct token_source *s);
void token_source_close(struct token_source *s);

#endif
