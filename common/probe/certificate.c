#include "certificate.h"

#include <dirent.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
	AUTH_LEVEL = 2, /* 112 bits: RSA 2048, no SHA-1; as the CAs' own rules
			   and the security level of Debian have it */
	DEPTH_MAX = 20, /* of a chain; those of the web have four */
	DAY = 86400
};

/* The most specific part first, in UTF-8: "CN=mx.example.com, O=Example". */
static void
put_name(char *out, size_t size, const X509_NAME *name)
{
	unsigned long flags = (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) |
	    XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_DN_REV | XN_FLAG_FN_SN;
	BIO *bio = BIO_new(BIO_s_mem());
	const char *text = NULL;
	long len = 0;

	out[0] = '\0';
	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, flags) >= 0 &&
	    (len = BIO_get_mem_data(bio, &text)) > 0)
		text_plain(out, size, text, (size_t)len);
	(void)BIO_free(bio);
}

static void
put_hex(char out[65], const unsigned char *bytes, size_t len)
{
	out[0] = '\0';
	for (size_t i = 0; i < len && i < 32; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void
read_digests(X509 *x509, struct certificate *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned len = 0;
	int der_len;

	if (X509_digest(x509, EVP_sha256(), digest, &len) == 1)
		put_hex(certificate->sha256, digest, len);
	/* X509_pubkey_digest() is of the key's bits alone. */
	der_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
	if (der_len > 0 &&
	    EVP_Digest(
		der, (size_t)der_len, digest, &len, EVP_sha256(), NULL) == 1)
		put_hex(certificate->spki_sha256, digest, len);
	OPENSSL_free(der);
}

/* "EC P-256"; where the NIST has no name for a curve, OpenSSL's. */
static void
put_curve(char *out, size_t size, const EVP_PKEY *key)
{
	char group[64] = "";
	const char *nist;

	(void)EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	nist = EC_curve_nid2nist(OBJ_txt2nid(group));
	(void)snprintf(out, size, "EC %s", nist != NULL ? nist : group);
}

static void
put_key(char *out, size_t size, const EVP_PKEY *key)
{
	const char *name;

	if (key == NULL) {
		(void)snprintf(out, size, "unknown");
		return;
	}
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		put_curve(out, size, key);
		return;
	case EVP_PKEY_ED25519:
		(void)snprintf(out, size, "Ed25519");
		return;
	case EVP_PKEY_ED448:
		(void)snprintf(out, size, "Ed448");
		return;
	default:
		name = EVP_PKEY_get0_type_name(key);
		(void)snprintf(out, size, "%s %d", name != NULL ? name : "key",
		    EVP_PKEY_get_bits(key));
	}
}

/* Seconds since 1970; 0 for what is no time. */
static int64_t
read_time(const ASN1_TIME *time)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;

	if (epoch == NULL ||
	    ASN1_TIME_diff(&days, &seconds, epoch, time) != 1) {
		days = 0;
		seconds = 0;
	}
	ASN1_TIME_free(epoch);
	return (int64_t)days * DAY + seconds;
}

static void
read_names(X509 *x509, struct certificate *certificate)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS)
			continue;
		if (certificate->names < CERTIFICATE_NAMES_MAX)
			text_plain(certificate->name[certificate->names],
			    sizeof certificate->name[0],
			    (const char *)ASN1_STRING_get0_data(
				name->d.dNSName),
			    (size_t)ASN1_STRING_length(name->d.dNSName));
		certificate->names++;
	}
	GENERAL_NAMES_free(names);
}

void
certificate_read(X509 *x509, struct certificate *certificate)
{
	memset(certificate, 0, sizeof *certificate);
	put_name(certificate->subject, sizeof certificate->subject,
	    X509_get_subject_name(x509));
	put_name(certificate->issuer, sizeof certificate->issuer,
	    X509_get_issuer_name(x509));
	put_key(
	    certificate->key, sizeof certificate->key, X509_get0_pubkey(x509));
	read_digests(x509, certificate);
	certificate->not_before = read_time(X509_get0_notBefore(x509));
	certificate->not_after = read_time(X509_get0_notAfter(x509));
	certificate->is_self_signed = X509_self_signed(x509, 1) == 1;
	read_names(x509, certificate);
}

/* Is there a file in the directory by which OpenSSL would find an anchor? */
static bool
has_anchor(const char *path)
{
	const struct dirent *entry;
	bool result = false;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return false;
	while (!result && (entry = readdir(dir)) != NULL)
		result = text_isuffix(entry->d_name, ".0");
	(void)closedir(dir);
	return result;
}

/* The same of the directories where OpenSSL looks, a list with colons. */
static bool
has_anchor_directory(void)
{
	const char *list = getenv(X509_get_default_cert_dir_env());
	char path[4096];

	if (list == NULL)
		list = X509_get_default_cert_dir();
	while (*list != '\0') {
		size_t n = strcspn(list, ":");

		if (n < sizeof path) {
			memcpy(path, list, n);
			path[n] = '\0';
			if (has_anchor(path))
				return true;
		}
		list += n + (list[n] == ':');
	}
	return false;
}

/*
 * Take the anchors of the system. OpenSSL does not mind when there are none,
 * and then every certificate would seem bad.
 */
