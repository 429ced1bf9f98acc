#include "recordusage.h"

#define USAGE_CHECK                                                            \
	"tlsrpt record check [--domain=NAME] [--format=text|json] TEXT\n"
#define USAGE_LOOKUP                                                           \
	"tlsrpt record lookup [-c FILE] [--resolver=ADDR[@PORT]]...\n"         \
	"                     [--timeout=TIME] [--format=text|json] DOMAIN\n"
#define USAGE_MAKE                                                             \
	"tlsrpt record make [--domain=NAME] [--format=text|json]\n"            \
	"                     --rua=URI...\n"
#define USAGE_CHECK_STS                                                        \
	"tlsrpt record check-sts [-c FILE] [--resolver=ADDR[@PORT]]...\n"      \
	"                     [--ca-file=FILE] [--timeout=TIME]\n"             \
	"                     [--format=text|json] TEXT|FILE|DOMAIN\n"

#define DOMAIN "  --domain=NAME   whose record it is\n"
#define FORMAT "  --format=...    text for people, or json\n"
#define CONF                                                                   \
	"  -c FILE         for Resolver and TrustAnchorFile, instead of\n"     \
	"                  the configuration in its usual place\n"
#define RESOLVER                                                               \
	"  --resolver=...  ask this server instead of those configured\n"
#define TIMEOUT "  --timeout=TIME  for each step: 1s to 5m, else 20s\n"
#define CA_FILE "  --ca-file=FILE  CAs to trust instead of the system's\n"
#define RUA                                                                    \
	"  --rua=URI       mailto:user@domain or https://host/path; what\n"    \
	"                  must be encoded is\n"

#define STATUS                                                                 \
	"Exit status: 0 when it is valid; 1 for an error; 2 for warnings\n"    \
	"only"
#define USE "64 for wrong usage"

const char recordusage[] =
    "usage: " USAGE_CHECK "       " USAGE_LOOKUP "       " USAGE_MAKE
    "       " USAGE_CHECK_STS "\n"
    "The TXT record by which a domain asks for reports (RFC 8460, section 3),\n"
    "and those of MTA-STS (RFC 8461, section 3).\n"
    "\n"
    "  check      a record: each mistake with its place and how to mend it\n"
    "  lookup     the record of DOMAIN, as senders find it\n"
    "  make       write a record, as a line for a zone file\n"
    "  check-sts  the record or the policy file of MTA-STS, or both of DOMAIN\n"
    "\n"
    "\"tlsrpt record VERB --help\" says more of each.\n"
    "\n" DOMAIN FORMAT CONF RESOLVER CA_FILE TIMEOUT RUA "\n" STATUS
    " (make: 0 for those, too); 75 when it could not be looked\n"
    "up; 66 for a file that cannot be read, " USE ", 78 for a\n"
    "mistake in the configuration.\n";

const char recordusage_check[] =
    "usage: " USAGE_CHECK "\n"
    "Check the TXT record by which a domain asks for reports (RFC 8460,\n"
    "section 3): each mistake with its place and how to mend it. TEXT is the\n"
    "record itself, a whole line of a zone file with it, or \"-\" for "
    "standard\n"
    "input.\n"
    "\n" DOMAIN FORMAT "\n" STATUS "; 66 for input that cannot be read, " USE
    ".\n";

const char recordusage_lookup[] =
    "usage: " USAGE_LOOKUP "\n"
    "Look up the TXT record by which DOMAIN asks for reports (RFC 8460,\n"
    "section 3), as senders find it, and check it.\n"
    "\n" CONF RESOLVER TIMEOUT FORMAT "\n" STATUS
    "; 75 when it could not be looked up;\n" USE
    ", 78 for a mistake in the configuration.\n";

const char recordusage_make[] =
    "usage: " USAGE_MAKE "\n"
    "Write the TXT record by which a domain asks for reports (RFC 8460,\n"
    "section 3), as a line for a zone file.\n"
    "\n" RUA DOMAIN FORMAT "\n"
    "Exit status: 0 when it was written, 1 when it would not be valid;\n" USE
    ".\n";

const char recordusage_check_sts[] =
    "usage: " USAGE_CHECK_STS "\n"
    "Check MTA-STS (RFC 8461, section 3). What begins with \"v=\", or is a "
    "line\n"
    "of a zone file, is the record; else what has a \"/\" in it, ends in "
    ".txt,\n"
    "is a file, or \"-\", the policy file; else DOMAIN, whose record and "
    "policy\n"
    "are looked up. A file is written ./NAME, a domain NAME. where both could\n"
    "be meant.\n"
    "\n" CONF RESOLVER CA_FILE TIMEOUT FORMAT "\n" STATUS
    "; 75 when it could not be looked up;\n"
    "66 for a file that cannot be read, " USE ", 78 for a mistake in\n"
    "the configuration.\n";
