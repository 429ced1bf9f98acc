#include <check.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "suites.h"
#include "unit.h"

static const struct {
	const char *text;
	bool is_ip, is_port;
} rows[] = {
	{ "", false, false },
	{ "127.0.0.1", true, false },
	{ "255.255.255.255", true, false },
	{ "256.0.0.1", false, false },
	{ "127.0.0", false, false },
	{ "127.0.0.1 ", false, false },
	{ "::", true, false },
	{ "2001:db8::1", true, false },
	{ "2001:db8:0:0:0:0:192.0.2.1", true, false },
	/* The longest there is, and one byte more. */
	{ "0000:0000:0000:0000:0000:ffff:192.168.100.228", true, false },
	{ "0000:0000:0000:0000:0000:ffff:192.168.100.2280", false, false },
	{ "fe80::1%lo", false, false },
	{ "[::1]", false, false },
	{ "localhost", false, false },
	{ "0", false, false },
	{ "1", false, true },
	{ "00025", false, true },
	{ "65535", false, true },
	{ "65536", false, false },
	{ "99999", false, false },
	{ "000025", false, false },
	{ "+25", false, false },
	{ "-1", false, false },
	{ "2 5", false, false },
	{ "25x", false, false },
};

START_TEST(addresses_and_ports)
{
	const char *text = rows[_i].text;
	size_t len = strlen(text);
	char more[80];

	ck_assert_msg(address_is_ip(text, len) == rows[_i].is_ip, "%s", text);
	ck_assert_msg(
	    address_is_port(text, len) == rows[_i].is_port, "%s", text);
	/* No more than the given bytes is looked at. */
	(void)snprintf(more, sizeof more, "%s1", text);
	ck_assert(address_is_ip(more, len) == rows[_i].is_ip);
	ck_assert(address_is_port(more, len) == rows[_i].is_port);
}
END_TEST

Suite *
address_suite(void)
{
	Suite *suite = suite_create("address");
	TCase *tc = tcase_create("address");

	tcase_add_loop_test(tc, addresses_and_ports, 0, (int)ARRAY_LEN(rows));
	suite_add_tcase(suite, tc);
	return suite;
}
