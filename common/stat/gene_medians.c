/* 1. Values in memory
 * 2. The value of a rank
 * 3. Genes in the spill file
 * 4. The module's functions */

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/spill.h"
#include "stat/gene_medians.h"
#include "stat/tdigest.h"

enum {
	PAIR_BYTES = sizeof(uint32_t) + 2 * sizeof(double), /* in genes, values and grouped */
	GENES_AT_ONCE = 1024,                               /* whose counts are read together */
	BLOCK = 8192,                                       /* values read together */
	DIGIT_BITS = 9,
	N_DIGITS = 1 << DIGIT_BITS,
	VALUE_BITS = 63 /* of a double without its sign: 7 digits */
};

/* Values of one spill: those of gene 0, then of gene 1, ...; then how many each gene has, as
 * uint32. */
struct run {
	uint64_t values; /* of the next gene, once the genes are gone through */
	uint64_t counts;
	size_t n_genes;
};

struct gene_medians {
	bool is_digest, is_finished;
	size_t n_genes, room;    /* the tables' length in use, and allocated */
	uint64_t *cells;         /* [room] values of each gene */
	struct tdigest *digests; /* [room] */

	uint32_t *held;          /* [room] values of each gene in memory */
	size_t n_held, max_held; /* pairs in memory */
	uint32_t *genes;         /* [max_held] */
	double *values;          /* [max_held] */
	double *grouped;         /* [max_held] */

	struct spill file;
	struct run *runs;
	size_t n_runs;
};

/* 1. Values in memory */

/* Makes the tables long enough for the gene. */
static void
reach_gene(struct gene_medians *m, uint32_t gene)
{
	size_t room = m->room ? m->room : GENES_AT_ONCE;

	if (gene >= m->n_genes)
		m->n_genes = (size_t)gene + 1;
	if (m->n_genes <= m->room)
		return;
	while (room < m->n_genes)
		room *= 2;
	m->cells = mem_resize(m->cells, m->room, room, sizeof(*m->cells));
	memset(m->cells + m->room, 0, (room - m->room) * sizeof(*m->cells));
	if (m->is_digest) {
		m->digests = mem_resize(m->digests, m->room, room, sizeof(*m->digests));
		memset(m->digests + m->room, 0, (room - m->room) * sizeof(*m->digests));
	} else {
		m->held = mem_resize(m->held, m->room, room, sizeof(*m->held));
		memset(m->held + m->room, 0, (room - m->room) * sizeof(*m->held));
	}
	m->room = room;
}

/* Brings the values in memory into `grouped`, those of a gene together, genes ascending. */
static void
group(struct gene_medians *m)
{
	size_t *next = mem_alloc(m->n_genes, sizeof(*next)), sum = 0;

	if (!m->grouped)
		m->grouped = mem_alloc(m->max_held, sizeof(*m->grouped));
	for (size_t g = 0; g < m->n_genes; g++) {
		next[g] = sum;
		sum += m->held[g];
	}
	assert(sum == m->n_held);
	for (size_t i = 0; i < m->n_held; i++)
		m->grouped[next[m->genes[i]]++] = m->values[i];
	free(next);
}

static int
spill_held(struct gene_medians *m, struct err *e)
{
	struct run run = { .n_genes = m->n_genes };

	group(m);
	run.values = m->file.size;
	if (spill_append(&m->file, m->grouped, m->n_held * sizeof(*m->grouped), e))
		return -1;
	run.counts = m->file.size;
	if (spill_append(&m->file, m->held, m->n_genes * sizeof(*m->held), e))
		return -1;
	m->runs = mem_resize(m->runs, m->n_runs, m->n_runs + 1, sizeof(*m->runs));
	m->runs[m->n_runs++] = run;
	memset(m->held, 0, m->n_genes * sizeof(*m->held));
	m->n_held = 0;
	return 0;
}

/* 2. The value of a rank */

/* The values of one gene: in memory, or in as many pieces as there are runs. */
struct gene_values {
	const struct gene_medians *medians;
	const double *memory;   /* NULL: on file */
	const uint32_t *counts; /* of run i at counts[i * GENES_AT_ONCE] */
	size_t n;
};

typedef void visit(const double *values, size_t n, void *context);

