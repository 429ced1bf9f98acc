#!/bin/sh
# install-deps.sh [build] [test] [ci]: install what a purpose needs.
#
# For Debian 12 or later and Ubuntu, as root; without argument, build and test.
# Quick when everything is there, and asks nothing. No Postfix is left running:
# the tests start a private one.
set -eu

build="gcc make pkg-config libmilter-dev zlib1g-dev libcjson-dev libssl-dev
	libopendkim-dev libunbound-dev libpsl-dev libsqlite3-dev
	libcurl4-openssl-dev libidn2-dev libmicrohttpd-dev"
test="check python3 postfix mount systemd mandoc shellcheck curl
	unbound ldnsutils opendkim openssl dovecot-sieve libidn12
	nginx-light wrk"
ci="clang clang-format cppcheck gcovr chromium"

fail() {
	echo "install-deps.sh: $*" >&2
	exit 1
}

# libFuzzer and the sanitizers of clang are in a package named by its version.
clang_runtime() {
	version=$(apt-cache depends clang |
	    sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
	[ -n "$version" ] || fail "which version of clang is unknown"
	echo "libclang-rt-$version-dev"
}

is_installed() {
	dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null |
	    grep -q '^.i'
}

missing() {
	for package; do
		is_installed "$package" || printf '%s ' "$package"
	done
}

# Services that packages bring are not to be started. Where somebody has a
# policy of their own, it stays.
forbid_services() {
	policy=/usr/sbin/policy-rc.d
	[ ! -e $policy ] || return 0
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
}

# Nor at the next boot. Those that were here before stay as they are, and
# Postfix does not start without a configuration.
disable_services() {
	for service in unbound opendkim dovecot nginx; do
		case " $wanted " in
		*" $service"[\ -]*) update-rc.d "$service" disable ;;
		esac
	done
}

# Exim's package would remove Postfix. What of it the tests need is unpacked
# where they find it; without it they say that they are not run.
unpack_exim() {
	exim=$(dirname "$0")/../build/exim
	[ ! -x "$exim/usr/sbin/exim4" ] || return 0
	mkdir -p "$exim/packages"
	(cd "$exim/packages" &&
	    apt-get -q download exim4-base exim4-daemon-light) || {
		echo "install-deps.sh: no Exim here, its tests are not run" >&2
		return 0
	}
	for package in "$exim"/packages/*.deb; do
		dpkg -x "$package" "$exim"
	done
}

update() {
	apt-get -q update || fail "apt-get update failed"
}

[ $# -gt 0 ] || set -- build test
packages=
for purpose; do
	case $purpose in
	build) packages="$packages $build" ;;
	test) packages="$packages $test" ;;
	ci) packages="$packages $ci" ;;
	*) fail "usage: install-deps.sh [build] [test] [ci]" ;;
	esac
done

command -v apt-get >/dev/null || {
	echo "install-deps.sh: no apt-get here; needed are:$packages" >&2
	exit 0
}
# shellcheck disable=SC2086 # a list of words
wanted=$(missing $packages)
case $packages in
*clang*)
	# Without package lists there is no telling the version.
	if is_installed clang; then
		wanted="$wanted$(missing "$(clang_runtime)")"
	fi
	;;
esac
case $packages in
*postfix*) with_exim=yes ;;
*) with_exim= ;;
esac
if [ -z "$wanted" ]; then
	[ -z "$with_exim" ] || unpack_exim
	exit 0
fi

[ "$(id -u)" -eq 0 ] || fail "must be root to install: $wanted"
export DEBIAN_FRONTEND=noninteractive
forbid_services
update
case " $wanted " in
*" clang "*) wanted="$wanted$(missing "$(clang_runtime)")" ;;
esac
case " $wanted " in
*" chromium "*)
	# Ubuntu has a snap instead; the tests that want it are not run then.
	apt-cache show chromium >/dev/null 2>&1 ||
	    wanted=$(printf %s "$wanted" | sed 's/chromium //')
	[ -n "$wanted" ] || exit 0
	;;
esac
case " $wanted " in
*" postfix "*)
	# Without configuration, and so without a mail system.
	is_installed debconf &&
	    echo "postfix postfix/main_mailer_type select No configuration" |
	    debconf-set-selections
	;;
esac
echo "installing: $wanted"
# shellcheck disable=SC2086
apt-get -q -y --no-install-recommends install $wanted
disable_services
[ -z "$with_exim" ] || unpack_exim
