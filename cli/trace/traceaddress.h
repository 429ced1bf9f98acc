/*
 * traceaddress: the addresses of this machine.
 */
#ifndef TRACEADDRESS_H
#define TRACEADDRESS_H

#include <stdbool.h>

#include "address.h"

/* Is it one of them? True too when nobody knows. */
bool traceaddress_is_ours(const struct address_ip *address);

#endif
