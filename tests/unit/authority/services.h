/* SPDX-License-Identifier: Apache-2.0
 *
 * The PKI on loopback of tests/integration/authority_services.py, for unit tests: a process that evaluates what it is
 * told.
 */
#ifndef TEST_AUTHORITY_SERVICES_H
#define TEST_AUTHORITY_SERVICES_H

#include "base/bytes.h"

void services_start(void);
void services_stop(void);
/* What the expression comes to, until the next call: services_ask("services.asked('ocsp/%s')", name). Fails the test
 * when it is none. */
const char *services_ask(const char *format, ...) TP_PRINTF(1, 2);
long long services_number(const char *format, ...) TP_PRINTF(1, 2);
/* The file whose path the expression comes to; appended. */
void services_file(struct tp_buf *ret_bytes, const char *format, ...) TP_PRINTF(2, 3);
/* The same for a PEM certificate, in DER. */
struct tp_buf services_certificate(const char *format, ...) TP_PRINTF(1, 2);

#endif
