#!/bin/sh
# deps.sh - installs what is missing to build, test or check cellpipe.
#
#	sh tests/deps.sh [build|test|lint]      each includes the ones before it; build is the default
#	sh tests/deps.sh venv NAME              makes the Python environment of tests/interop/requirements-NAME.txt
#	                                        (bench: tests/bench/requirements.txt) and prints the path of its python
#
# Something is missing when it does not work: a compiler that cannot compile with the header and the library, a command
# that is not found. So it does not matter where things come from, and nothing is installed where nothing is missing.
# Missing things come from apt, as root or through sudo. Where that cannot be, their names for several package managers
# are printed, and the exit status is 1.

set -u

cc=${CC:-cc}
command -v "$cc" >/dev/null 2>&1 || cc=gcc
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# One line a need: level, kind, what is looked for, and its packages in Debian and Ubuntu, Fedora, conda-forge, Homebrew.
# Kinds: command NAME[,NAME] (one of them); library HEADER,PKG-CONFIG-NAME,FLAG; check FUNCTION.
needs='
build|command|cc,gcc|gcc libc6-dev|gcc|c-compiler|gcc
build|command|make|make|make|make|make
build|command|pkg-config|pkg-config|pkgconf-pkg-config|pkg-config|pkgconf
build|command|awk|mawk|gawk|gawk|gawk
build|library|hdf5.h,hdf5,-lhdf5|libhdf5-dev|hdf5-devel|hdf5|hdf5
build|library|dnnl.h,dnnl,-ldnnl|libdnnl-dev|onednn-devel|onednn|onednn
build|library|libdeflate.h,libdeflate,-ldeflate|libdeflate-dev|libdeflate-devel|libdeflate|libdeflate
build|library|blosc.h,blosc,-lblosc|libblosc-dev|blosc-devel|blosc|c-blosc
build|library|lzf.h,liblzf,-llzf|liblzf-dev|liblzf-devel|liblzf|liblzf
build|library|lz4frame.h,liblz4,-llz4|liblz4-dev|lz4-devel|lz4-c|lz4
build|library|zstd.h,libzstd,-lzstd|libzstd-dev|libzstd-devel|zstd|zstd
build|library|xxhash.h,libxxhash,-lxxhash|libxxhash-dev|xxhash-devel|xxhash|xxhash
build|library|jansson.h,jansson,-ljansson|libjansson-dev|jansson-devel|jansson|jansson
build|library|csv.h,libcsv,-lcsv|libcsv-dev|libcsv-devel|libcsv|libcsv
build|library|cairo.h,cairo,-lcairo|libcairo2-dev|cairo-devel|cairo|cairo
build|library|lapacke.h,lapacke,-llapacke|liblapacke-dev|lapack-devel|liblapacke|lapack
build|library|lbfgs.h,liblbfgs,-llbfgs|liblbfgs-dev|liblbfgs-devel|liblbfgs|liblbfgs
test|check|has_mpi|libopenmpi-dev|openmpi-devel|openmpi|open-mpi
test|command|mpirun|openmpi-bin|openmpi|openmpi|open-mpi
test|library|cmocka.h,cmocka,-lcmocka|libcmocka-dev|libcmocka-devel|cmocka|cmocka
test|check|has_sanitizers|gcc libc6-dev|libasan libubsan|gcc|llvm
test|command|c++,g++|g++|gcc-c++|cxx-compiler|gcc
test|command|prove|perl|perl-Test-Harness|perl|perl
test|command|valgrind|valgrind|valgrind|valgrind|valgrind
test|command|script|bsdutils|util-linux-script|util-linux|util-linux
test|command|bash|bash|bash|bash|bash
test|command|zsh|zsh|zsh|zsh|zsh
test|command|fish|fish|fish|fish|fish
test|command|node|nodejs|nodejs|nodejs|node
test|check|has_python_venv|python3 python3-venv|python3|python|python
lint|command|git|git|git|git|git
lint|command|gcc|gcc|gcc|gcc|gcc
lint|command|clang|clang|clang|clang|llvm
lint|check|has_fuzzer|libclang-rt-dev/libclang-rt-14-dev|compiler-rt|compiler-rt|llvm
lint|check|has_clang_format|clang-format-14|clang-tools-extra|clang-format=14|clang-format@14
lint|command|mandoc|mandoc|mandoc|mandoc|mandoc
lint|command|shellcheck|shellcheck|ShellCheck|shellcheck|shellcheck
'

compiles() {
	# shellcheck disable=SC2086
	"$cc" ${CPPFLAGS:-} ${CFLAGS:-} "$@" >/dev/null 2>&1
}

has_command() {
	for name in $(echo "$1" | tr , ' '); do
		command -v "$name" >/dev/null 2>&1 && return 0
	done
	return 1
}

