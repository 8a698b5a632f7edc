/* pickle.c - the stack machine of Python pickles, without the functions. See pickle.h.
 *
 *   1. Memory: values, stack, marks, memo
 *   2. Operands
 *   3. The machine
 *   4. Questions about values */

#include "formats/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "formats/pickle_machine.h"

#define SIZE_LIMIT ((size_t)1 << 30)
#define BLOCK_VALUES 2048
#define SHORT_ITEMS 64

/* 1. Memory: values, stack, marks, memo */

int
machine_fail(struct machine *m, const char *reason)
{
	return err_set(m->e, "%s: byte %zu: %s: %s", m->name, m->start, m->opcode_name, reason);
}

struct pickle_value *
machine_value(struct machine *m, enum pickle_kind kind)
{
	if (m->n_block == 0) {
		/* A small file gets a small block: at most one value a byte. */
		size_t rest = m->size - m->at + 1;
		m->n_block = rest < BLOCK_VALUES ? rest : BLOCK_VALUES;
		m->block = arena_alloc(&m->pickle->arena, m->n_block, sizeof(*m->block));
	}
	struct pickle_value *v = m->block++;
	m->n_block--;
	*v = (struct pickle_value){ .kind = kind };
	return v;
}

struct pickle_value **
machine_items(struct machine *m, size_t n)
{
	if (n > SHORT_ITEMS)
		return arena_alloc(&m->pickle->arena, n, sizeof(*m->items));
	if (n > m->n_items) {
		size_t rest = m->size - m->at + SHORT_ITEMS;
		m->n_items = rest < BLOCK_VALUES ? rest : BLOCK_VALUES;
		m->items = arena_alloc(&m->pickle->arena, m->n_items, sizeof(*m->items));
	}
	struct pickle_value **items = m->items;
	m->items += n;
	m->n_items -= n;
	return items;
}

void
machine_push(struct machine *m, struct pickle_value *v)
{
	if (m->depth == m->room) {
		size_t room = m->room ? 2 * m->room : 256;
		m->stack = mem_resize(m->stack, m->room, room, sizeof(*m->stack));
		m->room = room;
	}
	m->stack[m->depth++] = v;
}

size_t
machine_available(const struct machine *m)
{
	return m->depth - (m->n_marks ? m->marks[m->n_marks - 1] : 0);
}

int
machine_need(struct machine *m, size_t n)
{
	return machine_available(m) >= n ? 0 : machine_fail(m, "the stack is empty");
}

struct pickle_value *
machine_top(const struct machine *m)
{
	return m->stack[m->depth - 1];
}

int
machine_pop_mark(struct machine *m, size_t *ret_n)
{
	if (m->n_marks == 0)
		return machine_fail(m, "no MARK before it");
	*ret_n = machine_available(m);
	m->n_marks--;
	return 0;
}

int
machine_memo_put(struct machine *m, size_t index)
{
	if (machine_need(m, 1))
		return -1;
	/* Writers number the memo from 0, so an index is below the count of opcodes. */
	if (index >= m->size)
		return machine_fail(m, "a memo index that the file is too short for");
	if (index >= m->n_memo) {
		size_t n = 2 * index + 64 < m->size ? 2 * index + 64 : m->size;
		m->memo = mem_resize(m->memo, m->n_memo, n, sizeof(*m->memo));
		memset(m->memo + m->n_memo, 0, (n - m->n_memo) * sizeof(*m->memo));
		m->n_memo = n;
	}
	m->n_memoized += m->memo[index] == NULL;
	m->memo[index] = machine_top(m);
	return 0;
}

/* 2. Operands */

const uint8_t *
machine_take(struct machine *m, uint64_t n)
{
	if (n > m->size - m->at) {
		err_set(m->e, "%s: byte %zu: %s: truncated (%zu bytes left of %llu)", m->name,
		    m->start, m->opcode_name, m->size - m->at, (unsigned long long)n);
		return NULL;
	}
	const uint8_t *p = m->bytes + m->at;
	m->at += (size_t)n;
	return p;
}

int
machine_take_unsigned(struct machine *m, unsigned width, uint64_t *ret)
{
	const uint8_t *p = machine_take(m, width);

	if (!p)
		return -1;
	*ret = 0;
	for (unsigned i = width; i > 0; i--)
		*ret = *ret << 8 | p[i - 1];
	return 0;
}

/* 3. The machine */

static int
run(struct machine *m)
{
	if (m->size < 2 || m->bytes[0] != 0x80)
		return err_set(m->e, "%s: not a pickle of protocol 2 or later", m->name);
	if (m->size > SIZE_LIMIT)
		return err_set(m->e, "%s: a pickle above 1 GiB", m->name);
	while (!m->is_stopped) {
		m->start = m->at;
		if (m->at == m->size)
			return err_set(m->e, "%s: byte %zu: truncated (no STOP)", m->name, m->at);
		uint8_t code = m->bytes[m->at++];
		const struct pickle_opcode *o = &pickle_opcodes[code];
		if (!o->run)
			return err_set(m->e, "%s: byte %zu: opcode 0x%02x is not one of those read",
			    m->name, m->start, code);
		m->opcode_name = o->name;
		if (o->run(m, o->operand))
			return -1;
	}
	return 0;
}

struct pickle *
pickle_read(const void *bytes, size_t size, const char *name, struct err *e)
{
	if (e->is_set)
		return NULL;
	struct pickle *p = mem_zero(1, sizeof(*p));
	struct machine m = { .pickle = p, .bytes = bytes, .size = size, .name = name, .e = e };
	int r = run(&m);
	free(m.stack);
	free(m.memo);
	if (r == 0)
		return p;
	pickle_free(p);
	return NULL;
}

const struct pickle_value *
pickle_root(const struct pickle *p)
{
	return p->root;
}

void
pickle_free(struct pickle *p)
{
	if (p)
		arena_free(&p->arena);
	free(p);
}

/* 4. Questions about values */

bool
pickle_is(const struct pickle_value *v, const char *text)
{
	if (v->kind != PICKLE_TEXT && v->kind != PICKLE_GLOBAL)
		return false;
	size_t n = strlen(text);
	return v->size == n && memcmp(v->text, text, n) == 0;
}

const struct pickle_value *
pickle_find(const struct pickle_value *v, const char *key)
{
	for (size_t i = v->kind == PICKLE_DICT ? v->size : 0; i > 0; i--)
		if (pickle_is(v->items[2 * i - 2], key))
			return v->items[2 * i - 1];
	return NULL;
}

const char *
pickle_kind_name(enum pickle_kind kind)
{
	static const char *const names[] = { "None", "a truth value", "an integer", "a number",
		"text", "bytes", "a list", "a tuple", "a dictionary", "a name", "an object",
		"a persistent id", "a number type" };

	return names[kind];
}
