#!/bin/sh
# check.sh [unit] [init] [integration]: run tests and say how many passed.
#
# Without argument all: the unit tests (Check), those of the init files and
# manuals, and those against a private Postfix. Needs root. Programs are taken
# from the directory B (build). The last line is "N passed, N failed"; a runner
# that crashes counts as a failure.
set -u

cd "$(dirname "$0")/.." || exit 1
build=${B:-${BUILD:-build}}
export BUILD="$build"
passed=0
failed=0
log=$(mktemp "$build/check.XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM

# count PASSED FAILED STATUS NAME: add up what a runner has said.
count() {
	if [ "$3" -ne 0 ] && [ "$2" -eq 0 ]; then
		echo "$4: ended with status $3"
		failed=$((failed + 1))
	elif [ $(($1 + $2)) -eq 0 ]; then
		echo "$4: ran no test"
		failed=$((failed + 1))
	fi
	passed=$((passed + $1))
	failed=$((failed + $2))
}

# What a command prints goes to the terminal and to $log; its status is kept.
run() {
	{
		"$@" 2>&1
		echo $? >"$log.status"
	} | tee "$log"
	status=$(cat "$log.status")
	rm -f "$log.status"
}

unit_tests() {
	echo "== unit tests"
	run "$build/unit-tests" -j 4
	# "99%: Checks: 120, Failures: 1, Errors: 0", a line for each runner.
	sums=$(awk -F '[:,] *' '/^[0-9]+%: Checks: [0-9]+, Failures: / {
		checks += $3; bad += $5 + $7
	} END { print checks - bad, bad + 0 }' "$log")
	# shellcheck disable=SC2086 # two numbers
	count $sums "$status" "unit tests"
}

# python_tests NAME [ARG...]: the runner tests/NAME/run.py, which ends with a
# line "NAME: N passed, N failed, ...".
python_tests() {
	name=$1
	shift
	echo "== $name tests"
	run python3 "tests/$name/run.py" "$@"
	sums=$(sed -n \
	    "s/^$name: \([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p" \
	    "$log" | tail -n 1)
	# shellcheck disable=SC2086
	count ${sums:-0 0} "$status" "$name tests"
}

[ $# -gt 0 ] || set -- unit init integration
for runner; do
	case $runner in
	unit) unit_tests ;;
	integration) python_tests "$runner" -j 3 ;;
	*) python_tests "$runner" ;;
	esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
