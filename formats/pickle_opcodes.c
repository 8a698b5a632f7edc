/* pickle_opcodes.c - the opcodes that the pickle reader knows. Order and names as in pickletools.
 *
 *   1. Opcodes that push a value
 *   2. Opcodes that build containers
 *   3. Memo, names and calls
 *   4. Start and end */

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "formats/pickle_machine.h"

/* 1. Opcodes that push a value */

static int
op_constant(struct machine *m, unsigned operand)
{
	struct pickle_value *v = machine_value(m, operand > 1 ? PICKLE_NONE : PICKLE_BOOL);

	if (operand <= 1)
		v->integer = (int)operand;
	machine_push(m, v);
	return 0;
}

static int
op_int(struct machine *m, unsigned width)
{
	uint64_t u;

	if (machine_take_unsigned(m, width, &u))
		return -1;
	struct pickle_value *v = machine_value(m, PICKLE_INT);
	v->integer = width == 4 ? (int32_t)(uint32_t)u : (int64_t)u;
	machine_push(m, v);
	return 0;
}

/* An integer of any length, two's complement; here up to 8 bytes. */
static int
op_long(struct machine *m, unsigned width)
{
	uint64_t n, u = 0;

	if (machine_take_unsigned(m, width, &n))
		return -1;
	if (n > 8)
		return machine_fail(m, "an integer beyond 64 bits");
	const uint8_t *p = machine_take(m, n);
	if (!p)
		return -1;
	for (unsigned i = 0; i < n; i++)
		u |= (uint64_t)p[i] << (8 * i);
	if (n > 0 && n < 8 && p[n - 1] & 0x80)
		u |= ~(uint64_t)0 << (8 * n);
	struct pickle_value *v = machine_value(m, PICKLE_INT);
	v->integer = (int64_t)u;
	machine_push(m, v);
	return 0;
}

/* The one big-endian number of the format. */
static int
op_float(struct machine *m, unsigned width)
{
	const uint8_t *p = machine_take(m, width);
	uint64_t u = 0;

	if (!p)
		return -1;
	for (unsigned i = 0; i < width; i++)
		u = u << 8 | p[i];
	struct pickle_value *v = machine_value(m, PICKLE_FLOAT);
	memcpy(&v->real, &u, sizeof(v->real));
	machine_push(m, v);
	return 0;
}

static struct pickle_value *
take_counted(struct machine *m, unsigned width, enum pickle_kind kind)
{
	uint64_t n;

	if (machine_take_unsigned(m, width, &n))
		return NULL;
	const uint8_t *p = machine_take(m, n);
	if (!p)
		return NULL;
	struct pickle_value *v = machine_value(m, kind);
	v->text = (const char *)p;
	v->size = (uint32_t)n;
	return v;
}

/* Python writes lone surrogates into text where it meets them; they are not UTF-8 and refused. */
static int
op_text(struct machine *m, unsigned width)
{
	struct pickle_value *v = take_counted(m, width, PICKLE_TEXT);

	if (!v)
		return -1;
	if (!utf8_is_valid(v->text, v->size))
		return machine_fail(m, "text that is not valid UTF-8");
	machine_push(m, v);
	return 0;
}

static int
op_bytes(struct machine *m, unsigned width)
{
	struct pickle_value *v = take_counted(m, width, PICKLE_BYTES);

	if (!v)
		return -1;
	machine_push(m, v);
	return 0;
}

static int
op_empty(struct machine *m, unsigned kind)
{
	machine_push(m, machine_value(m, (enum pickle_kind)kind));
	return 0;
}

/* 2. Opcodes that build containers */

/* The n values on top of the stack become one tuple. */
static int
make_tuple(struct machine *m, size_t n)
{
	struct pickle_value *v = machine_value(m, PICKLE_TUPLE);

	v->size = (uint32_t)n;
	m->depth -= n;
	if (n > 0) {
		v->items = machine_items(m, n);
		memcpy(v->items, m->stack + m->depth, n * sizeof(*v->items));
	}
	machine_push(m, v);
	return 0;
}

static int
op_tuple_of(struct machine *m, unsigned n)
{
	return machine_need(m, n) ? -1 : make_tuple(m, n);
}

static int
op_tuple(struct machine *m, unsigned operand)
{
	size_t n;

	(void)operand;
	return machine_pop_mark(m, &n) ? -1 : make_tuple(m, n);
}

/* Moves the n values on top of the stack to the end of the container below them, `per` values an
 * entry. */
