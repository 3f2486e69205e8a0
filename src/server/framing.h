/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether it is beyond doubt where a request ends. evhttp takes the first of two lengths, and a coding of which "chunked" is
 * but a part; a proxy before us may have taken the other: then one client's request would be answered to another.
 */
#ifndef TP_SERVER_FRAMING_H
#define TP_SERVER_FRAMING_H

#include <event2/http.h>
#include <stdbool.h>

/* RFC 9112 §5.1, §6.1, §6.3. After one that is not, its connection is not to be read any further. */
bool tp_framing_is_clear(struct evhttp_request *request);

#endif
