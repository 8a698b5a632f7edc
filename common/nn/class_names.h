/* class_names.h - what the classes of a model are called, and its tasks.
 *
 * A Hugging Face folder has the names in config.json (id2label). The reference's fine-tuned models
 * have not: its Classifier writes PREFIX_id_class_dict.pkl ({0: "B", ...}) elsewhere, and its
 * multi-task classifier task_label_mappings.pkl ({"task1": {"B": 0, ...}, ...}, the tasks in the
 * order of the heads). Pickles are read as data (formats/pickle.h). */

#ifndef NN_CLASS_NAMES_H
#define NN_CLASS_NAMES_H

#include "cell/string_set.h"
#include "nn/model.h"

struct class_names {
	struct arena arena;
	size_t n_tasks; /* the model's heads */
	struct task {
		const char *name;            /* "task1"; NULL where the model has one task */
		const struct strings *names; /* [n_labels of the head], no two alike */
		const char *list;            /* the same, one a line (cells:classes) */
	} * tasks;
};

/* The names of a model's classes: from `file`, one of the pickles or, for one task, a text of a
 * name a line; where it is NULL, from task_label_mappings.pkl in the folder of a multi-task model;
 * from config.json; else LABEL_0, LABEL_1, ... and task1, task2, ... NULL with *e set: a file that
 * cannot be read or has other classes than the model, a name that stands twice, is empty or has
 * control characters. */
struct class_names *class_names_open(const struct model *m, const char *file, struct err *e);

/* n names of the classes of one task; `place` is where they come from, for messages. NULL with *e
 * set as above. */
struct class_names *class_names_from(
    const char *const *names, size_t n, const char *place, struct err *e);

/* The same of several tasks, which have names only where they are more than one. */
struct class_list {
	const char *task; /* for messages, too */
	const char *const *names;
	size_t n;
};
struct class_names *class_names_of_tasks(
    const struct class_list *lists, size_t n_tasks, struct err *e);

/* The places of labels among the names of a task: [labels->n], the caller's. NULL where these are
 * not the same texts, each once. */
uint32_t *class_names_places(const struct strings *names, const struct string_set *labels);

/* NULL is allowed. */
void class_names_free(struct class_names *c);

#endif
