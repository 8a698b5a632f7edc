"""UMAP and principal components of the demo's cells against umap-learn and scikit-learn.

	layouts.py LAYOUTS EMBEDDINGS.cells WORK

The fuzzy graph is umap-learn's from the same exact neighbours; layouts differ, as those of two seeds do, so what is
compared is how well they keep neighbourhoods: trustworthiness (15 neighbours) within 0.02 of umap-learn's.
"""

import subprocess
import sys
import warnings

import numpy
import pyarrow.ipc
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

warnings.filterwarnings("ignore")
import umap  # noqa: E402
from umap.umap_ import fuzzy_simplicial_set  # noqa: E402

program, cells, work = sys.argv[1:]
with pyarrow.ipc.open_stream(cells) as stream:
	column = stream.read_all()["embedding"].combine_chunks()
x = numpy.asarray(column.flatten()).reshape(len(column), -1)
x.tofile(work + "/x.f32")
x.astype("f8").tofile(work + "/x.f64")
failures = []


def run(*arguments):
	out = subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout
	return out.rstrip("\n").split("\n")


def check(is_right, text):
	print(("" if is_right else "WRONG: ") + text)
	if not is_right:
		failures.append(text)


def compare_graph(metric, k):
	lines = numpy.array([line.split() for line in run("graph", x.shape[1], k, metric, work + "/x.f32")], dtype=float)
	ours = numpy.zeros((len(x), len(x)))
	ours[lines[:, 0].astype(int), lines[:, 1].astype(int)] = lines[:, 2]
	distances, indices = NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(
		x.astype("f8")).kneighbors()
	rows = numpy.arange(len(x))[:, None]
	indices = numpy.hstack([rows, indices[:, :k - 1]])
	distances = numpy.hstack([0 * rows, distances[:, :k - 1]]).astype("f4")
	theirs = fuzzy_simplicial_set(x, k, numpy.random.RandomState(0), metric, knn_indices=indices,
	                              knn_dists=distances)[0].toarray()
	difference = numpy.abs(ours - theirs).max()
	check(difference < 1e-4, f"graph, {metric}, {k} neighbours: largest difference of a weight {difference:.2g}")


def compare_layout(metric, start, seed, theirs):
	y = numpy.array([line.split() for line in run("umap", x.shape[1], seed, metric, start, work + "/x.f32")],
	                dtype=float)
	ours = trustworthiness(x, y, n_neighbors=15, metric=metric)
	check(abs(ours - theirs) <= 0.02,
	      f"trustworthiness, {metric}, start {start}, seed {seed}: {ours:.4f}, umap-learn {theirs:.4f}")


def compare_components():
	lines = run("pca", x.shape[1], 10, work + "/x.f64")
	got = numpy.array([line.split()[1:] for line in lines if line.startswith("score ")], dtype=float)
	theirs = PCA(10, svd_solver="full").fit_transform(x.astype("f8"))
	theirs *= numpy.sign((got * theirs).sum(0))
	difference = numpy.abs(got - theirs).max()
	check(difference < 1e-8, f"scores of 10 components: largest difference {difference:.2g}")


compare_components()
compare_graph("euclidean", 15)
compare_graph("cosine", 30)
for metric in ("euclidean", "cosine"):
	reference = trustworthiness(x, umap.UMAP(random_state=0, metric=metric).fit_transform(x), n_neighbors=15,
	                            metric=metric)
	compare_layout(metric, "spectral", 0, reference)
	compare_layout(metric, "spectral", 1, reference)
	compare_layout(metric, "pca", 0, reference)
sys.exit(1 if failures else 0)
