# completions.awk - completions of a shell from the table of options that PROGRAM --print-options shows (cli.h).
#
#	normalize --print-options | awk -v shell=bash -f completions.awk        (bash, zsh or fish)
#
# Choices complete to their words, options without a value to nothing, everything else to file names.

BEGIN {
	FS = "\t"
}

$1 == "program" && NR == 1 {
	program = $2
	next
}

{
	n++
	name[n] = $1
	letter[n] = $2
	argument[n] = $3
	type[n] = $4
	help[n] = $5
}

# A text within single quotes of the shell.
function quoted(text) {
	gsub(/'/, "'\\''", text)
	return "'" text "'"
}

# "a|b|c" with another sign between the words.
function words(choices, between) {
	gsub(/\|/, between, choices)
	return choices
}

# Both forms of an option, with a text between.
function forms(i, between) {
	return (letter[i] == "-" ? "" : "-" letter[i] between) "--" name[i]
}

function is_file(i) {
	return type[i] == "string"
}

function print_bash(  i) {
	print "_cellpipe_" program "() {"
	print "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}"
	print "\tcase $before in"
	for (i = 1; i <= n; i++)
		if (type[i] == "choice")
			print "\t" forms(i, "|") ") mapfile -t COMPREPLY < <(compgen -W " \
				quoted(words(argument[i], " ")) " -- \"$word\"); return ;;"
		else if (type[i] != "flag" && !is_file(i))
			print "\t" forms(i, "|") ") COMPREPLY=(); return ;;"
	print "\tesac"
	print "\tcase $word in"
	printf "\t-*) mapfile -t COMPREPLY < <(compgen -W '"
	for (i = 1; i <= n; i++)
		printf "%s%s", (i > 1 ? " " : ""), forms(i, " ")
	print "' -- \"$word\") ;;"
	print "\t*) mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;"
	print "\tesac"
	print "}"
	print "complete -o filenames -F _cellpipe_" program " " program
}

# _arguments reads [ ] : \ in its own way.
function zsh_text(text) {
	gsub(/\\|\[|\]|:/, "\\\\&", text)
	return text
}

function print_zsh(  i, value, spec) {
	print "#compdef " program
	printf "_arguments -s -S"
	for (i = 1; i <= n; i++) {
		value = ""
		if (type[i] == "choice")
			value = ":" name[i] ":(" words(argument[i], " ") ")"
		else if (type[i] != "flag")
			value = ":" zsh_text(argument[i]) ":" (is_file(i) ? "_files" : "")
		spec = "[" zsh_text(help[i]) "]" value
		printf " \\\n\t"
		if (letter[i] == "-")
			printf "%s", quoted("--" name[i] spec)
		else
			printf "'(-%s --%s)'{-%s,--%s}%s", letter[i], name[i], letter[i], name[i], quoted(spec)
	}
	print " \\\n\t'*:file:_files'"
}

function print_fish(  i, line) {
	for (i = 1; i <= n; i++) {
		line = "complete -c " program (letter[i] == "-" ? "" : " -s " letter[i]) " -l " name[i]
		if (type[i] == "choice")
			line = line " -x -a " quoted(words(argument[i], " "))
		else if (is_file(i))
			line = line " -r -F"
		else if (type[i] != "flag")
			line = line " -x"
		print line " -d " quoted(help[i])
	}
}

END {
	if (!program || !n) {
		print "completions.awk: no table of options" >"/dev/stderr"
		exit 1
	}
	if (shell == "bash")
		print_bash()
	else if (shell == "zsh")
		print_zsh()
	else if (shell == "fish")
		print_fish()
	else {
		print "completions.awk: no shell '" shell "'" >"/dev/stderr"
		exit 1
	}
}
