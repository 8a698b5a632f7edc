#!/bin/sh
# gftune_trainer.sh - stands for gftrain in gftune.t: takes its options, trains nothing, and says how well.
#
# The accuracy after epoch k is x / 100 + k / 1000 (--x, a whole number), the loss 1 less that. --pause: seconds an epoch.
# --fail-at X: with that --x it fails. --set: a last line about the model that was written, with a macro F1 of 1 - x / 100.
# --deaf: goes on after SIGTERM. A checkpoint is the number of epochs in OUTPUT/epoch, written when it ends; SIGTERM ends it
# after the epoch at hand, with status 0. Each start is noted in OUTPUT.starts.

set -u

output='' metrics='' epochs=3 x=0 pause=0 fail_at=none set='' deaf='' resume=''
while test $# -gt 0; do
	case $1 in
	--output) output=$2 ;;
	--metrics) metrics=$2 ;;
	--epochs) epochs=$2 ;;
	--x) x=$2 ;;
	--pause) pause=$2 ;;
	--fail-at) fail_at=$2 ;;
	--threads | --seed | --word | --rate) ;;
	--set | --deaf | --resume)
		case $1 in
		--set) set=1 ;;
		--deaf) deaf=1 ;;
		--resume) resume=1 ;;
		esac
		shift
		continue
		;;
	*) shift; continue ;;
	esac
	shift 2
done
stopped=''
if test "$deaf"; then
	trap '' TERM
else
	trap 'stopped=1' TERM
fi
echo "$x $epochs ${resume:-0}" >>"$output.starts"
if test "$x" = "$fail_at"; then
	echo 'some words before' >&2
	echo "trainer: $x is not to my taste" >&2
	exit 3
fi
epoch=0
if test "$resume"; then
	epoch=$(cat "$output/epoch") || exit 1
else
	test -e "$output" && { echo "trainer: $output is there"; exit 1; }
	: >"$metrics"
fi
while test "$epoch" -lt "$epochs" && test -z "$stopped"; do
	epoch=$((epoch + 1))
	test "$pause" = 0 || sleep "$pause"
	echo "{\"step\": $epoch, \"loss\": 9}" >>"$metrics"
	awk -v x="$x" -v k="$epoch" 'BEGIN {
		a = x / 100 + k / 1000
		printf "{\"step\": %d, \"eval_accuracy\": %.4f, \"eval_loss\": %.4f}\n", k, a, 1 - a }' >>"$metrics"
done
mkdir -p "$output"
echo "$epoch" >"$output/epoch"
if test "$set" && test "$epoch" = "$epochs"; then
	awk -v x="$x" 'BEGIN { printf "{\"set\": \"valid\", \"macro_f1\": %.4f}\n", 1 - x / 100 }' >>"$metrics"
fi
exit 0
