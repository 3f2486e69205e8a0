/* SPDX-License-Identifier: Apache-2.0
 *
 * What our own verifier thinks of what was just signed.
 */
#ifndef TP_TEST_PADES_AGREE_H
#define TP_TEST_PADES_AGREE_H

#include "pdf/document.h"

/* Whether it has anything to say of a document: it looks at every object, and damaged ones are not for it. */
bool pades_judges(struct tp_pdf_pool *pool, int fd, const struct tp_secret *password);
/* Whether the newest signature is intact and covers the whole file. */
bool pades_agrees(struct tp_pdf_pool *pool, int fd, const struct tp_secret *password);

#endif
