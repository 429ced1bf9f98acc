/*
 * A request's line and header, judged, and what becomes of the client and of
 * the body's label. The first line is the request line, then a field a line,
 * then an empty one and the body.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "clientaddress.h"
#include "fuzz.h"

#define TOKEN "0123456789abcdef"

static struct conf *conf;

static void
make_conf(void)
{
	static const char text[] =
	    "MaxBodySize 64K\nPathSecret d.example " TOKEN "\n"
	    "TrustedProxy 192.0.2.0/24\nTrustedProxy 2001:db8::/32\n";

	if (conf == NULL)
		conf = conf_parse(
		    "conf", text, sizeof text - 1, CONF_COLLECTOR, stderr);
	if (conf == NULL)
		abort();
}

/* The next line, terminated, or NULL behind the last. */
static char *
next_line(char **rest)
{
	char *line = *rest, *end;

	if (line == NULL)
		return NULL;
	end = strchr(line, '\n');
	*rest = end != NULL ? end + 1 : NULL;
	if (end != NULL)
		*end = '\0';
	return line;
}

static void
read_line(struct upload_head *head, char *line)
{
	char *rest = NULL;

	head->method = line != NULL ? strtok_r(line, " ", &rest) : NULL;
	head->target = head->method != NULL ? strtok_r(NULL, " ", &rest) : NULL;
	head->version =
	    head->target != NULL ? strtok_r(NULL, " ", &rest) : NULL;
	if (head->method == NULL)
		head->method = "";
	if (head->target == NULL)
		head->target = "";
	if (head->version == NULL)
		head->version = "";
}

static const char *
forwarded(void *ctx, size_t index)
{
	const struct upload_head *head = ctx;

	return index < head->count ? head->field[head->count - 1 - index].value
				   : NULL;
}

static void
find_client(struct upload_head *head)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	struct clientaddress client;
	struct network network;

	peer.sin_addr.s_addr = htonl(0xc0000201);
	clientaddress_find(
	    conf, (struct sockaddr *)&peer, forwarded, head, &client);
	/* What is shown is an address, whoever claims what. */
	if (!client.is_proxy_trusted ||
	    !address_read_network(client.text, &network))
		abort();
}

/* What must hold of any judgement. */
static void
check(const struct upload_head *head, const struct admission *a)
{
	if ((a->what == UPLOAD_NOTHING) != (a->status != 0) ||
	    (a->status != 0) != (a->reason != NULL))
		abort();
	if (a->status != 0 && (a->status < 400 || a->status > 499))
		abort();
	if (head->is_folded && a->status != 400 && a->status != 431)
		abort();
	if (a->what != UPLOAD_REPORT)
		return;
	if (a->length == 0 ||
	    (a->length != UINT64_MAX && a->length > conf->max_body_size))
		abort();
	/* Both would leave open where it ends. */
	if (admission_field(head, "Content-Length") != NULL &&
	    admission_field(head, "Transfer-Encoding") != NULL)
		abort();
	if (a->token[0] != '\0' && strcmp(a->token, TOKEN) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct upload_field field[ADMISSION_FIELDS_MAX + 2];
	struct upload_head head = { .field = field };
	struct admission admission;
	char *text = malloc(size + 1), *rest = text, *line;
	const char *label;
	size_t len;

	make_conf();
	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	head.is_folded = size > 0 && (data[size - 1] & 1) != 0 && size % 8 == 0;
	read_line(&head, next_line(&rest));
	while (head.count < ADMISSION_FIELDS_MAX + 2 &&
	    (line = next_line(&rest)) != NULL && line[0] != '\0') {
		char *colon = strchr(line, ':');

		field[head.count].value = colon != NULL ? colon + 1 : "";
		if (colon != NULL)
			*colon = '\0';
		field[head.count++].name = line;
	}
	admission_judge(&head, conf, &admission);
	check(&head, &admission);
	find_client(&head);
	len = rest != NULL ? strlen(rest) : 0;
	label = admission_label(&admission, rest != NULL ? rest : "", len);
	if (strncmp(label, "multipart/", 10) == 0 ||
	    strncmp(label, "message/", 8) == 0 || strchr(label, '\r') != NULL)
		abort();
	(void)admission_is_foreign(&admission, rest != NULL ? rest : "", len);
	free(text);
	return 0;
}