/* Shows all values, block by block. */
static int
visit_values(const struct gene_values *v, visit *see, void *context, struct err *e)
{
	double block[BLOCK];

	if (v->memory) {
		see(v->memory, v->n, context);
		return 0;
	}
	for (size_t i = 0; i < v->medians->n_runs; i++) {
		uint64_t at = v->medians->runs[i].values;
		size_t left = v->counts[i * GENES_AT_ONCE];

		while (left) {
			size_t n = left < BLOCK ? left : BLOCK;

			if (spill_read(&v->medians->file, at, block, n * sizeof(*block), e))
				return -1;
			see(block, n, context);
			at += n * sizeof(*block);
			left -= n;
		}
	}
	return 0;
}

/* Positive doubles are in the order of their bits, read as whole numbers. */
static uint64_t
bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

struct digit_counts {
	uint64_t prefix; /* the bits above the digit */
	int shift;       /* the bits below it */
	uint64_t counts[N_DIGITS];
};

static void
count_digits(const double *values, size_t n, void *context)
{
	struct digit_counts *d = context;

	for (size_t i = 0; i < n; i++) {
		uint64_t bits = bits_of(values[i]) >> d->shift;

		if (bits >> DIGIT_BITS == d->prefix)
			d->counts[bits & (N_DIGITS - 1)]++;
	}
}

struct neighbour {
	double value, above; /* above: the smallest value greater than `value` */
	size_t n_up_to;      /* values that are not greater */
};

static void
look_above(const double *values, size_t n, void *context)
{
	struct neighbour *b = context;

	for (size_t i = 0; i < n; i++) {
		if (values[i] <= b->value)
			b->n_up_to++;
		else if (values[i] < b->above)
			b->above = values[i];
	}
}

/* The value that has `rank` others before it in ascending order: digit by digit, from the highest.
 */
static int
value_of_rank(const struct gene_values *v, size_t rank, double *ret_value, struct err *e)
{
	struct digit_counts d = { .prefix = 0 };
	uint64_t digit;

	for (d.shift = VALUE_BITS - DIGIT_BITS; d.shift >= 0; d.shift -= DIGIT_BITS) {
		memset(d.counts, 0, sizeof(d.counts));
		if (visit_values(v, count_digits, &d, e))
			return -1;
		for (digit = 0; digit < N_DIGITS && rank >= d.counts[digit]; digit++)
			rank -= d.counts[digit];
		assert(digit < N_DIGITS);
		d.prefix = d.prefix << DIGIT_BITS | digit;
	}
	memcpy(ret_value, &d.prefix, sizeof(*ret_value));
	return 0;
}

static int
median(const struct gene_values *v, double *ret_median, struct err *e)
{
	struct neighbour b = { .above = INFINITY };

	*ret_median = NAN;
	if (v->n == 0)
		return 0;
	if (value_of_rank(v, (v->n - 1) / 2, &b.value, e))
		return -1;
	*ret_median = b.value;
	if (v->n % 2)
		return 0;
	if (visit_values(v, look_above, &b, e))
		return -1;
	if (b.n_up_to == v->n / 2)
		*ret_median = (b.value + b.above) / 2;
	return 0;
}

/* 3. Genes in the spill file */

/* The counts of genes from..from+n in every run: those of run i at counts[i * GENES_AT_ONCE]. */
static int
read_counts(const struct gene_medians *m, size_t from, size_t n, uint32_t *counts, struct err *e)
{
	memset(counts, 0, m->n_runs * GENES_AT_ONCE * sizeof(*counts));
	for (size_t i = 0; i < m->n_runs; i++) {
		const struct run *run = &m->runs[i];
		size_t there = run->n_genes > from ? run->n_genes - from : 0;

		there = there < n ? there : n;
		if (spill_read(&m->file, run->counts + from * sizeof(*counts),
			counts + i * GENES_AT_ONCE, there * sizeof(*counts), e))
			return -1;
	}
	return 0;
}

struct gathered {
	double *values;
	size_t n;
};

static void
gather(const double *values, size_t n, void *context)
{
	struct gathered *g = context;

	memcpy(g->values + g->n, values, n * sizeof(*values));
	g->n += n;
}

/* Median of the gene that all runs have come to; then they go on to the next one. */
static int
median_from_file(
    struct gene_medians *m, const uint32_t *counts, size_t n, double *ret_median, struct err *e)
{
	struct gene_values v = { .medians = m, .counts = counts, .n = n };
	struct gathered g = { .values = m->grouped };

