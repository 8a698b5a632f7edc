#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "nn/cuda_load.h"
#include "nn/cuda_object.h"

/* The path of the object; the caller frees it. */
static char *
find_object(void)
{
	const char *named = getenv("CELLPIPE_CUDA");
	char program[4096], *slash;
	ssize_t n;

	if (named && *named)
		return mem_strdup(named);
	n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
	slash = strrchr(program, '/');
	if (slash)
		*slash = '\0';
	return mem_printf("%s/../lib/cellpipe/cellpipe-cuda.so", slash ? program : ".");
}

static int
check_version(const struct cuda_object *o, const char *path, struct err *e)
{
	static const uint32_t sizes[] = CUDA_OBJECT_SIZES;

	if (o->version != CUDA_OBJECT_VERSION || o->size != sizeof(*o) ||
	    memcmp(o->sizes, sizes, sizeof(sizes)) != 0)
		return err_set(e,
		    "device cuda: %s is of cellpipe %s and does not fit this program, of %s", path,
		    o->release, CELLPIPE_VERSION);
	return 0;
}

/* NULL with *e set. */
static const struct cuda_object *
open_object(const char *path, struct err *e)
{
	const struct cuda_object *(*get)(void) = NULL;
	const struct cuda_object *o;
	void *library, *symbol;

	if (access(path, F_OK) != 0) {
		err_set(e, "device cuda: this build has no CUDA backend (no %s)", path);
		return NULL;
	}
	/* The driver's library is what the GPU's driver brings, not the toolkit. Where it is
	 * missing that is the reason, whatever else is. */
	if (!getenv("CELLPIPE_CUDA") && !dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL)) {
		err_set(e, "device cuda: there is no NVIDIA driver (no libcuda.so.1)");
		return NULL;
	}
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		err_set(e, "device cuda: %s", dlerror());
		return NULL;
	}
	symbol = dlsym(library, CUDA_OBJECT_SYMBOL);
	memcpy(&get, &symbol, sizeof(get)); /* ISO C has no cast from object to function */
	if (!get) {
		err_set(e, "device cuda: %s is no CUDA backend of cellpipe", path);
		return NULL;
	}
	o = get();
	return check_version(o, path, e) ? NULL : o;
}

struct backend *
cuda_backend_open(enum precision precision, struct err *e)
{
	char *path = find_object();
	const struct cuda_object *o = e->is_set ? NULL : open_object(path, e);

	free(path);
	return o ? o->open(precision, e) : NULL;
}
