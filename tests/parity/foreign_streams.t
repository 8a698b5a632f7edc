#!/bin/sh
# Streams of other programs, whole and broken (../shared/interop): what the reader makes of each is what pyarrow makes
# of it, or one line that says what is wrong. foreign_streams.tsv was made by foreign_streams.py --table.

. "${0%/*}/../cli/lib.sh"
need_shared interop/foreign interop/malformed
need_command "${CC:-cc}" sha256sum

# shellcheck disable=SC2086     # CFLAGS and LDFLAGS are words
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Icommon -I. ${CFLAGS:-} -o "$T/arrow_dump" tests/parity/arrow_dump.c \
	"${BUILD%/bin}/libcellpipe.a" ${LDFLAGS:-} -llz4 -lzstd -lxxhash -lm 2>"$T/.why" || fail 'arrow_dump is built'

while read -r rows sum name; do
	run "$T/arrow_dump" "$SHARED/interop/foreign/$name"
	got="$(($(wc -l <"$T/out") - 1)) $(sha256sum <"$T/out" | cut -c 1-64) $(cat "$T/err")"
	is "$got" "$rows $sum " "$name: $rows rows"
done <"${0%.t}.tsv"

refused() { # FILE EXTENDED-REGEX
	run "$T/arrow_dump" "$SHARED/interop/$1"
	if test "$status" = 1 && test "$(wc -l <"$T/err")" = 1 && grep -Eq -e "^$SHARED/interop/$1: $2" "$T/err"; then
		pass "$1 is refused"
	else
		{ echo "exit status $status, expected 1 and: $2"; cat "$T/err"; } >"$T/.why"
		fail "$1 is refused"
	fi
}

refused foreign/duplicate_columns.arrows 'schema: two columns are named cell$'
refused foreign/ext_tensor_first_message.arrows 'message 0: the first message is not a schema but a tensor$'
refused foreign/no_eos.arrows 'truncated: no end-of-stream marker after message 1$'
refused foreign/two_streams.arrows 'bytes after the end of the stream \(at 944\)$'

while read -r name expected; do
	refused "malformed/bad_$name.arrows" "$expected"
done <<'END'
empty empty input, not an Arrow stream$
trunc_prefix message 0: truncated prefix \(5 of 8 bytes\)$
trunc_schema message 0: truncated metadata \(304 of 344 bytes\)$
trunc_between truncated: no end-of-stream marker after message 0$
trunc_dict_body dictionary of column gene: truncated body \(15 of 24 bytes\)$
trunc_batch_meta message 2: truncated metadata \(52 of 344 bytes\)$
trunc_batch_body batch 0: truncated body \(95 of 104 bytes\)$
trunc_eos message 3: truncated prefix \(5 of 8 bytes\)$
trailing bytes after the end of the stream \(at 1016\)$
offset_back batch 0: column gene: offset goes back at value 1 \(from 3 to 2\)$
offset_beyond batch 0: column gene: offsets end at 500 of 5 values$
offset_negative batch 0: column gene: its first offset is -1$
dict_index_beyond batch 0: column gene: value 2: index 3 in a dictionary of 3$
dict_index_negative batch 0: column gene: value 1: index -1 in a dictionary of 3$
utf8_offset_back batch 0: column cell: offset goes back at value 1 \(from 4 to 2\)$
invalid_utf8 dictionary of column gene: value 0: invalid UTF-8$
bodylen_short batch 0: column gene: buffer at 40 of 20 bytes lies outside the body of 40$
bodylen_huge batch 0: truncated body \(112 of 1152921504606846976 bytes\)$
bodylen_negative message 2: body of -8 bytes$
metalen_huge message 0: metadata of 2147483632 bytes \(at most 67108864\)$
dict_missing batch 0: column gene: its dictionary \(0\) is missing$
dict_before_schema message 0: the first message is not a schema but a dictionary$
two_schemas message 1: a schema behind the schema$
wrong_schema batch 0: 5 field nodes where the schema has 4$
zstd_len_huge batch 0: column cell: 931 compressed bytes cannot hold the 1099511627776 that they promise$
bitflips_0 message 0: damaged metadata$
bitflips_1 schema: damaged: it points out of the message$
bitflips_2 message 0: damaged metadata$
END

# Damage that these foreign streams give no means to see: a valid result is right too.
for name in bitflips_3 zstd_bit unequal_lists; do
	run "$T/arrow_dump" "$SHARED/interop/malformed/bad_$name.arrows"
	ok "bad_$name.arrows: a result or an error" test "$status" -le 1
done

done_testing
