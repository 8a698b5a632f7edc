#include <string.h>

#include "nn/cpu_onednn.h"
#include "nn/cpu_product.h"

int
product_run(const struct product *p, struct err *e)
{
	dnnl_dim_t m = (dnnl_dim_t)p->m, n = (dnnl_dim_t)p->n, k = (dnnl_dim_t)p->k;
	dnnl_status_t s;

	if (m == 0 || n == 0)
		return 0;
	for (size_t i = 0; p->bias && !p->is_added && i < p->m; i++)
		memcpy(p->c + i * p->n, p->bias, p->n * sizeof(*p->c));
	use_one_thread();
	s = dnnl_sgemm(p->is_a_transposed ? 'T' : 'N', p->is_b_transposed ? 'T' : 'N', m, n, k, 1,
	    p->a, p->is_a_transposed ? m : k, p->b, p->is_b_transposed ? k : n,
	    p->is_added || p->bias ? 1 : 0, p->c, n);
	return s ? err_set(e, "oneDNN: cannot multiply (status %d)", (int)s) : 0;
}