static int
extend(struct machine *m, enum pickle_kind kind, size_t n, unsigned per)
{
	if (machine_available(m) < n + 1)
		return machine_fail(m, "the stack is empty");
	if (n % per != 0)
		return machine_fail(m, "a key without a value");
	struct pickle_value *v = m->stack[m->depth - n - 1];
	if (v->kind != kind)
		return machine_fail(
		    m, kind == PICKLE_DICT ? "not on a dictionary" : "not on a list");
	/* Every value pushed took a byte of at most 2^30, so the sums stay below 2^32. */
	size_t old = (size_t)v->size * per;
	assert(old + n < UINT32_MAX);
	if (old + n > v->room) {
		size_t room = old + n > 2 * old ? old + n : 2 * old;
		struct pickle_value **items = machine_items(m, room);
		if (old > 0)
			memcpy(items, v->items, old * sizeof(*items));
		v->items = items;
		v->room = (uint32_t)room;
	}
	m->depth -= n;
	if (n > 0)
		memcpy(v->items + old, m->stack + m->depth, n * sizeof(*v->items));
	v->size += (uint32_t)(n / per);
	return 0;
}

static int
op_append(struct machine *m, unsigned operand)
{
	(void)operand;
	return extend(m, PICKLE_LIST, 1, 1);
}

static int
op_appends(struct machine *m, unsigned operand)
{
	size_t n;

	(void)operand;
	return machine_pop_mark(m, &n) ? -1 : extend(m, PICKLE_LIST, n, 1);
}

static int
op_setitem(struct machine *m, unsigned operand)
{
	(void)operand;
	return extend(m, PICKLE_DICT, 2, 2);
}

static int
op_setitems(struct machine *m, unsigned operand)
{
	size_t n;

	(void)operand;
	return machine_pop_mark(m, &n) ? -1 : extend(m, PICKLE_DICT, n, 2);
}

/* 3. Memo, names and calls */

static int
op_mark(struct machine *m, unsigned operand)
{
	(void)operand;
	if (m->n_marks == PICKLE_MARK_LIMIT)
		return machine_fail(m, "nested too deeply");
	m->marks[m->n_marks++] = m->depth;
	return 0;
}

static int
op_pop(struct machine *m, unsigned operand)
{
	size_t n = 1;

	if (operand ? machine_pop_mark(m, &n) : machine_need(m, 1))
		return -1;
	m->depth -= n;
	return 0;
}

static int
op_dup(struct machine *m, unsigned operand)
{
	(void)operand;
	if (machine_need(m, 1))
		return -1;
	machine_push(m, machine_top(m));
	return 0;
}

static int
op_get(struct machine *m, unsigned width)
{
	uint64_t index;

	if (machine_take_unsigned(m, width, &index))
		return -1;
	if (index >= m->n_memo || !m->memo[index])
		return machine_fail(m, "a memo entry that was never put");
	machine_push(m, m->memo[index]);
	return 0;
}

static int
op_put(struct machine *m, unsigned width)
{
	uint64_t index;

	return machine_take_unsigned(m, width, &index) ? -1 : machine_memo_put(m, (size_t)index);
}

static int
op_memoize(struct machine *m, unsigned operand)
{
	(void)operand;
	return machine_memo_put(m, m->n_memoized);
}

static int
push_global(
    struct machine *m, const char *module, size_t module_size, const char *name, size_t name_size)
{
	const char *known = pickle_global_name(module, module_size, name, name_size);

	if (!known)
		return err_set(m->e,
		    "%s: byte %zu: %s: refused to look up %.*s.%.*s (only plain data is read, no "
		    "code)",
		    m->name, m->start, m->opcode_name, module_size < 200 ? (int)module_size : 200,
		    module, name_size < 200 ? (int)name_size : 200, name);
	struct pickle_value *v = machine_value(m, PICKLE_GLOBAL);
	v->text = known;
	v->size = (uint32_t)strlen(known);
	machine_push(m, v);
	return 0;
}

/* A line of text up to its newline. */
static const char *
take_line(struct machine *m, size_t *ret_size)
{
	const uint8_t *from = m->bytes + m->at;
	const uint8_t *to = m->at < m->size ? memchr(from, '\n', m->size - m->at) : NULL;

	if (!to) {
		machine_fail(m, "truncated (no end of the name)");
		return NULL;
	}
	*ret_size = (size_t)(to - from);
	m->at += *ret_size + 1;
	return (const char *)from;
}

static int
op_global(struct machine *m, unsigned operand)
{
	size_t module_size, name_size;
	const char *module, *name;

	(void)operand;
	module = take_line(m, &module_size);
	name = module ? take_line(m, &name_size) : NULL;
	return name ? push_global(m, module, module_size, name, name_size) : -1;
}

static int
op_stack_global(struct machine *m, unsigned operand)
{
	(void)operand;
	if (machine_need(m, 2))
		return -1;
	const struct pickle_value *module = m->stack[m->depth - 2], *name = machine_top(m);
	if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT)
		return machine_fail(m, "the name is not text");
	m->depth -= 2;
	return push_global(m, module->text, module->size, name->text, name->size);
}

