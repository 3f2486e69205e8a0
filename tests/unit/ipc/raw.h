/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol by hand, for saying what no proper client or server would.
 */
#ifndef RAW_H
#define RAW_H

#include "base/bytes.h"
#include "ipc/frame.h"
#include "ipc/messages.pb-c.h"
#include "ipc/operation.h"

#include <sys/types.h>

int raw_connect(const char *path);
int raw_connect_as(const char *path, uid_t uid); /* of another: needs root */
int raw_listen(const char *path);
int raw_accept(int listen_fd);
/* A frame with lengths as given in HEADER, whatever follows really is. */
void raw_send(int fd, struct tp_ipc_header header, struct tp_bytes rest);
void raw_send_bytes(int fd, struct tp_bytes bytes);
void raw_ask(int fd, enum tp_ipc_op op, uint32_t number, const ProtobufCMessage *message);
void raw_ask_empty(int fd, enum tp_ipc_op op, uint32_t number);
/* Says HELLO and reads the greeting; the code in it. */
enum tp_rc raw_hello(int fd, uint32_t protocol);
/* The next frame; its body goes into BODY (may be NULL), which is cleared first. False: the connection has ended. */
bool raw_read(int fd, int reply, struct tp_ipc_header *ret_header, struct tp_buf *body);
/* A whole round trip with TOKEN: whether the connection is served. */
bool raw_is_served(int fd);
bool raw_is_silent(int fd, int for_ms); /* nothing comes, and it is not closed */
bool raw_is_closed(int fd); /* waits for the end, dropping what comes before */

#endif