# The header is found and the library links, with the flags of pkg-config, else with the plain one.
has_library() {
	header=${1%%,*}
	rest=${1#*,}
	package=${rest%%,*}
	flags=$(pkg-config --cflags --libs "$package" 2>/dev/null) ||
		flags=$(pkg-config --cflags --libs "$package-serial" 2>/dev/null) || flags=${rest#*,}
	for include in stdio.h stdarg.h stddef.h stdint.h setjmp.h "$header"; do
		echo "#include <$include>"
	done >"$work/has.c"
	echo 'int main(void) { return 0; }' >>"$work/has.c"
	# shellcheck disable=SC2086
	compiles "$work/has.c" -o "$work/has" ${LDFLAGS:-} $flags
}

# Its package has many names, as in the Makefile.
has_mpi() {
	for package in mpi-c ompi-c ompi mpich; do
		pkg-config --exists "$package" 2>/dev/null && break
	done
	has_library "mpi.h,$package,-lmpi"
}

has_sanitizers() {
	echo 'int main(void) { return 0; }' >"$work/has.c"
	compiles -fsanitize=address,undefined "$work/has.c" -o "$work/has" && "$work/has" 2>/dev/null
}

has_fuzzer() {
	echo 'int LLVMFuzzerTestOneInput(const char *b, unsigned long n);
		int LLVMFuzzerTestOneInput(const char *b, unsigned long n) { return b && n ? 0 : 0; }' >"$work/has.c"
	clang -fsanitize=fuzzer,address,undefined "$work/has.c" -o "$work/has" >/dev/null 2>&1
}

# Versions of clang-format do not agree with each other: 14 decides.
has_clang_format() {
	command -v clang-format-14 >/dev/null 2>&1 || clang-format --version 2>/dev/null | grep -q 'version 14\.'
}

has_python_venv() {
	python3 -c 'import venv, ensurepip' 2>/dev/null
}

is_there() { # KIND WHAT
	case $1 in
	command) has_command "$2" ;;
	library) has_library "$2" ;;
	check) "$2" ;;
	esac
}

# The needs of the level that are not there, one line each, to $work/missing.
find_missing() {
	case $1 in
	build) levels=build ;;
	test) levels='build test' ;;
	*) levels='build test lint' ;;
	esac
	echo "$needs" | while IFS='|' read -r level kind what packages; do
		case " $levels " in
		*" ${level:-none} "*) is_there "$kind" "$what" || echo "$kind $what|$packages" ;;
		esac
	done >"$work/missing"
	test ! -s "$work/missing"
}

# "a/b": the first of them that apt knows.
apt_names() {
	cut -d'|' -f2 "$work/missing" | tr ' ' '\n' | while read -r names; do
		for name in $(echo "$names" | tr / ' '); do
			apt-cache show "$name" >/dev/null 2>&1 && break
		done
		echo "$name"
	done | sort -u
}

advise() {
	echo 'deps: these are missing and cannot be installed from here:' >&2
	sed 's/^\([a-z]*\) \([^|]*\)|.*/	\2/; s/,.*//' "$work/missing" >&2
	echo 'deps: they come with' >&2
	column=2
	for manager in 'apt-get install' 'dnf install' 'conda install -c conda-forge' 'brew install'; do
		echo "	$manager $(cut -d'|' -f$column "$work/missing" | tr ' ' '\n' | sed 's,/.*,,' | sort -u | tr '\n' ' ')" >&2
		column=$((column + 1))
	done
	exit 1
}

install_missing() {
	if test "$(id -u)" = 0; then
		sudo=
	elif command -v sudo >/dev/null 2>&1 && { test -t 0 || sudo -n true 2>/dev/null; }; then
		sudo=sudo
	else
		advise
	fi
	command -v apt-get >/dev/null 2>&1 || advise
	$sudo apt-get update -q >"$work/log" 2>&1 || { cat "$work/log" >&2; advise; }
	names=$(apt_names | tr '\n' ' ')
	echo "deps: installing $names"
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $names >"$work/log" 2>&1 ||
		{ tail -n 20 "$work/log" >&2; advise; }
}

# The environment is named by what it holds, so that a changed file makes a new one. A half-made one does not stay.
make_venv() {
	file=tests/interop/requirements-$1.txt
	test "$1" = bench && file=tests/bench/requirements.txt
	test -r "$file" || { echo "deps: $file: not found" >&2; exit 1; }
	folder=${XDG_CACHE_HOME:-$HOME/.cache}/cellpipe/$1-$(cksum <"$file" | cut -d' ' -f1)
	if ! test -e "$folder/complete"; then
		rm -rf "$folder"
		python3 -m venv "$folder" >&2 &&
			"$folder/bin/python" -m pip install -q --no-compile --disable-pip-version-check -r "$file" >&2 &&
			touch "$folder/complete" || exit 1
	fi
	echo "$folder/bin/python"
}

case ${1:-build} in
build | test | lint)
	find_missing "${1:-build}" && exit 0
	install_missing
	find_missing "${1:-build}" || advise
	;;
venv)
	make_venv "${2:?}"
	;;
*)
	echo 'usage: deps.sh [build|test|lint], or deps.sh venv NAME' >&2
	exit 2
	;;
esac
