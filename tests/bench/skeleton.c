/*
 * skeleton: milters that do as little as libmilter allows, to measure against.
 *
 *	skeleton MODE SOCKET
 *
 * The modes: "connect" accepts each connection at once, the least that a
 * milter can cost; "noop" negotiates every step away and stays attached;
 * "body" takes headers and body without a reply and accepts at the end of the
 * message, the least that a milter can cost which reads reports.
 *
 * Links libmilter.
 */
#include <err.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned long no_steps = SMFIP_NOCONNECT | SMFIP_NOHELO |
    SMFIP_NOMAIL | SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOHDRS | SMFIP_NOEOH |
    SMFIP_NOUNKNOWN | SMFIP_NODATA;
static const unsigned long body_steps = SMFIP_NOCONNECT | SMFIP_NOHELO |
    SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
    SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;

static unsigned long wanted;

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *pf0, unsigned long *pf1,
    unsigned long *pf2, unsigned long *pf3)
{
	(void)ctx;
	(void)f2;
	(void)f3;
	if ((f1 & wanted) != wanted)
		errx(EXIT_FAILURE, "the MTA does not offer what is wanted");
	*pf0 = f0;
	*pf1 = wanted;
	*pf2 = 0;
	*pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return SMFIS_ACCEPT;
}

static sfsistat
on_address(SMFICTX *ctx, char **argv)
{
	(void)ctx;
	(void)argv;
	return SMFIS_NOREPLY;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return SMFIS_NOREPLY;
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return SMFIS_NOREPLY;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_ACCEPT;
}

int
main(int argc, char **argv)
{
	struct smfiDesc desc = {
		.xxfi_name = (char *)"skeleton",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_eom = on_eom,
	};

	if (argc != 3)
		errx(64, "usage: skeleton connect|noop|body SOCKET");
	if (strcmp(argv[1], "connect") == 0) {
		desc.xxfi_connect = on_connect;
	} else if (strcmp(argv[1], "noop") == 0) {
		wanted = no_steps;
		desc.xxfi_negotiate = on_negotiate;
	} else if (strcmp(argv[1], "body") == 0) {
		wanted = body_steps;
		desc.xxfi_negotiate = on_negotiate;
		desc.xxfi_envfrom = on_address;
		desc.xxfi_envrcpt = on_address;
		desc.xxfi_header = on_header;
		desc.xxfi_eoh = on_eoh;
		desc.xxfi_body = on_body;
	} else {
		errx(64, "no mode %s", argv[1]);
	}
	if (smfi_register(desc) != MI_SUCCESS ||
	    smfi_setconn(argv[2]) != MI_SUCCESS)
		errx(EXIT_FAILURE, "libmilter");
	return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
