"""Principal components of ../shared/golden/stat/points.csv against those of scikit-learn (pca.json), to 1e-8.

	pca.py LAYOUTS GOLDEN WORK
"""

import json
import subprocess
import sys

import numpy

layouts, golden, work = sys.argv[1:]
points = numpy.loadtxt(golden + "/points.csv", delimiter=",")
points.tofile(work + "/points.f64")
expected = json.load(open(golden + "/pca.json"))
lines = subprocess.run([layouts, "pca", str(points.shape[1]), "8", work + "/points.f64"], check=True,
                       capture_output=True, text=True).stdout.split("\n")


def numbers(name):
	return numpy.array([line.split()[1:] for line in lines if line.startswith(name + " ")], dtype=float)


worst = 0
for ours, theirs in (("mean", "mean"), ("variances", "explained_variance"), ("ratios", "explained_variance_ratio"),
                     ("component", "components"), ("score", "scores")):
	wanted = numpy.atleast_2d(expected[theirs])
	got = numbers(ours)
	if got.shape != wanted.shape:
		sys.exit(f"{ours}: shape {got.shape}, expected {wanted.shape}")
	difference = numpy.abs(got - wanted).max()
	print(f"{ours}: largest difference {difference:.2g}")
	worst = max(worst, difference)
sys.exit(0 if worst <= 1e-8 else f"differences up to {worst:.2g}, allowed is 1e-8")