	if (n <= m->max_held) {
		if (visit_values(&v, gather, &g, e))
			return -1;
		v.memory = m->grouped;
	}
	if (median(&v, ret_median, e))
		return -1;
	for (size_t i = 0; i < m->n_runs; i++)
		m->runs[i].values += counts[i * GENES_AT_ONCE] * sizeof(double);
	return 0;
}

static int
medians_from_file(struct gene_medians *m, double *medians, size_t n, struct err *e)
{
	uint32_t *counts = mem_alloc(m->n_runs, GENES_AT_ONCE * sizeof(*counts));
	int r = 0;

	for (size_t gene = 0; !r && gene < n; gene++) {
		size_t in_block = gene % GENES_AT_ONCE;

		if (in_block == 0)
			r = read_counts(m, gene,
			    n - gene < GENES_AT_ONCE ? n - gene : GENES_AT_ONCE, counts, e);
		if (!r)
			r = median_from_file(
			    m, counts + in_block, (size_t)m->cells[gene], &medians[gene], e);
	}
	free(counts);
	return r;
}

static int
medians_from_memory(struct gene_medians *m, double *medians, size_t n, struct err *e)
{
	struct gene_values v = { .medians = m };
	size_t at = 0;

	group(m);
	for (size_t gene = 0; gene < n; gene++) {
		v.memory = m->grouped + at;
		v.n = m->held[gene];
		if (median(&v, &medians[gene], e))
			return -1;
		at += v.n;
	}
	return 0;
}

/* 4. The module's functions */

static struct gene_medians *
medians_new(void)
{
	struct gene_medians *m = mem_zero(1, sizeof(*m));

	m->file = spill_new();
	return m;
}

struct gene_medians *
gene_medians_exact(size_t max_memory)
{
	struct gene_medians *m = medians_new();

	m->max_held = max_memory / PAIR_BYTES;
	if (m->max_held < 1)
		m->max_held = 1;
	if (m->max_held > UINT32_MAX)
		m->max_held = UINT32_MAX;
	/* Memory that is never written to is never taken from the system. */
	m->genes = mem_alloc(m->max_held, sizeof(*m->genes));
	m->values = mem_alloc(m->max_held, sizeof(*m->values));
	return m;
}

struct gene_medians *
gene_medians_digest(void)
{
	struct gene_medians *m = medians_new();

	m->is_digest = true;
	return m;
}

int
gene_medians_add(
    struct gene_medians *m, const uint32_t *genes, const double *values, size_t n, struct err *e)
{
	assert(!m->is_finished);
	for (size_t i = 0; i < n; i++) {
		assert(values[i] > 0 && isfinite(values[i]));
		reach_gene(m, genes[i]);
		m->cells[genes[i]]++;
		if (m->is_digest) {
			tdigest_add(&m->digests[genes[i]], values[i], 1);
			continue;
		}
		if (m->n_held == m->max_held && spill_held(m, e))
			return -1;
		m->held[genes[i]]++;
		m->genes[m->n_held] = genes[i];
		m->values[m->n_held++] = values[i];
	}
	return 0;
}

uint64_t
gene_medians_count(const struct gene_medians *m, uint32_t gene)
{
	return gene < m->n_genes ? m->cells[gene] : 0;
}

int
gene_medians_finish(struct gene_medians *m, double *ret_medians, size_t n, struct err *e)
{
	size_t n_known = n < m->n_genes ? n : m->n_genes;

	m->is_finished = true;
	for (size_t i = n_known; i < n; i++)
		ret_medians[i] = NAN;
	if (m->is_digest) {
		for (size_t i = 0; i < n_known; i++)
			ret_medians[i] = tdigest_quantile(&m->digests[i], 0.5);
		return 0;
	}
	if (!m->n_runs)
		return medians_from_memory(m, ret_medians, n_known, e);
	return spill_held(m, e) ? -1 : medians_from_file(m, ret_medians, n_known, e);
}

bool
gene_medians_spilled(const struct gene_medians *m)
{
	return m->n_runs > 0;
}

void
gene_medians_free(struct gene_medians *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->digests && i < m->n_genes; i++)
		tdigest_free(&m->digests[i]);
	spill_close(&m->file);
	free(m->cells);
	free(m->digests);
	free(m->held);
	free(m->genes);
	free(m->values);
	free(m->grouped);
	free(m->runs);
	free(m);
}
