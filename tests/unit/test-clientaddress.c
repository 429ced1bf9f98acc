#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clientaddress.h"
#include "suites.h"
#include "unit.h"

#define PROXIES                                                                \
	"Mailbox a@b\nTrustedProxy 127.0.0.1\nTrustedProxy 10.0.0.0/8\n"       \
	"TrustedProxy 2001:db8:1::/48\n"

static const struct {
	const char *conf;
	const char *peer;
	const char *forwarded; /* fields, "|" between them */
	const char *client;
	bool is_known, is_trusted;
} rows[] = {
	{ PROXIES, "192.0.2.1", "", "192.0.2.1", true, false },
	{ PROXIES, "192.0.2.1", "198.51.100.1", "192.0.2.1", true, false },
	{ PROXIES, "::ffff:192.0.2.1", "", "192.0.2.1", true, false },
	{ PROXIES, "::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1", true,
	    true },
	{ PROXIES, "127.0.0.1", "", "127.0.0.1", false, true },
	{ PROXIES, "127.0.0.1", "198.51.100.1", "198.51.100.1", true, true },
	{ PROXIES, "127.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1",
	    true, true },
	{ PROXIES, "127.0.0.1", "203.0.113.9,198.51.100.1 , 10.1.2.3 ",
	    "198.51.100.1", true, true },
	{ PROXIES, "127.0.0.1", "203.0.113.9|198.51.100.1|10.1.2.3",
	    "198.51.100.1", true, true },
	{ PROXIES, "2001:db8:1::5", "2001:db8:2::7", "2001:db8:2::7", true,
	    true },
	{ PROXIES, "127.0.0.1", "[2001:db8:2::7]:4711", "2001:db8:2::7", true,
	    true },
	{ PROXIES, "127.0.0.1", "198.51.100.1:4711", "198.51.100.1", true,
	    true },
	{ PROXIES, "127.0.0.1", "10.0.0.2, 10.0.0.1", "10.0.0.2", true, true },
	{ PROXIES, "127.0.0.1", "198.51.100.1, unknown", "127.0.0.1", false,
	    true },
	{ PROXIES, "127.0.0.1", "198.51.100.1, , 10.0.0.1", "10.0.0.1", true,
	    true },
	{ PROXIES, "127.0.0.1", "198.51.100.0/24", "127.0.0.1", false, true },
	{ PROXIES, "127.0.0.1", ",,,", "127.0.0.1", false, true },
	{ PROXIES, "unix", "198.51.100.1", "unix", false, false },
	{ PROXIES "TrustedProxy unix\n", "unix", "198.51.100.1", "198.51.100.1",
	    true, true },
	{ PROXIES "TrustedProxy unix\n", "unix", "", "unix", false, true },
};

struct fields {
	char text[256];
	const char *field[8];
	size_t count;
};

static const char *
forwarded(void *ctx, size_t i)
{
	const struct fields *f = ctx;

	return i < f->count ? f->field[f->count - 1 - i] : NULL;
}

static const struct sockaddr *
peer_of(const char *text, struct sockaddr_storage *store)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)store;
	struct sockaddr_in *four = (struct sockaddr_in *)store;

	memset(store, 0, sizeof *store);
	store->ss_family = AF_UNIX;
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
		store->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
		store->ss_family = AF_INET6;
	return (struct sockaddr *)store;
}

START_TEST(who_it_is)
{
	struct conf *conf = unit_conf(rows[_i].conf);
	struct fields fields = { .count = 0 };
	struct sockaddr_storage store;
	struct clientaddress client;
	char *rest, *at;

	(void)snprintf(
	    fields.text, sizeof fields.text, "%s", rows[_i].forwarded);
	for (at = strtok_r(fields.text, "|", &rest); at != NULL;
	     at = strtok_r(NULL, "|", &rest))
		fields.field[fields.count++] = at;
	clientaddress_find(
	    conf, peer_of(rows[_i].peer, &store), forwarded, &fields, &client);
	ck_string(rows[_i].forwarded, client.text, rows[_i].client);
	ck_assert_int_eq(client.is_known, rows[_i].is_known);
	ck_assert_int_eq(client.is_proxy_trusted, rows[_i].is_trusted);
	conf_unref(&conf);
}
END_TEST

/* A list of any length costs no more than its last addresses. */
START_TEST(hops_are_bounded)
{
	struct conf *conf = unit_conf(PROXIES);
	char text[1024] = "198.51.100.1";
	struct fields fields = { .field = { text }, .count = 1 };
	struct sockaddr_storage store;
	struct clientaddress client;

	for (int i = 0; i < 40; i++)
		(void)strcat(text, ",10.0.0.1");
	clientaddress_find(
	    conf, peer_of("127.0.0.1", &store), forwarded, &fields, &client);
	ck_assert_str_eq(client.text, "10.0.0.1");
	conf_unref(&conf);
}
END_TEST

Suite *
clientaddress_suite(void)
{
	Suite *suite = suite_create("clientaddress");
	TCase *tc = tcase_create("clientaddress");

	tcase_add_loop_test(tc, who_it_is, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, hops_are_bounded);
	suite_add_tcase(suite, tc);
	return suite;
}
