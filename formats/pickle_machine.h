/* pickle_machine.h - private to the pickle reader: the stack machine, its opcodes, its names.
 *
 * pickle.c has the machine's memory and loop, pickle_opcodes.c one function an opcode,
 * pickle_call.c the names that REDUCE may call and what that means. */

#ifndef FORMATS_PICKLE_MACHINE_H
#define FORMATS_PICKLE_MACHINE_H

#include "base/mem.h"
#include "formats/pickle.h"

#define PICKLE_MARK_LIMIT 1000

struct pickle {
	struct arena arena; /* values, items, decoded bytes */
	struct pickle_value *root;
};

struct machine {
	struct pickle *pickle;
	const uint8_t *bytes;
	size_t size;
	size_t at;    /* the next byte */
	size_t start; /* the opcode being run */
	const char *opcode_name;
	const char *name; /* of the file */
	struct err *e;

	struct pickle_value *block; /* values not yet given out */
	size_t n_block;
	struct pickle_value **items; /* places for short containers, not yet given out */
	size_t n_items;
	struct pickle_value **stack;
	size_t depth;
	size_t room;
	size_t marks[PICKLE_MARK_LIMIT]; /* depths of the stack at MARK */
	size_t n_marks;
	struct pickle_value **memo; /* [n_memo], NULL where nothing was put */
	size_t n_memo;
	size_t n_memoized;
	bool is_stopped;
};

/* Sets the error "file: byte N: OPCODE: reason". Returns -1. */
int machine_fail(struct machine *m, const char *reason);

/* A new value, not on the stack. */
struct pickle_value *machine_value(struct machine *m, enum pickle_kind kind);

/* Room for n (above 0) items of a container. Short ones lie side by side, since a hostile file can
 * ask for one with every byte. */
struct pickle_value **machine_items(struct machine *m, size_t n);

void machine_push(struct machine *m, struct pickle_value *v);
struct pickle_value *machine_top(const struct machine *m);

/* Values above the last mark: those that an opcode may take. */
size_t machine_available(const struct machine *m);

/* 0 where n values are available, else an error. */
int machine_need(struct machine *m, size_t n);

/* Takes the last mark away; *ret_n values lie above it and stay on the stack. */
int machine_pop_mark(struct machine *m, size_t *ret_n);

/* Keeps the top of the stack under a number. */
int machine_memo_put(struct machine *m, size_t index);

/* The next n bytes, or NULL with the error set. */
const uint8_t *machine_take(struct machine *m, uint64_t n);

/* The next unsigned number of `width` bytes (at most 8). */
int machine_take_unsigned(struct machine *m, unsigned width, uint64_t *ret);

/* By the byte that stands for it; without `run` it is not one of those read. */
extern const struct pickle_opcode {
	const char *name;
	int (*run)(struct machine *m, unsigned operand);
	unsigned operand; /* bytes of the operand, or what the function says */
} pickle_opcodes[256];

/* The constant "module.name" where the reader knows this name, else NULL. */
const char *pickle_global_name(
    const char *module, size_t module_size, const char *name, size_t name_size);

/* REDUCE: fills *ret with the meaning of function(args). Returns NULL, or the reason why this
 * call is not one that is understood. Memory comes from the arena. */
const char *pickle_call(struct arena *a, struct pickle_value *function, struct pickle_value *args,
    struct pickle_value *ret);

/* BUILD: applies the state to an object made by pickle_call. Returns NULL, or the reason why not.
 */
const char *pickle_build(const struct pickle_value *object, const struct pickle_value *state);

#endif
