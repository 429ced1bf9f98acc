/*
 * command: the subcommands of tlsrpt, each in a file of its own.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>

/*
 * Run a subcommand with its own argc and argv (argv[0] is its name). Returns
 * an exit status: of sysexits.h, but for what health and ready answer.
 */
int show_main(int argc, char **argv);
int explain_main(int argc, char **argv);
int record_main(int argc, char **argv);
int ingest_main(int argc, char **argv);
int reindex_main(int argc, char **argv);
int summary_main(int argc, char **argv);
int problems_main(int argc, char **argv);
int trace_main(int argc, char **argv);
int diagnose_main(int argc, char **argv);
int html_main(int argc, char **argv);
int health_main(int argc, char **argv);
int ready_main(int argc, char **argv);
int metrics_main(int argc, char **argv);
int prune_main(int argc, char **argv);

/*
 * Somebody has used a subcommand wrongly, and has been told how: say where
 * there is help. Returns the exit status.
 */
int command_misused(const char *name);

/*
 * Why a word is no domain name, to go behind "is": of what is often given in
 * its place it is said what it is. Static storage.
 */
const char *command_no_domain(const char *word);

/* Colour: standard output is a terminal, and NO_COLOR is not set. */
bool command_with_colour(void);

#endif
