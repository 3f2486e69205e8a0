/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether it is beyond doubt where a request ends. evhttp takes the first of two lengths, and reads chunks of the size "0x3b" or
 * "+3b"; a proxy before us may have read them otherwise: then one client's request would be answered to another. Clients of a
 * timestamp authority know how long their request is, so that a length is all that is taken.
 */
#ifndef TP_SERVER_FRAMING_H
#define TP_SERVER_FRAMING_H

#include <event2/http.h>

#define TP_FRAMING_NO_LENGTH "say how long the request is: Content-Length" /* with 411 */

/* RFC 9112 §3.2, §5.1, §6.1, §6.3: the HTTP status that it is refused with, and words for people; 0: it is clear. */
int tp_framing_judge(struct evhttp_request *request, const char **ret_words);

#endif
