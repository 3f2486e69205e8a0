/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates for benches, by the thousand: of a certification authority that lives as long as the process.
 */
#ifndef TP_BENCH_ISSUER_H
#define TP_BENCH_ISSUER_H

#include <openssl/x509.h>

/* A certificate for KEY, and nobody else's serial number. Ends the program when there is none to be had. */
X509 *bench_issue(EVP_PKEY *key, unsigned long serial);

#endif
