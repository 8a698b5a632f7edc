#!/bin/sh
# Upstream's dictionaries and the models of ../shared, as Python's pickle, transformers and torch read them.

. "${0%/*}/../cli/lib.sh"
need_shared golden/models golden/isp data/geneformer
need_command "${CC:-cc}"

# shellcheck disable=SC2086     # CFLAGS and LDFLAGS are words
"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Icommon -I. ${CFLAGS:-} -o "$T/readers" tests/parity/readers.c \
	"${BUILD%/bin}/libcellpipe.a" ${LDFLAGS:-} -ljansson -ldeflate -llz4 -lzstd -lxxhash -lm -pthread 2>"$T/.why" ||
	fail 'readers is built'

# What Python prints of the same files.
run "$T/readers" dictionary "$SHARED/data/geneformer" V2
out_is 'tokens 20275 medians 42005 symbols 63675 aliases 173697
<pad> .. ENSG00000293553
ENSG00000121410=1.7629378614450941, 7.15842e-07 .. 289.086
ACTB ENSG00000075624 token 1312 median 26.793506656710267
GATA4 ENSG00000136574 token 7196 median 3.2114141665464935
MT-CO1 ENSG00000198804 token 16868 median 60.0394154064684
aliases of tokens 91753 ids 23694 identical 20271' 'V2 dictionaries'
run "$T/readers" dictionary "$SHARED/data/geneformer" V1
out_is 'tokens 25426 medians 25424 symbols 40248 aliases 25424
<pad> .. ENSGR0000265658
ENSG00000000003=2.001186019549122, 0.0946772 .. 634.307
ACTB ENSG00000075624 token 1319 median 41.877031521142754
GATA4 ENSG00000136574 token 7261 median 5.2215292765620571
MT-CO1 ENSG00000198804 token 17247 median 100.44699673183788
aliases of tokens 25424 ids 25424 identical 25424' 'V1 dictionaries'
run "$T/readers" dictionary "$SHARED/golden" V2
err_like 'no Geneformer dictionaries of V2 here' 'a folder without dictionaries'

# config.json of each, and golden/README.md for the pooler.
while read -r name expected; do
	run "$T/readers" model "$SHARED/golden/models/$name"
	is "$(head -n 1 "$T/out")" "$expected" "$name"
	tail -n 1 "$T/out" >"$T/$name"
done <<'END'
tiny-v1-mlm mlm 3 64 1 128 25426 2048 -
tiny-v2-cell sequence 3 64 2 128 20275 4096 pooler [B] [Mono] [NK] [T4] [T8]
tiny-v2-gelu mlm 2 48 3 96 20275 1024 -
tiny-v2-gelu-bin mlm 2 48 3 96 20275 1024 -
tiny-v2-gene token 2 64 1 128 20275 4096 - [Dosage-insensitive TFs] [Dosage-sensitive TFs]
tiny-v2-mlm mlm 4 128 2 256 20275 4096 -
END

same "$T/tiny-v2-gelu" "$T/tiny-v2-gelu-bin" 'the hash does not depend on the container'
is "$(cat "$T"/tiny-v* | sort -u | wc -l)" 5 'different models have different hashes'
run "$T/readers" compare "$SHARED/golden/models/tiny-v2-gelu" "$SHARED/golden/models/tiny-v2-gelu-bin"
out_is 'only in the second: cls.predictions.decoder.weight
only in the second: cls.predictions.decoder.bias
equal 42 of 42' 'safetensors and torch zip hold the same bytes'

# Output of the reference's perturber: all of it is plain data but the state embeddings, which hold pickled tensors.
find "$SHARED/golden" -name '*.pickle' | sort >"$T/pickles"
ok 'there are pickles of the perturber' test -s "$T/pickles"
while read -r file; do
	"$T/readers" pickle "$file" || echo "$file"
done <"$T/pickles" >"$T/out" 2>&1
is "$(grep -c '^a dictionary of ' "$T/out")" "$(wc -l <"$T/pickles")" 'all pickles of the perturber are read'
run "$T/readers" pickle "$SHARED/golden/embs/state_embs_v2_cls_exact_mean.pkl"
fails 1 'refused to look up torch.storage._load_from_bytes' 'pickled tensors are refused by name'

done_testing
