#!/bin/sh
#
# run.sh SECONDS [TARGET...]: run the fuzz targets, at most two at a time, each
# over its seeds with a scratch corpus that is kept under build/fuzz. Prints
# executions, edges and features of each; ends non-zero if any found something,
# and leaves the input that shows it in build/fuzz.
#
# FUZZ_BUILD names another directory than build/fuzz.

set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${FUZZ_BUILD:-$here/../../build/fuzz}

if [ $# -lt 1 ] || ! [ "$1" -gt 0 ] 2>/dev/null; then
	echo "usage: run.sh SECONDS [TARGET...]" >&2
	exit 64
fi
seconds=$1
shift
if [ $# -eq 0 ]; then
	set -- "$here"/fuzz-*.c
fi

# One target: its whole output in a log, its exit in a file of its own.
run_target() {
	name=$1
	scratch=$build/corpus-$name
	mkdir -p "$scratch"
	rm -f "$build/$name.exit"
	"$build/fuzz-$name" -max_total_time="$seconds" -timeout=25 \
	    -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
	    -dict="$here/fuzz-$name.dict" \
	    -artifact_prefix="$build/found-$name-" \
	    "$scratch" "$here/seeds/$name" >"$build/$name.log" 2>&1
	echo $? >"$build/$name.exit"
}

print_target() {
	name=$1
	log=$build/$name.log
	code=$(cat "$build/$name.exit" 2>/dev/null || echo none)
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	last=$(grep -a '^#[0-9].* cov: ' "$log" | tail -n 1)
	edges=$(echo "$last" | sed -n 's/.* cov: \([0-9]*\).*/\1/p')
	features=$(echo "$last" | sed -n 's/.* ft: \([0-9]*\).*/\1/p')
	printf '%-10s %12s %7s %9s  ' "$name" "${runs:--}" "${edges:--}" \
	    "${features:--}"
	if [ "$code" = 0 ]; then
		echo "no finding"
		return 0
	fi
	echo "FOUND SOMETHING (exit $code), see $log:"
	grep -a -E '^SUMMARY|not so:|ERROR|runtime error|Test unit written' \
	    "$log" | sed 's/^/    /'
	return 1
}

names=
for target in "$@"; do
	name=$(basename "$target" .c)
	name=${name#fuzz-}
	if ! [ -x "$build/fuzz-$name" ]; then
		echo "run.sh: $build/fuzz-$name is not built" >&2
		exit 69
	fi
	names="$names $name"
done

failed=0
printf '%-10s %12s %7s %9s\n' target executions edges features
# shellcheck disable=SC2086 # a list of words
set -- $names
while [ $# -gt 0 ]; do
	first=$1
	second=${2:-}
	shift
	run_target "$first" &
	one=$!
	if [ -n "$second" ]; then
		shift
		run_target "$second" &
		wait $!
	fi
	wait "$one"
	print_target "$first" || failed=1
	if [ -n "$second" ]; then
		print_target "$second" || failed=1
	fi
done
exit "$failed"
