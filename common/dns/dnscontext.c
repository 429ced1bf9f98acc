#include "dnscontext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include "address.h"
#include "text.h"

/*
 * What an old libunbound does not know it has as a default that is slower or
 * larger, except where the row says that it is needed.
 */

static const struct option {
	const char *name;
	const char *value;
	bool is_needed;
} options[] = {
	/* A resolver on this host, and the private zones that it may have.
	   "nodefault" would be lost on the way here. */
	{ "do-not-query-localhost:", "no", true },
	{ "unblock-lan-zones:", "yes", false },
	{ "local-zone:", "test. transparent", false },
	{ "local-zone:", "home.arpa. transparent", false },
	/* 2.6 MB for some thousand keys. */
	{ "msg-cache-size:", "1m", true },
	{ "rrset-cache-size:", "1m", true },
	{ "key-cache-size:", "512k", true },
	{ "neg-cache-size:", "100k", false },
	{ "infra-cache-numhosts:", "100", false },
	/* Sockets at most, one a query: by UDP, and by TCP. */
	{ "outgoing-range:", "128", true },
	{ "outgoing-num-tcp:", "8", true },
	{ "edns-buffer-size:", "1232", false },
	/* A server that answers within a millisecond what it knows may need
	   seconds for what it must ask: have patience, not 50 ms. One that is
	   silent is asked 0, 1, 2 and 4 seconds after the question and given
	   up 2 seconds later (later when many wait). Having been silent counts
	   for no more than another 2 seconds, not 15 minutes; a timeout that
	   reaches the greatest one would make it count at once. */
	{ "infra-cache-min-rtt:", "1000", true },
	{ "infra-cache-max-rtt:", "10000", false },
	{ "outbound-msg-retry:", "2", false },
	{ "infra-host-ttl:", "2", false },
};

/* There is no status of its own: nothing but the words is ever looked at. */
static enum status
refuse(struct fault *fault, const char *what, const char *why)
{
	return fault_set(fault, ST_NO_MEMORY, "%s: %s", what, why);
}

static enum status
refuse_server(struct fault *fault, const char *server, const char *why)
{
	return fault_set(fault, ST_NO_MEMORY, "Resolver %s: %s", server, why);
}

static enum status
refuse_anchor(struct fault *fault, const char *path, const char *why)
{
	return fault_set(
	    fault, ST_NO_MEMORY, "TrustAnchorFile %s: %s", path, why);
}

static enum status
set_options(struct ub_ctx *ctx, bool has_anchor, struct fault *fault)
{
	const char *modules = has_anchor ? "validator iterator" : "iterator";
	int rc = ub_ctx_set_option(ctx, "module-config:", modules);

	for (size_t i = 0; rc == 0 && i < sizeof options / sizeof *options;
	     i++) {
		rc = ub_ctx_set_option(ctx, options[i].name, options[i].value);
		if (!options[i].is_needed)
			rc = 0;
	}
	return rc == 0 ? ST_OK : refuse(fault, "libunbound", ub_strerror(rc));
}

/* "ADDRESS" or "ADDRESS@PORT"; libunbound would take more than that. */
static bool
is_server(const char *text)
{
	size_t len = strcspn(text, "@");

	return address_is_ip(text, len) &&
	    (text[len] == '\0' ||
		address_is_port(text + len + 1, strlen(text + len + 1)));
}

static enum status
set_system_servers(struct ub_ctx *ctx, struct fault *fault)
{
	int rc = ub_ctx_resolvconf(ctx, NULL);

	if (rc == UB_READFILE)
		return refuse(fault, "/etc/resolv.conf", strerror(errno));
	return rc == 0 ? ST_OK
		       : refuse(fault, "/etc/resolv.conf", ub_strerror(rc));
}

static enum status
set_servers(
    struct ub_ctx *ctx, const struct conf_list *servers, struct fault *fault)
{
	if (servers == NULL || servers->count == 0)
		return set_system_servers(ctx, fault);
	for (size_t i = 0; i < servers->count; i++) {
		const char *server = servers->item[i];
		int rc;

		if (!is_server(server))
			return refuse_server(fault, server,
			    "not an IP address, or ADDRESS@PORT");
		rc = ub_ctx_set_fwd(ctx, server);
		if (rc != 0)
			return refuse_server(fault, server, ub_strerror(rc));
	}
	return ST_OK;
}

/* Is there a DS or DNSKEY record in a line of a zone file? */
static bool
has_key(char *line)
{
	char *rest = NULL;

	line[strcspn(line, ";")] = '\0';
	for (const char *word = strtok_r(line, " \t\r\n", &rest); word != NULL;
	     word = strtok_r(NULL, " \t\r\n", &rest))
		if (text_ieq(word, "DS") || text_ieq(word, "DNSKEY"))
			return true;
	return false;
}

/* libunbound takes a file without a key, and then validates nothing. */
static enum status
check_anchor(const char *path, struct fault *fault)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	bool is_found = false;
	int error = file == NULL ? errno : 0;

	while (file != NULL && !is_found && getline(&line, &size, file) != -1)
		is_found = has_key(line);
	if (file != NULL && !is_found && ferror(file))
		error = errno;
	free(line);
	if (file != NULL)
		(void)fclose(file);
	if (is_found)
		return ST_OK;
	return refuse_anchor(fault, path,
	    error != 0 ? strerror(error) : "no DS or DNSKEY record");
}

/*
 * The file is only read: whoever keeps it, unbound-anchor(8) or a package,
 * follows the key of the root (RFC 5011), and what is there at the start holds.
 */
static enum status
set_anchor(struct ub_ctx *ctx, const char *path, struct fault *fault)
{
	enum status st = check_anchor(path, fault);
	int rc;

	if (st != ST_OK)
		return st;
	rc = ub_ctx_add_ta_file(ctx, path);
	return rc == 0 ? ST_OK : refuse_anchor(fault, path, ub_strerror(rc));
}

struct ub_ctx *
dnscontext_new(const struct resolver_settings *settings, struct fault *fault)
{
	const char *anchor = settings->trust_anchor_file;
	bool has_anchor = anchor != NULL && anchor[0] != '\0';
	struct ub_ctx *ctx = ub_ctx_create();
	enum status st;

	if (ctx == NULL) {
		(void)refuse(fault, "libunbound", strerror(errno));
		return NULL;
	}
	/* Its words would go to standard error. */
	(void)ub_ctx_debugout(ctx, NULL);
	(void)ub_ctx_debuglevel(ctx, 0);
	(void)ub_ctx_async(ctx, 1);
	st = set_options(ctx, has_anchor, fault);
	if (st == ST_OK)
		st = set_servers(ctx, settings->servers, fault);
	if (st == ST_OK && has_anchor)
		st = set_anchor(ctx, anchor, fault);
	if (st == ST_OK)
		return ctx;
	ub_ctx_delete(ctx);
	return NULL;
}
