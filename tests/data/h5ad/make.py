"""Makes the small .h5ad files of this folder, the good ones and the bad ones.

    python make.py        (numpy, h5py)

All hold the matrix of four cells and three genes below, or one that differs in what the file's name says. The expected
output of the tests is written out in tests/cli/h5ad2cells.t.
"""

import h5py
import numpy as np

X = np.array([[5, 0, 2], [0, 3, 0], [0, 0, 0], [1, 4, 9]])
CELLS, GENES = ["AAA", "CCC", "GGG", "TTT"], ["G1", "G2", "G3"]
TEXT = h5py.string_dtype()


def create(name):
    # The newest format is the smallest.
    f = h5py.File(f"{name}.h5ad", "w", libver=("v110", "v110"))
    f.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    return f


def element(group, name, data, encoding="array", version="0.2.0", **options):
    d = group.create_dataset(name, data=data, **options)
    d.attrs.update({"encoding-type": encoding, "encoding-version": version})
    return d


def texts(group, name, data):
    element(group, name, np.array(data, object), "string-array", dtype=TEXT)


def group(parent, name, encoding, version="0.1.0"):
    g = parent.create_group(name)
    g.attrs.update({"encoding-type": encoding, "encoding-version": version})
    return g


def categorical(parent, name, codes, categories):
    g = group(parent, name, "categorical", "0.2.0")
    g.attrs["ordered"] = False
    element(g, "codes", np.array(codes, np.int8))
    if isinstance(categories[0], str):
        texts(g, "categories", categories)
    else:
        element(g, "categories", np.array(categories))


def nullable(parent, name, kind, values, mask):
    g = group(parent, name, "nullable-" + kind)
    if kind == "string-array":
        texts(g, "values", values)
    else:
        element(g, "values", np.array(values))
    element(g, "mask", np.array(mask, bool))


def frame(f, name, index, columns=(), **more):
    """Columns: name and array (texts as a list); `more`: functions that write a column themselves."""
    g = group(f, name, "dataframe", "0.2.0")
    texts(g, "_index", index)
    for column, data in dict(columns).items():
        (texts if isinstance(data, list) else element)(g, column, data)
    for column, write in more.items():
        write(g, column)
    g.attrs["_index"] = "_index"
    g.attrs["column-order"] = np.array([*dict(columns), *more], TEXT)


def csr(f, name, x, dtype=np.float32, **parts):
    """The parts (data, indices, indptr) may be given as they are not."""
    rows, columns = np.nonzero(x)
    g = group(f, name, "csr_matrix")
    g.attrs["shape"] = np.array(np.shape(x))
    g["data"] = np.asarray(parts.get("data", np.asarray(x)[rows, columns]), dtype)
    g["indices"] = np.asarray(parts.get("indices", columns), np.int32)
    g["indptr"] = np.asarray(parts.get("indptr", np.searchsorted(rows, np.arange(len(x) + 1))), np.int32)


def simple(name, x=X, dtype=np.float32, obs=(), var=(), cells=CELLS, genes=GENES, more={}, **parts):
    f = create(name)
    csr(f, "X", x, dtype, **parts)
    frame(f, "obs", cells, obs, **more)
    frame(f, "var", genes, var)
    return f


def obs_of_every_sort():
    f = create("columns")
    csr(f, "X", X)
    frame(f, "var", GENES, {"feature_id": ["ENSG1", "ENSG2", ""], "symbol": ["A", "B", "C"]})
    frame(
        f, "obs", CELLS,
        {"text": ["x", "", "ü", "x"], "int": np.array([1, -2, 3, 2**40]), "single": np.array([0.5, np.nan, 1, 2], "f4"),
         "double": np.array([0.1, -0.0, np.inf, 1e300]), "bool": np.array([True, False, True, False]),
         "half": np.array([0.5, 1, 2, 3], np.float16),
         "bytes": np.array([b"a", b"bb", b"", b"dddd"]), "cell": ["1", "2", "3", "4"],
         "length": np.array([7, 8, 9, 10], np.uint8), "n_counts": np.array([10, 20, 30, 40], np.float32)},
        category=lambda g, n: categorical(g, n, [1, 0, -1, 1], ["b cell", "t cell"]),
        cluster=lambda g, n: categorical(g, n, [0, 1, 1, 0], [3, 12]),
        null_int=lambda g, n: nullable(g, n, "integer", [1, 0, 3, 4], [False, True, False, False]),
        null_bool=lambda g, n: nullable(g, n, "boolean", [True, True, False, False], [False, False, False, True]),
        null_text=lambda g, n: nullable(g, n, "string-array", ["p", "q", "", "s"], [False, False, True, False]),
    )


def anndata_0_7():
    """Categories beside the table, found by reference; no encoding but that of sparse matrices."""
    f = h5py.File("v0.7.h5ad", "w")
    csr(f, "X", X)
    for name, index in ("obs", CELLS), ("var", GENES):
        g = f.create_group(name)
        g.create_dataset("_index", data=np.array(index, object), dtype=TEXT)
        g.attrs.update({"_index": "_index", "encoding-type": "dataframe", "encoding-version": "0.1.0"})
        g.attrs["column-order"] = np.array(["kind"], TEXT)
        c = g.create_group("__categories").create_dataset("kind", data=np.array(["k1", "k2"], object), dtype=TEXT)
        c.attrs["ordered"] = False
        g["kind"] = np.arange(len(index), dtype=np.int8) % 3 - 1
        g["kind"].attrs["categories"] = c.ref


