/*
 * skeleton: milters that do as little as libmilter allows, to measure against.
 *
 *	skeleton MODE SOCKET [DIRECTORY]
 *
 * The modes: "connect" accepts each connection at once, the least that a
 * milter can cost; "noop" negotiates every step away and stays attached;
 * "body" takes headers and body without a reply and accepts at the end of the
 * message, the least that a milter can cost which reads reports; "duties" does
 * so, too, and besides it what has to be done for a report, of whatever the
 * report says: it replies to DATA, makes a file in DIRECTORY durable under its
 * final name, logs three lines and adds a header.
 *
 * Links libmilter.
 */
#include <err.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	RECORD_SIZE = 1300, /* bytes, of a report of 1,000 */
	LINE_SIZE = 500,
	LINES = 3
};

static const unsigned long no_steps = SMFIP_NOCONNECT | SMFIP_NOHELO |
    SMFIP_NOMAIL | SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOHDRS | SMFIP_NOEOH |
    SMFIP_NOUNKNOWN | SMFIP_NODATA;
static const unsigned long body_steps = SMFIP_NOCONNECT | SMFIP_NOHELO |
    SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
    SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;

static const unsigned long duties_steps = SMFIP_NOCONNECT | SMFIP_NOHELO |
    SMFIP_NOUNKNOWN | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR |
    SMFIP_NR_EOH | SMFIP_NR_BODY;

static unsigned long wanted;

/* For the duties. */
static int tmp, day, syslog_socket;

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

static sfsistat
on_data(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

/* A file that is whole or not there, as an archive wants it. */
static void
store(void)
{
	static atomic_uint last;
	unsigned number = last++;
	char record[RECORD_SIZE], from[32], to[64];
	int fd;

	memset(record, 'x', sizeof record);
	(void)snprintf(from, sizeof from, "%u", number);
	/* Names do not come in order. */
	(void)snprintf(to, sizeof to, "a.example!b.example!%08x.json",
	    number * 2654435761U);
	fd = openat(tmp, from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd == -1 ||
	    write(fd, record, sizeof record) != (ssize_t)sizeof record ||
	    fsync(fd) == -1 || close(fd) == -1 ||
	    renameat(tmp, from, day, to) == -1 || fsync(day) == -1)
		err(EXIT_FAILURE, "cannot store");
}

static sfsistat
on_eom_duties(SMFICTX *ctx)
{
	char line[LINE_SIZE];

	store();
	memset(line, 'y', sizeof line);
	for (int i = 0; i < LINES; i++)
		(void)send(syslog_socket, line, sizeof line, MSG_DONTWAIT);
	(void)smfi_addheader(ctx, (char *)"X-Skeleton",
	    (char *)" report; severity=warning; failed=47; total=937; "
		    "organization-name=\"Example Mailer Inc.\"");
	return SMFIS_ACCEPT;
}

static int
open_directory(int directory, const char *name)
{
	int fd;

	if (mkdirat(directory, name, 0750) == -1)
		err(EXIT_FAILURE, "%s", name);
	fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		err(EXIT_FAILURE, "%s", name);
	return fd;
}

static void
prepare_duties(const char *path)
{
	struct sockaddr_un log = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	int directory = open_directory(AT_FDCWD, path);

	tmp = open_directory(directory, "tmp");
	day = open_directory(directory, "day");
	syslog_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (syslog_socket == -1 ||
	    connect(syslog_socket, (struct sockaddr *)&log, sizeof log) == -1)
		err(EXIT_FAILURE, "/dev/log");
}

static void
take_reports(struct smfiDesc *desc)
{
	desc->xxfi_negotiate = on_negotiate;
	desc->xxfi_envfrom = on_address;
	desc->xxfi_envrcpt = on_address;
	desc->xxfi_header = on_header;
	desc->xxfi_eoh = on_eoh;
	desc->xxfi_body = on_body;
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

	if (argc < 3 || argc != 3 + (strcmp(argv[1], "duties") == 0))
		errx(64,
		    "usage: skeleton connect|noop|body SOCKET, or "
		    "skeleton duties SOCKET DIRECTORY");
	if (strcmp(argv[1], "connect") == 0) {
		desc.xxfi_connect = on_connect;
	} else if (strcmp(argv[1], "noop") == 0) {
		wanted = no_steps;
		desc.xxfi_negotiate = on_negotiate;
	} else if (strcmp(argv[1], "body") == 0) {
		wanted = body_steps;
		take_reports(&desc);
	} else if (strcmp(argv[1], "duties") == 0) {
		wanted = duties_steps;
		take_reports(&desc);
		desc.xxfi_data = on_data;
		desc.xxfi_eom = on_eom_duties;
		prepare_duties(argv[3]);
	} else {
		errx(64, "no mode %s", argv[1]);
	}
	if (smfi_register(desc) != MI_SUCCESS ||
	    smfi_setconn(argv[2]) != MI_SUCCESS)
		errx(EXIT_FAILURE, "libmilter");
	return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
