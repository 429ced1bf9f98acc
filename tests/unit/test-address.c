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

/* A network, an address, and whether it is in it; NULL: the first is none. */
static const struct {
	const char *network;
	const char *address;
	bool is_in;
} networks[] = {
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "10.0.0.0/7", "11.255.255.255", true },
	{ "10.0.0.0/7", "12.0.0.0", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.1", false },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "2001:db8::1", "2001:db8::1", true },
	{ "2001:db8::1/128", "2001:db8::2", false },
	{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
	{ "::ffff:192.0.2.0/120", "192.0.2.7", true },
	{ "::ffff:192.0.2.0/120", "192.0.3.7", false },
	{ "192.0.2.0/33", NULL, false },
	{ "2001:db8::/129", NULL, false },
	{ "192.0.2.0/", NULL, false },
	{ "192.0.2.0/+8", NULL, false },
	{ "192.0.2.0/0008", NULL, false },
	{ "192.0.2.0/8/8", NULL, false },
	{ "192.0.2", NULL, false },
	{ "example.com", NULL, false },
	{ "/8", NULL, false },
	{ "", NULL, false },
};

START_TEST(networks_and_what_is_in_them)
{
	struct network network = { .bits = 77 }, address;

	if (networks[_i].address == NULL) {
		ck_assert_msg(
		    !address_read_network(networks[_i].network, &network), "%s",
		    networks[_i].network);
		ck_assert_uint_eq(network.bits, 77);
		return;
	}
	ck_assert(address_read_network(networks[_i].network, &network));
	ck_assert(address_read_network(networks[_i].address, &address));
	ck_assert_msg(address_is_in(&address, &network) == networks[_i].is_in,
	    "%s, %s", networks[_i].network, networks[_i].address);
}
END_TEST

static const struct {
	const char *a, *b;
	bool is_a, is_same;
} pairs[] = {
	{ "192.0.2.1", "192.0.2.1", true, true },
	{ "192.0.2.1", "::ffff:192.0.2.1", true, true },
	{ "192.0.2.1", "::FFFF:c000:201", true, true },
	{ "192.0.2.1", "192.0.2.2", true, false },
	{ "192.0.2.1", "::192.0.2.1", true, false },
	{ "2001:db8::1", "2001:DB8:0:0:0::0001", true, true },
	{ "2001:db8::1", "2001:db8::1%eth0", true, true },
	{ "2001:db8::1", "2001:db8::2", true, false },
	{ "", "::", false, false },
	{ "%eth0", "::", false, false },
	{ "[::1]", "::1", false, false },
	{ "192.0.2.01x", "::1", false, false },
};

START_TEST(spellings)
{
	struct address_ip a = { { 7 } }, b, before = a;

	ck_assert(address_read_ip(pairs[_i].a, strlen(pairs[_i].a), &a) ==
	    pairs[_i].is_a);
	ck_assert(address_read_ip(pairs[_i].b, strlen(pairs[_i].b), &b));
	if (!pairs[_i].is_a)
		ck_assert(memcmp(&a, &before, sizeof a) == 0);
	ck_assert_msg((memcmp(&a, &b, sizeof a) == 0) == pairs[_i].is_same,
	    "%s %s", pairs[_i].a, pairs[_i].b);
	/* A NUL within ends nothing. */
	ck_assert(!address_read_ip("::1\0", 4, &a));
}
END_TEST

Suite *
address_suite(void)
{
	Suite *suite = suite_create("address");
	TCase *tc = tcase_create("address");

	tcase_add_loop_test(tc, addresses_and_ports, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(
	    tc, networks_and_what_is_in_them, 0, (int)ARRAY_LEN(networks));
	tcase_add_loop_test(tc, spellings, 0, (int)ARRAY_LEN(pairs));
	suite_add_tcase(suite, tc);
	return suite;
}