def anndata_0_6():
    """Tables as compound datasets, categories in uns, the earlier state of X at the top."""
    f = h5py.File("v0.6.h5ad", "w")
    for name, x in ("X", np.log1p(X)), ("raw.X", X):
        csr(f, name, x)
        shape = f[name].attrs["shape"]
        for key in list(f[name].attrs):
            del f[name].attrs[key]
        f[name].attrs.update({"h5sparse_format": "csr", "h5sparse_shape": shape})
    obs = [(c.encode(), k, n) for c, k, n in zip(CELLS, [0, 1, -1, 0], [10, 20, 30, 40])]
    f["obs"] = np.array(obs, [("index", "S3"), ("kind", "i1"), ("n_counts", "f4")])
    f["var"] = np.array([(g.encode(),) for g in GENES], [("index", "S2")])
    f["raw.var"] = np.array([(g.encode(), b"E" + g.encode()) for g in GENES], [("index", "S2"), ("ensembl_id", "S3")])
    f["obsm"] = np.array([((k, 2 * k, -k), k) for k in range(4)], [("X_pca", "f4", (3,)), ("X_one", "f8", (1,))])
    f["uns/kind_categories"] = np.array([b"k1", b"k2"])


simple("plain")
f = create("csc")
csr(f, "X", X.T)
f["X"].attrs.update({"encoding-type": "csc_matrix", "shape": np.array(X.shape)})
frame(f, "obs", CELLS)
frame(f, "var", GENES)
f = create("dense")
element(f, "X", X.astype(np.float32), chunks=(3, 2))
frame(f, "obs", CELLS)
frame(f, "var", GENES)
obs_of_every_sort()
anndata_0_7()
anndata_0_6()
simple("odd_column", obs={"matrix": np.zeros((4, 2)), "big_endian": np.array([1, 2, 3, 4], ">i2")})
simple("int32", dtype=np.int32)
simple("n_counts", obs={"n_counts": np.array([10, 20, 0, 40], np.float32)})
simple("n_counts_int", obs={"n_counts": np.array([10, 20, 0, 40])})
simple("n_counts_text", obs={"n_counts": ["10", "20", "0", "40"]})
simple("filter_bool", obs={"filter_pass": np.array([True, False, True, True])})
simple("filter_float", obs={"filter_pass": np.array([1.0, 2.0, np.nan, 1.0])})
simple("filter_text", obs={"filter_pass": ["1", "0", "1", "1"]})
simple("filter_category", more={"filter_pass": lambda g, n: categorical(g, n, [1, 0, -1, 1], [0, 1])})
simple("unsorted", indices=[2, 0, 1, 2, 0, 1], data=[2, 5, 3, 9, 1, 4])
simple("stored_zeros", data=[5, 0, 3, 1, 0, 9])
simple("repeated_cells", cells=["AAA", "CCC", "AAA", "TTT"])
simple("repeated_genes", genes=["G1", "G2", "G1"])
simple("ids", var={"ensembl_id": ["E1", "E2", "E3"], "gene_ids": ["I1", "I2", "I3"], "number": np.array([7, 8, 9])})
simple("no_rows", x=np.zeros((0, 3)), cells=np.array([], object), indptr=[0])

f = simple("log_normalised", x=np.log1p(X))
csr(f, "layers/counts", X)
csr(f, "layers/scaled", X - 2.5)
group(f, "raw", "raw")
csr(f, "raw/X", X)
frame(f, "raw/var", ["R1", "R2", "R3"])
simple("log_normalised_only", x=np.log1p(X))
simple("negative", data=[5, 2, -3, 1, 4, 9])
simple("not_a_number", data=[5, 2, 3, 1, np.nan, 9])
simple("infinite", data=[5, 2, 3, np.inf, 4, 9])
simple("above_float32", data=[5, 2, 16777217, 1, 4, 9], dtype=np.float64)
simple("at_float32", data=[5, 2, 16777216, 1, 4, 2.0**100], dtype=np.float64)
simple("gene_beyond", indices=[0, 2, 1, 0, 3, 2])
simple("gene_negative", indices=[0, 2, -1, 0, 1, 2])
simple("indptr_back", indptr=[0, 2, 1, 3, 6])
simple("indptr_beyond", indptr=[0, 2, 3, 3, 7])
simple("indptr_short", indptr=[0, 2, 6])
simple("indptr_start", indptr=[1, 2, 3, 3, 6])
simple("unequal_parts", indices=[0, 2, 1, 0, 1])
simple("obs_short", cells=["AAA", "CCC", "GGG"])
simple("var_short", genes=["G1", "G2"])
simple("code_beyond", more={"kind": lambda g, n: categorical(g, n, [0, 1, 2, 0], ["a", "b"])})
simple("latin1", obs={"name": np.array([b"a", b"b", b"caf\xe9", b"d"])})
f = simple("no_x")
del f["X"]
f = simple("odd_x")
f["X"].attrs["encoding-type"] = "awkward-array"
f = h5py.File("not_anndata.h5ad", "w", libver=("v110", "v110"))
f["data"] = [1, 2, 3]
