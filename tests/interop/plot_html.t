#!/bin/sh
# The script of cellplot's interactive page, run by node with a stand-in for the browser.

. "${0%/*}/../cli/lib.sh"
command -v node >/dev/null 2>&1 || skip_all "node is not installed"
need_python current

look() { # POINT [COLUMN [TEXT [ENTRY [PIXELS]]]]
	run node tests/interop/plot_html.js "$T/page.html" "$@"
}

ok 'a stream with hostile names' "$PYTHON" tests/interop/hostile_cells.py "$T/cells"
run cellplot -k pca -c type -o "$T/page.html" "$T/cells"
status_is 0 'cellplot writes a page'

look 0
out_is 'title: PCA | PCA
axes: PC1 (76.4%), PC2 (22.6%)
columns: cell, type, big, score, <i>odd</i>
legend: type
  #0072b2 <b>T</b> 2
  #d55e00 B 2
  #cccccc no value 1
note: 5 points
tip: cell </script><script>throw 1</script>
tip: type <b>T</b>
tip: big 9007199254740991
tip: score 0.125
tip: <i>odd</i> true' 'names are shown as they are'

look 2 score
out_like "tip: cell b & \"c\" .* '\`.\\{d\\}\`" 'another cell'
out_like '^tip: type no value$' 'a null has no value'
out_like '^tip: score no value$' 'nor has NaN'
out_like '^legend: score$' 'the chosen column'
out_like '^  -1e-9 1234570$' 'the ends of its colours'
out_like '^  #cccccc no value 2$' 'its nulls are named'

look 3 '' 'SCRIPT >'
out_like '^note: 1 of 5 points$' 'a name is found'
out_like '^tip: cell </SCRIPT >$' 'and shown'
look 4 '' 'SCRIPT >'
unlike "$(cat "$T/out")" '^tip: cell plain' 'what was not looked for is faint'

look 4 type '' '<b>T</b>' "$T/pixels"
unlike "$(cat "$T/out")" '^tip: cell plain' 'a category is hidden by its entry in the legend'
look 1 type '' '<b>T</b>'
out_like '^tip: cell <!-- <script>$' 'another one is not'
is "$(od -An -v -tu1 -w4 "$T/pixels" | awk '$1 < 60 && $3 > 140 { blue++ } $1 > 180 && $3 < 60 { red++ }
	END { print blue + 0, (red > 20) }')" '0 1' 'its colour is gone from the picture, the other one is there'

done_testing
