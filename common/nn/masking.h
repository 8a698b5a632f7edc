/* masking.h - what masked language modelling asks for: some tokens hidden, and their ids as labels.
 *
 * As in BERT (Devlin et al. 2019) and transformers' DataCollatorForLanguageModeling: each gene is
 * chosen with a probability of its own (15 %); of those 80 % become <mask>, 10 % a gene at random,
 * 10 % stay as they are. Unlike the reference's collator special tokens are never chosen, and a
 * random gene is never a special token. Chance is counted (chance.h): by seed, epoch and row while
 * learning, by seed and row in an evaluation, so that evaluations compare. */

#ifndef NN_MASKING_H
#define NN_MASKING_H

#include "cell/genes.h"
#include "nn/training_run.h"

struct masking;

/* NULL with e set: the vocabulary has no <mask>, or no gene. genes must outlive it. */
struct masking *masking_new(
    const struct genes *genes, double probability, uint64_t seed, struct err *e);
void masking_free(struct masking *m);

/* Whether the token is one of <pad>, <mask>, <cls>, <eos>. */
bool masking_is_special(const struct masking *m, int32_t token);

/* Hides tokens of a cell, ids[n], in place. ret_positions, ret_labels: [n] room; returns how many
 * were chosen. */
size_t masking_hide(const struct masking *m, int32_t *ids, size_t n, bool is_evaluation,
    uint64_t example, size_t *ret_positions, int32_t *ret_labels);

/* The fill of a training_task, with a struct masking as its context. */
int masking_fill(void *context, struct training_part *part, struct err *e);

#endif