static bool
load_system(X509_STORE *store)
{
	return X509_STORE_set_default_paths(store) == 1 &&
	    (sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) > 0 ||
		has_anchor_directory());
}

X509_STORE *
certificate_store(const char *ca_file, struct fault *fault)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL) {
		(void)fault_set(fault, ST_NO_MEMORY, "out of memory");
		return NULL;
	}
	if (ca_file != NULL ? X509_STORE_load_file(store, ca_file) == 1
			    : load_system(store))
		return store;
	(void)fault_set(fault, ST_EMPTY, "%s: no certificates to be read",
	    ca_file != NULL ? ca_file : X509_get_default_cert_dir());
	X509_STORE_free(store);
	return NULL;
}

/* What OpenSSL's verification finds goes here. */
struct finding_place {
	struct certificate_verdict *verdict;
	const char *host;
};

static unsigned
fault_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CERTIFICATE_EXPIRED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return CERTIFICATE_HOST_MISMATCH;
	default:
		return CERTIFICATE_NOT_TRUSTED;
	}
}

/* " (2026-02-12)", where it is the date that is wrong. */
static void
put_date(char *out, size_t size, int error, const X509 *x509)
{
	const ASN1_TIME *time = NULL;
	struct tm tm;

	out[0] = '\0';
	if (error == X509_V_ERR_CERT_HAS_EXPIRED)
		time = X509_get0_notAfter(x509);
	else if (error == X509_V_ERR_CERT_NOT_YET_VALID)
		time = X509_get0_notBefore(x509);
	if (time != NULL && ASN1_TIME_to_tm(time, &tm) == 1)
		(void)snprintf(out, size, " (%04d-%02d-%02d)",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* The words for a certificate whose names are others. */
static void
put_mismatch(char *out, size_t size, X509 *x509, const char *host)
{
	struct certificate certificate;
	char text[CERTIFICATE_DETAIL_MAX];
	size_t i, n = 0;

	certificate_read(x509, &certificate);
	if (certificate.names == 0) {
		(void)snprintf(text, sizeof text,
		    "not for %s: no DNS names in it, and %.100s does not count",
		    host, certificate.subject);
		(void)text_copy(out, size, text);
		return;
	}
	(void)snprintf(text, sizeof text, "not for %s: for ", host);
	for (i = 0; i < certificate.names && i < CERTIFICATE_NAMES_MAX &&
	     n < sizeof text;
	     i++) {
		n = strlen(text);
		(void)snprintf(text + n, sizeof text - n, "%s%s",
		    i > 0 ? ", " : "", certificate.name[i]);
	}
	(void)text_copy(out, size, text);
}

void
certificate_fault(struct certificate_verdict *verdict, int error, X509 *x509,
    const char *host)
{
	char subject[CERTIFICATE_TEXT_MAX] = "?", date[32] = "";
	char text[CERTIFICATE_DETAIL_MAX + CERTIFICATE_TEXT_MAX];
	bool is_first = verdict->faults == 0;

	verdict->faults |= fault_of(error);
	if (!is_first)
		return;
	if (error == X509_V_ERR_HOSTNAME_MISMATCH && x509 != NULL) {
		put_mismatch(
		    verdict->detail, sizeof verdict->detail, x509, host);
		return;
	}
	if (x509 != NULL) {
		put_name(subject, sizeof subject, X509_get_subject_name(x509));
		put_date(date, sizeof date, error, x509);
	}
	(void)snprintf(text, sizeof text, "%s: %s%s",
	    X509_verify_cert_error_string(error), subject, date);
	(void)text_copy(verdict->detail, sizeof verdict->detail, text);
}

/* Write down each fault, and have OpenSSL look for more. */
static int
note_fault(int is_good, X509_STORE_CTX *ctx)
{
	const struct finding_place *place = X509_STORE_CTX_get_app_data(ctx);

	if (!is_good)
		certificate_fault(place->verdict, X509_STORE_CTX_get_error(ctx),
		    X509_STORE_CTX_get_current_cert(ctx), place->host);
	return 1;
}

/* As senders verify: for a server, with this name, by strong keys. */
static bool
prepare(X509_STORE_CTX *ctx, struct finding_place *place)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	if (X509_STORE_CTX_set_default(ctx, "ssl_server") != 1 ||
	    X509_VERIFY_PARAM_set1_host(param, place->host, 0) != 1 ||
	    X509_STORE_CTX_set_app_data(ctx, place) != 1)
		return false;
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	X509_STORE_CTX_set_verify_cb(ctx, note_fault);
	return true;
}

void
certificate_verify(X509_STORE *store, X509 *leaf, STACK_OF(X509) * chain,
    const char *host, struct certificate_verdict *verdict)
{
	struct finding_place place = { verdict, host };
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	memset(verdict, 0, sizeof *verdict);
	if (ctx == NULL || X509_STORE_CTX_init(ctx, store, leaf, chain) != 1 ||
	    !prepare(ctx, &place) || X509_verify_cert(ctx) != 1) {
		/* With our callback only what stops the whole says so. */
		if (verdict->faults == 0)
			(void)snprintf(verdict->detail, sizeof verdict->detail,
			    "the chain could not be verified");
		verdict->faults |= CERTIFICATE_NOT_TRUSTED;
	}
	X509_STORE_CTX_free(ctx);
}