static int
op_reduce(struct machine *m, unsigned operand)
{
	(void)operand;
	if (machine_need(m, 2))
		return -1;
	struct pickle_value *function = m->stack[m->depth - 2], *args = machine_top(m);
	struct pickle_value *v = machine_value(m, PICKLE_NONE);
	const char *problem = pickle_call(&m->pickle->arena, function, args, v);
	if (problem && function->kind == PICKLE_GLOBAL)
		return err_set(m->e, "%s: byte %zu: %s of %s: %s", m->name, m->start,
		    m->opcode_name, function->text, problem);
	if (problem)
		return machine_fail(m, problem);
	m->depth -= 2;
	machine_push(m, v);
	return 0;
}

static int
op_build(struct machine *m, unsigned operand)
{
	(void)operand;
	if (machine_need(m, 2))
		return -1;
	const char *problem = pickle_build(m->stack[m->depth - 2], machine_top(m));
	if (problem)
		return machine_fail(m, problem);
	m->depth--;
	return 0;
}

static int
op_persistent(struct machine *m, unsigned operand)
{
	(void)operand;
	if (machine_need(m, 1))
		return -1;
	struct pickle_value *v = machine_value(m, PICKLE_PERSISTENT);
	v->size = 1;
	v->items = machine_items(m, 1);
	v->items[0] = machine_top(m);
	m->stack[m->depth - 1] = v;
	return 0;
}

/* 4. Start and end */

static int
op_proto(struct machine *m, unsigned width)
{
	uint64_t version;

	if (machine_take_unsigned(m, width, &version))
		return -1;
	if (version < 2 || version > 5)
		return machine_fail(m, "not one of the protocols 2 to 5");
	return 0;
}

/* A frame only promises that so many bytes follow. */
static int
op_frame(struct machine *m, unsigned width)
{
	uint64_t n;

	if (machine_take_unsigned(m, width, &n))
		return -1;
	if (n > m->size - m->at)
		return machine_fail(m, "truncated (the frame is longer than the file)");
	return 0;
}

static int
op_stop(struct machine *m, unsigned operand)
{
	(void)operand;
	if (m->n_marks != 0 || m->depth != 1)
		return machine_fail(m, "the stack does not hold exactly one value");
	if (m->at != m->size)
		return machine_fail(m, "bytes after the end of the pickle");
	m->pickle->root = machine_top(m);
	m->is_stopped = true;
	return 0;
}

const struct pickle_opcode pickle_opcodes[256] = {
	[0x80] = { "PROTO", op_proto, 1 },
	[0x95] = { "FRAME", op_frame, 8 },
	['.'] = { "STOP", op_stop, 0 },
	['N'] = { "NONE", op_constant, 2 },
	[0x88] = { "NEWTRUE", op_constant, 1 },
	[0x89] = { "NEWFALSE", op_constant, 0 },
	['K'] = { "BININT1", op_int, 1 },
	['M'] = { "BININT2", op_int, 2 },
	['J'] = { "BININT", op_int, 4 },
	[0x8a] = { "LONG1", op_long, 1 },
	[0x8b] = { "LONG4", op_long, 4 },
	['G'] = { "BINFLOAT", op_float, 8 },
	[0x8c] = { "SHORT_BINUNICODE", op_text, 1 },
	['X'] = { "BINUNICODE", op_text, 4 },
	[0x8d] = { "BINUNICODE8", op_text, 8 },
	['C'] = { "SHORT_BINBYTES", op_bytes, 1 },
	['B'] = { "BINBYTES", op_bytes, 4 },
	[0x8e] = { "BINBYTES8", op_bytes, 8 },
	[')'] = { "EMPTY_TUPLE", op_empty, PICKLE_TUPLE },
	[']'] = { "EMPTY_LIST", op_empty, PICKLE_LIST },
	['}'] = { "EMPTY_DICT", op_empty, PICKLE_DICT },
	[0x85] = { "TUPLE1", op_tuple_of, 1 },
	[0x86] = { "TUPLE2", op_tuple_of, 2 },
	[0x87] = { "TUPLE3", op_tuple_of, 3 },
	['t'] = { "TUPLE", op_tuple, 0 },
	['a'] = { "APPEND", op_append, 0 },
	['e'] = { "APPENDS", op_appends, 0 },
	['s'] = { "SETITEM", op_setitem, 0 },
	['u'] = { "SETITEMS", op_setitems, 0 },
	['('] = { "MARK", op_mark, 0 },
	['0'] = { "POP", op_pop, 0 },
	['1'] = { "POP_MARK", op_pop, 1 },
	['2'] = { "DUP", op_dup, 0 },
	['h'] = { "BINGET", op_get, 1 },
	['j'] = { "LONG_BINGET", op_get, 4 },
	['q'] = { "BINPUT", op_put, 1 },
	['r'] = { "LONG_BINPUT", op_put, 4 },
	[0x94] = { "MEMOIZE", op_memoize, 0 },
	['c'] = { "GLOBAL", op_global, 0 },
	[0x93] = { "STACK_GLOBAL", op_stack_global, 0 },
	['R'] = { "REDUCE", op_reduce, 0 },
	['b'] = { "BUILD", op_build, 0 },
	['Q'] = { "BINPERSID", op_persistent, 0 },
};
