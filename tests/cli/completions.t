#!/bin/sh
# The completions of bash, zsh and fish that are made from the options of each program.

. "${0%/*}/lib.sh"
need_command bash zsh fish awk

# name letter argument type help
{
	printf 'program\tgfdemo\tFILE\tis no program\n'
	printf 'model\tm\tMODEL\tstring\tthe model'"'"'s folder: [x]\n'
	printf 'pool\t-\tauto|cls|mean\tchoice\tpool it\n'
	printf 'threads\tt\tN\tint\tthreads\n'
	printf 'quiet\tq\t-\tflag\tno warnings\n'
} >"$T/options"

for shell in bash zsh fish; do
	awk -v shell=$shell -f common/base/completions.awk "$T/options" >"$T/gfdemo.$shell"
	ok "$shell: the syntax is right" "$shell" -n "$T/gfdemo.$shell"
done

in_bash() { # WORD...
	bash -c '
		. "$T/gfdemo.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_cellpipe_gfdemo
		echo "${COMPREPLY[@]}"' bash gfdemo "$@"
}
is "$(in_bash --)" '--model --pool --threads --quiet' 'bash: long options'
is "$(in_bash --pool '')" 'auto cls mean' 'bash: the words of a choice'
is "$(in_bash --pool m)" 'mean' 'bash: a word of a choice'
is "$(in_bash -t '')" '' 'bash: nothing for a number'
is "$(in_bash -m README)" 'README.md' 'bash: file names'

in_fish() { # LINE
	HOME=$T XDG_CONFIG_HOME=$T XDG_DATA_HOME=$T fish --no-config -c "source $T/gfdemo.fish; complete -C '$1'" | cut -f1 | tr '\n' ' '
}
is "$(in_fish 'gfdemo --')" '--model --pool --quiet --threads ' 'fish: long options'
is "$(in_fish 'gfdemo --pool ')" 'auto cls mean ' 'fish: the words of a choice'

for program in "$BUILD"/*; do
	name=${program##*/}
	test -x "$program" || continue
	for shell in bash zsh fish; do
		ok "$name: $shell" sh -c '"$1" --print-options | awk -v shell="$2" -f common/base/completions.awk >"$T/x" &&
			"$2" -n "$T/x" && grep -q print-options "$T/x"' sh "$program" $shell
	done
done

ok 'no table of options: an error' not awk -v shell=bash -f common/base/completions.awk /dev/null
done_testing
