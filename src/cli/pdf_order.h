/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of `pdf sign` as an order.
 */
#ifndef TP_CLI_PDF_ORDER_H
#define TP_CLI_PDF_ORDER_H

#include "cli/cli.h"
#include "pades/sign.h"

struct tp_cli_pdf_order {
    struct tp_pades_order order; /* without hash and password */
    struct tp_pades_visible visible;
    const char *lock_names[TP_PADES_NAMES_MAX];
    struct tp_buf image, text; /* TEXT: with its \n as newlines */
};
/* LEVEL: what documents.conf says, where --level does not. Nothing is asked of anybody. */
TP_MUST_USE enum tp_rc tp_cli_pdf_order_read(struct tp_cli *cli, enum tp_pades_level level, struct tp_cli_pdf_order *order);
void tp_cli_pdf_order_clear(struct tp_cli_pdf_order *order);

#endif
