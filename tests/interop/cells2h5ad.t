#!/bin/sh
# cells2h5ad: anndata finds in the result all that the source held, and what the stream added at the right cells; with --subset too.
# Sources of anndata 0.6, 0.7 and today.
. "${0%/*}/../cli/lib.sh"

need_python current

for file in "$DATA"/counts.h5ad "$DATA"/h5ad/plain.h5ad "$DATA"/h5ad/csc.h5ad "$DATA"/h5ad/dense.h5ad "$DATA"/h5ad/columns.h5ad \
	"$DATA"/h5ad/log_normalised.h5ad "$DATA"/h5ad/v0.6.h5ad "$DATA"/h5ad/v0.7.h5ad pipelines/demo/pbmc3k.h5ad; do
	ok "embeddings into ${file##*/}" "$PYTHON" tests/interop/cells2h5ad.py "$file" "$T"
done

# Without a source: cells, and the rows of other streams.
run cells2h5ad -k X_emb -o "$T/new.h5ad" "$DATA/embeddings.cells"
status_is 0 'embeddings without a source'
ok 'anndata has them in obsm' "$PYTHON" -W ignore -c '
import sys, anndata, numpy as np, pandas as pd, pyarrow.ipc
table = pyarrow.ipc.open_stream(sys.argv[1]).read_all()
a = anndata.read_h5ad(sys.argv[2])
assert a.X is None and a.n_vars == 0 and a.obs_names.tolist() == table["cell"].to_pylist()
ours = np.array(table["embedding"].to_pylist(), np.float32)
assert np.array_equal(a.obsm["X_emb"], ours) and a.obsm["X_emb"].dtype == np.float32
for name in "cell_type", "donor", "n_genes", "score", "doublet":
    theirs = [None if pd.isna(x) else x for x in a.obs[name].astype(object)]
    assert theirs == table[name].to_pylist(), name
' "$DATA/embeddings.cells" "$T/new.h5ad"
run cells2h5ad -o "$T/genes.h5ad" "$DATA/genes.cells"
ok 'a row a gene' "$PYTHON" -W ignore -c '
import sys, anndata, pyarrow.ipc
table = pyarrow.ipc.open_stream(sys.argv[1]).read_all()
a = anndata.read_h5ad(sys.argv[2])
assert a.obs_names.tolist() == table["gene"].to_pylist()
assert a.obs["median"].fillna(-1).tolist() == [-1 if x is None else x for x in table["median"].to_pylist()]
' "$DATA/genes.cells" "$T/genes.h5ad"
run cells2h5ad -o "$T/counts.h5ad" "$DATA/counts.cells"
ok 'counts as X and var' "$PYTHON" -W ignore -c '
import sys, anndata, numpy as np, pyarrow.ipc
table = pyarrow.ipc.open_stream(sys.argv[1]).read_all()
a = anndata.read_h5ad(sys.argv[2])
assert a.X.format == "csr" and a.X.dtype == np.float32
for i, (genes, counts) in enumerate(zip(table["gene"].to_pylist(), table["count"].to_pylist())):
    row = slice(a.X.indptr[i], a.X.indptr[i + 1])
    assert a.var_names[a.X.indices[row]].tolist() == genes and a.X.data[row].tolist() == counts
' "$DATA/counts.cells" "$T/counts.h5ad"
ok 'scanpy works on it' "$PYTHON" -W ignore -c '
import sys, scanpy
a = scanpy.read_h5ad(sys.argv[1])
scanpy.pp.normalize_total(a)
scanpy.pp.log1p(a)
' "$T/counts.h5ad"

done_testing
