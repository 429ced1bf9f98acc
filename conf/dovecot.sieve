# Dovecot: hand TLS reports to tlsrpt from a Sieve script, of the user whose
# mailbox they come to. In dovecot.conf:
#
#   plugin {
#     sieve_plugins = sieve_extprograms
#     sieve_global_extensions = +vnd.dovecot.pipe
#     sieve_pipe_bin_dir = /usr/local/lib/dovecot/sieve-pipe
#     sieve_before = /etc/dovecot/tlsrpt.sieve
#   }
#
# and in that directory a link named tlsrpt to /usr/local/bin/tlsrpt. The user
# must own the archive; members of group tlsrpt-milter can only read it. So give
# it an ArchiveDirectory and a StateFile in a configuration of its own,
# ["ingest", "-c", "/etc/dovecot/tlsrpt.conf"], and that to "tlsrpt problems", too.

require ["copy", "envelope", "vnd.dovecot.pipe"];

if envelope :is "to" "tls-reports@example.com" {
	# Without ":copy", the mail is not kept in the mailbox as well.
	pipe :copy "tlsrpt" ["ingest"];
}
