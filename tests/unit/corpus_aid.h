/* corpus_aid.h - what the tests of learning share: streams of tokens, and corpora of them. */

#ifndef TESTS_UNIT_CORPUS_AID_H
#define TESTS_UNIT_CORPUS_AID_H

#include "nn/token_corpus.h"
#include "reader_aid.h"

/* The tokens of aid_corpus: row r has 3 + r * 7 % 11 of them, <cls> first, <eos> last, between
 * them genes of the vocabulary that r and the place determine. ret_ids: room for 16. Returns their
 * number. */
size_t aid_cell(uint64_t row, int32_t *ret_ids);

/* <pad> <mask> <cls> <eos> and genes G4, G5 ...: n tokens. Freed by genes_free. */
struct genes *aid_genes(size_t n);

/* Writes a stream of rows first .. first + n - 1, with the column `parity` (row % 2), and the
 * vocabulary of AID_TOKENS tokens. */
enum { AID_TOKENS = 40 };
void aid_tokens(const char *path, uint64_t first, size_t n);

/* A corpus of rows 0 .. n - 1, in TRAIN. */
struct token_corpus *aid_corpus(
    const struct token_corpus_options *o, size_t n, token_corpus_visit *visit, void *context);

#endif
