/* SPDX-License-Identifier: Apache-2.0
 *
 * A smart card in a reader, for tests with OpenSC: libcacard's CAC, whose keys and certificates are in an NSS database, at
 * the socket of pcscd's driver vpcd. What crosses that socket: two bytes of length, then an APDU, or one byte that says
 * what happens to the card.
 *
 * smart_card DATABASE PORT NICKNAME [NICKNAME [NICKNAME]]      until the other side closes
 */
#include <arpa/inet.h>
#include <libcacard.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum control { POWER_OFF = 0, POWER_ON = 1, RESET = 2, ATR = 4 };

#define MESSAGE_MOST 65535

static bool read_all(int fd, uint8_t *bytes, size_t len)
{
    for (ssize_t got; len > 0; bytes += got, len -= (size_t)got)
        if ((got = read(fd, bytes, len)) <= 0)
            return false;
    return true;
}

static bool write_message(int fd, const uint8_t *bytes, size_t len)
{
    uint8_t message[2 + MESSAGE_MOST] = {(uint8_t)(len >> 8), (uint8_t)len};
    memcpy(message + 2, bytes, len);
    return write(fd, message, 2 + len) == (ssize_t)(2 + len);
}

static int reader_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    perror("smart_card: vpcd");
    exit(1);
}

static VReader *card_insert(const char *database, char **nicknames)
{
    char options[1024];
    int len = snprintf(options, sizeof(options), "db=\"sql:%s\" use_hw=no soft=(,Virtual Reader,CAC,", database);
    for (; *nicknames != NULL && len < (int)sizeof(options); nicknames++)
        len += snprintf(options + len, sizeof(options) - (size_t)len, ",%s", *nicknames);
    if (len + 2 > (int)sizeof(options)) {
        fputs("smart_card: the names are too long\n", stderr);
        exit(2);
    }
    strcat(options, ")");
    VCardEmulOptions *parsed = vcard_emul_options(options);
    if (parsed == NULL || vcard_emul_init(parsed) != VCARD_EMUL_OK) {
        fprintf(stderr, "smart_card: no card from %s\n", options);
        exit(1);
    }
    VReaderList *readers = vreader_get_reader_list();
    VReader *reader = vreader_list_get_reader(vreader_list_get_first(readers));
    vreader_list_delete(readers);
    return reader;
}

/* The reader asks for the ATR all the time to see whether the card is there; that does not reset it. */
static bool card_control(int fd, VReader *reader, enum control control)
{
    static uint8_t atr[64];
    static int atr_len;
    if (control == POWER_OFF)
        return vreader_power_off(reader), true;
    if (control != ATR || atr_len == 0) {
        atr_len = sizeof(atr);
        if (vreader_power_on(reader, atr, &atr_len) != VREADER_OK)
            return false;
    }
    return control != ATR || write_message(fd, atr, (size_t)atr_len);
}

static bool card_answer(int fd, VReader *reader, uint8_t *apdu, size_t len)
{
    static uint8_t answer[MESSAGE_MOST];
    int answer_len = sizeof(answer);
    return vreader_xfr_bytes(reader, apdu, (int)len, answer, &answer_len) == VREADER_OK &&
           write_message(fd, answer, (size_t)answer_len);
}

int main(int count, char **words)
{
    static uint8_t message[MESSAGE_MOST];
    uint8_t head[2];
    bool going = true;
    if (count < 4) {
        fputs("smart_card DATABASE PORT NICKNAME…\n", stderr);
        return 2;
    }
    VReader *reader = card_insert(words[1], words + 3);
    int fd = reader_connect((uint16_t)atoi(words[2]));
    while (going && read_all(fd, head, sizeof(head))) {
        size_t len = (size_t)(head[0] << 8 | head[1]);
        going = read_all(fd, message, len) && (len == 1 ? card_control(fd, reader, message[0]) : card_answer(fd, reader, message, len));
    }
    close(fd);
    return going ? 0 : 1;
}
