#!/bin/sh
# cuda_session.sh - everything that is to be found out on a machine with a GPU, in one go.
#
#	sh tests/bench/cuda_session.sh pack      where it was built: what the other machine needs, to $B/device.tar.gz
#	sh tests/bench/cuda_session.sh run [DIR] there, from the root of the repository: the tests on the device, operation
#	                                         by operation, then whole networks, then the programs; then the speed. The
#	                                         report and what the tests said go to DIR ($B/device-report)
#
# The other machine needs CUDA's libraries and, for the comparison, a python3 with PyTorch ($PYTHON). $PEAK: the device's
# dense bf16 TFLOP/s (989: H100 and H200 SXM). $SECONDS_EACH for each measurement (5).

set -u

B=${B:-build}
PEAK=${PEAK:-989}
SECONDS_EACH=${SECONDS_EACH:-5}
PYTHON=${PYTHON:-python3}

programs='gfembed gfclassify gfperturb cellview cellhead'
units='test_cuda_backend test_cuda_forward test_cuda_load'

# Programs without what only a debugger reads, and the libraries that another system may not have.
pack() {
	make CUDA=1 "$B/lib/cellpipe/cellpipe-cuda.so" "$B/emulated/cellpipe-cuda.so" "$B/emulated/other-version.so" \
		"$B/bench/bench_forward" || exit 1
	for name in $programs; do make "$B/bin/$name" || exit 1; done
	for name in $units; do make "$B/unit/$name" || exit 1; done
	rm -rf "$B/device"
	mkdir -p "$B/device/bin" "$B/device/unit" "$B/device/bench" "$B/device/libraries"
	for name in $programs; do strip -o "$B/device/bin/$name" "$B/bin/$name"; done
	for name in $units; do strip -o "$B/device/unit/$name" "$B/unit/$name"; done
	strip -o "$B/device/bench/bench_forward" "$B/bench/bench_forward"
	cp -r "$B/lib" "$B/device/"
	mkdir "$B/device/emulated"
	cp "$B/emulated/cellpipe-cuda.so" "$B/emulated/other-version.so" "$B/device/emulated/"
	ldd "$B"/device/bin/* "$B"/device/unit/* "$B"/device/bench/* | awk '$3 ~ /^\// { print $3 }' | sort -u |
		grep -Ev '/(libc|libm|libpthread|libdl|librt|libstdc\+\+|libgcc_s)\.so' | while read -r library; do
		cp -L "$library" "$B/device/libraries/"
	done
	tar -czf "$B/device.tar.gz" -C "$B" device
	ls -l "$B/device.tar.gz"
}

# Where CUDA's libraries are, if the system does not know it: the toolkit's, or those that PyTorch brings.
find_libraries() {
	ls -d /usr/local/cuda/lib64 /usr/local/cuda/lib /usr/local/cuda/targets/*/lib 2>/dev/null
	$PYTHON -c 'import nvidia; print(*(p + "/cu13/lib" for p in nvidia.__path__), sep="\n")' 2>/dev/null
}

say() {
	echo "$*" | tee -a "$report/report.txt"
}

# One command: its output to a file, its last line and status to the report.
try() { # NAME COMMAND ARG...
	name=$1
	shift
	start=$(date +%s)
	timeout 300 "$@" >"$report/$name.txt" 2>&1
	status=$?
	say "$name: status $status, $(($(date +%s) - start)) s: $(grep -v '^[[:space:]]*$' "$report/$name.txt" | tail -n 1)"
}

measure() {
	for model in V1-10M V2-104M V2-316M; do
		for tokens in 512 2048 4096; do
			test $model$tokens = V1-10M4096 && continue
			for precision in bf16 fp16; do
				try "ours-$model-$tokens-$precision" "$folder/bench/bench_forward" $model $tokens 4 $precision \
					"$SECONDS_EACH" cuda "$PEAK"
			done
			try "torch-$model-$tokens" "$PYTHON" tests/bench/cuda_peer.py $model $tokens "$SECONDS_EACH" "$PEAK"
		done
	done
	try ours-V2-104M-2048-f32 "$folder/bench/bench_forward" V2-104M 2048 4 f32 "$SECONDS_EACH" cuda 67
	command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.used,clocks.sm --format=csv >>"$report/report.txt" 2>&1
}

run() {
	report=${1:-$B/device-report}
	folder=$B/device
	mkdir -p "$report"
	test -d "$folder" || tar -xzf "$B/device.tar.gz" -C "$B" || exit 1
	LD_LIBRARY_PATH=$folder/libraries:$(find_libraries | tr '\n' ':')${LD_LIBRARY_PATH:-}
	export LD_LIBRARY_PATH
	for name in $units; do
		try "$name" "$folder/unit/$name"
	done
	try device.t env BUILD="$folder/bin" sh tests/cli/device.t
	measure
	test -z "$(grep '^\(test_\|device\).*: status [1-9]' "$report/report.txt")"
}

case ${1:-} in
pack) pack ;;
run) run "${2:-}" ;;
*)
	echo 'usage: cuda_session.sh pack, or cuda_session.sh run [DIR]' >&2
	exit 2
	;;
esac
