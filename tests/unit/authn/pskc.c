/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/otp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS     "xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\""
#define URN    "urn:ietf:params:xml:ns:keyprov:pskc:"
#define AES128 "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
#define HMAC1  "http://www.w3.org/2000/09/xmldsig#hmac-sha1"

/* The seed of all the RFC's examples. */
static const char seed[] = "12345678901234567890";

struct seen {
    struct tp_otp_token tokens[4]; /* without the seeds */
    size_t count;
    enum tp_rc answer;
};

static enum tp_rc see(void *context, const struct tp_otp_token *token)
{
    struct seen *seen = context;
    cr_assert(tp_bytes_equal(tp_secret_bytes(token->seed), tp_bytes_of_string(seed)), "token %zu", seen->count);
    cr_assert_lt(seen->count, 4);
    seen->tokens[seen->count] = *token;
    seen->tokens[seen->count++].seed = NULL;
    return seen->answer;
}

static enum tp_rc read_with(const char *file, struct tp_bytes key, const char *passphrase, struct seen *seen)
{
    struct tp_error error = {0};
    const enum tp_rc rc =
        tp_otp_pskc_read(tp_bytes_of_string(file), key, tp_bytes_of_string(passphrase), &error, see, seen);
    cr_assert_eq(error.rc, seen->answer != TP_OK ? TP_OK : rc, "the words go with the code: %s",
                 tp_error_words(&error));
    cr_assert_null(strstr(error.words, seed));
    return rc;
}

static enum tp_rc read_plain(const char *file, struct seen *seen)
{
    *seen = (struct seen){.count = 0};
    return read_with(file, TP_BYTES_NONE, NULL, seen);
}

/* ---- in the clear ---- */

static const char figure_5[] = /* after RFC 6030 figure 5 */
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<pskc:KeyContainer Version=\"1.0\" Id=\"exampleID1\" xmlns:pskc=\"urn:ietf:params:xml:ns:keyprov:pskc\">\n"
    "  <pskc:KeyPackage>\n"
    "    <pskc:DeviceInfo>\n"
    "      <pskc:Manufacturer>Manufacturer</pskc:Manufacturer>\n"
    "      <pskc:SerialNo>\n        987654321\n      </pskc:SerialNo>\n"
    "      <pskc:UserId>DC=example-bank,DC=net</pskc:UserId>\n"
    "    </pskc:DeviceInfo>\n"
    "    <pskc:CryptoModuleInfo><pskc:Id>CM_ID_001</pskc:Id></pskc:CryptoModuleInfo>\n"
    "    <pskc:Key Id=\"12345678\" Algorithm=\"" URN "hotp\">\n"
    "      <pskc:Issuer>Issuer</pskc:Issuer>\n"
    "      <pskc:AlgorithmParameters><pskc:ResponseFormat Length=\"8\" "
    "Encoding=\"DECIMAL\"/></pskc:AlgorithmParameters>\n"
    "      <pskc:Data>\n"
    "        <pskc:Secret><pskc:PlainValue>MTIzNDU2Nzg5MDEy\n   MzQ1Njc4OTA=\n  </pskc:PlainValue></pskc:Secret>\n"
    "        <pskc:Counter><pskc:PlainValue>42</pskc:PlainValue></pskc:Counter>\n"
    "      </pskc:Data>\n"
    "      <pskc:UserId>UID=jsmith,DC=example-bank,DC=net</pskc:UserId>\n"
    "    </pskc:Key>\n"
    "  </pskc:KeyPackage>\n"
    "</pskc:KeyContainer>\n";

Test(pskc, in_the_clear_gives_the_token)
{
    struct seen seen;
    cr_assert_eq(read_plain(figure_5, &seen), TP_OK);
    cr_assert_eq(seen.count, 1);
    const struct tp_otp_token *token = &seen.tokens[0];
    cr_assert_str_eq(token->serial, "987654321");
    cr_assert_str_eq(token->manufacturer, "Manufacturer");
    cr_assert_eq(token->params.kind, TP_OTP_HOTP);
    cr_assert_eq(token->params.algorithm, TP_OTP_SHA1);
    cr_assert_eq(token->params.digits, 8);
    cr_assert_eq(token->counter, 42);
}

/* A container around packages, a package around the inner parts of a Key, which have the usual ones as defaults. */
static char *container(const char *head, const char *packages)
{
    char *file = NULL;
    cr_assert_gt(asprintf(&file, "<KeyContainer Version=\"1.0\" " NS ">%s%s</KeyContainer>", head, packages), 0);
    return file;
}

#define FORMAT "<ResponseFormat Length=\"6\" Encoding=\"DECIMAL\"/>"
#define SECRET "<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>"

static char *package(const char *algorithm, const char *parameters, const char *data)
{
    char *text = NULL;
    cr_assert_gt(asprintf(&text,
                          "<KeyPackage><DeviceInfo><SerialNo>1</SerialNo></DeviceInfo><Key Id=\"1\" Algorithm=\"%s\">"
                          "<AlgorithmParameters>%s</AlgorithmParameters><Data>%s</Data></Key></KeyPackage>",
                          algorithm, parameters, data),
                 0);
    return text;
}

static enum tp_rc read_one(const char *algorithm, const char *parameters, const char *data, struct seen *seen)
{
    char *one = package(algorithm, parameters, data), *file = container("", one);
    const enum tp_rc rc = read_plain(file, seen);
    free(one), free(file);
    return rc;
}

Test(pskc, of_totp_gives_hash_and_period)
{
    static const struct {
        const char *parameters, *data;
        enum tp_otp_algorithm algorithm;
        unsigned period_s;
    } rows[] = {
        {FORMAT, SECRET "<Time><PlainValue>0</PlainValue></Time>", TP_OTP_SHA1, 30},
        {FORMAT, SECRET "<TimeInterval><PlainValue>60</PlainValue></TimeInterval>", TP_OTP_SHA1, 60},
        {"<Suite>HMAC-SHA256</Suite>" FORMAT, SECRET, TP_OTP_SHA256, 30},
        {"<Suite>SHA-512</Suite>" FORMAT, SECRET, TP_OTP_SHA512, 30},
        {"<Suite>sha1</Suite>" FORMAT, SECRET, TP_OTP_SHA1, 30},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen seen;
        cr_assert_eq(read_one(URN "totp", rows[i].parameters, rows[i].data, &seen), TP_OK, "row %zu", i);
        cr_assert_eq(seen.tokens[0].params.kind, TP_OTP_TOTP);
        cr_assert_eq(seen.tokens[0].params.algorithm, rows[i].algorithm);
        cr_assert_eq(seen.tokens[0].params.period_s, rows[i].period_s);
        cr_assert_eq(seen.tokens[0].params.digits, 6);
    }
}

Test(pskc, of_anything_else_is_refused_with_the_reason)
{
    static const struct {
        const char *algorithm, *parameters, *data;
        enum tp_rc rc;
    } rows[] = {
        {URN "hotp", FORMAT, SECRET, TP_OK},
        {URN "pin", FORMAT, SECRET, TP_UNSUPPORTED},
        {"urn:ietf:params:xml:ns:keyprov:pskc#OCRA-1", FORMAT, SECRET, TP_UNSUPPORTED},
        {"", FORMAT, SECRET, TP_UNSUPPORTED},
        {URN "hotp", "<Suite>HMAC-SHA256</Suite>" FORMAT, SECRET, TP_UNSUPPORTED},
        {URN "totp", "<Suite>HMAC-MD5</Suite>" FORMAT, SECRET, TP_UNSUPPORTED},
        {URN "totp", "", SECRET, TP_UNSUPPORTED},
        {URN "totp", "<ResponseFormat Length=\"6\" Encoding=\"HEXADECIMAL\"/>", SECRET, TP_UNSUPPORTED},
        {URN "totp", "<ResponseFormat Length=\"6\" Encoding=\"DECIMAL\" CheckDigits=\"true\"/>", SECRET,
         TP_UNSUPPORTED},
        {URN "totp", "<ResponseFormat Length=\"6\" Encoding=\"DECIMAL\" CheckDigits=\"false\"/>", SECRET, TP_OK},
        {URN "totp", "<ResponseFormat Length=\"x\" Encoding=\"DECIMAL\"/>", SECRET, TP_MALFORMED},
        {URN "totp", "<ResponseFormat Length=\"-6\" Encoding=\"DECIMAL\"/>", SECRET, TP_MALFORMED},
        {URN "totp", "<ResponseFormat Length=\"4294967302\" Encoding=\"DECIMAL\"/>", SECRET, TP_MALFORMED},
        {URN "totp", "<ResponseFormat Length=\"10\" Encoding=\"DECIMAL\"/>", SECRET, TP_BAD_ARGUMENT},
        {URN "totp", "<ChallengeFormat Encoding=\"DECIMAL\" Min=\"6\" Max=\"6\"/>" FORMAT, SECRET, TP_UNSUPPORTED},
        {URN "totp", FORMAT, SECRET "<Time><PlainValue>5</PlainValue></Time>", TP_UNSUPPORTED},
        {URN "totp", FORMAT, SECRET "<TimeInterval><PlainValue>1</PlainValue></TimeInterval>", TP_BAD_ARGUMENT},
        {URN "totp", FORMAT, SECRET "<TimeInterval><PlainValue>x</PlainValue></TimeInterval>", TP_MALFORMED},
        {URN "hotp", FORMAT, SECRET "<Counter><PlainValue>-1</PlainValue></Counter>", TP_MALFORMED},
        {URN "hotp", FORMAT, SECRET "<Counter><PlainValue>99999999999999999999</PlainValue></Counter>", TP_MALFORMED},
        {URN "hotp", FORMAT, SECRET "<Counter><EncryptedValue/></Counter>", TP_UNSUPPORTED},
        {URN "hotp", FORMAT, "", TP_MALFORMED},
        {URN "hotp", FORMAT, "<Secret/>", TP_MALFORMED},
        {URN "hotp", FORMAT, "<Secret><PlainValue/></Secret>", TP_MALFORMED},
        {URN "hotp", FORMAT, "<Secret><PlainValue>MTIz</PlainValue></Secret>", TP_BAD_ARGUMENT},
        {URN "hotp", FORMAT, "<Secret><PlainValue>MTIz*</PlainValue></Secret>", TP_MALFORMED},
        {URN "hotp", FORMAT, "<Secret><PlainValue>MT=z</PlainValue></Secret>", TP_MALFORMED},
        {URN "hotp", FORMAT, "<Secret><PlainValue>====</PlainValue></Secret>", TP_MALFORMED},
        {URN "hotp", FORMAT, SECRET SECRET, TP_MALFORMED},
        {URN "hotp", FORMAT FORMAT, SECRET, TP_MALFORMED},
        {URN "hotp", FORMAT, "<Secret><PlainValue>MTIz<b/>NDU2</PlainValue></Secret>", TP_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen seen;
        cr_assert_eq(read_one(rows[i].algorithm, rows[i].parameters, rows[i].data, &seen), rows[i].rc, "row %zu", i);
        cr_assert_eq(seen.count, rows[i].rc == TP_OK);
    }
}

Test(pskc, of_many_tokens_gives_each_until_the_caller_has_enough)
{
    char *a = package(URN "totp", FORMAT, SECRET), *b = package(URN "hotp", FORMAT, SECRET), *both = NULL;
    cr_assert_gt(asprintf(&both, "%s%s", a, b), 0);
    char *file = container("", both);
    struct seen seen;
    cr_assert_eq(read_plain(file, &seen), TP_OK);
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(seen.tokens[0].params.kind, TP_OTP_TOTP);
    cr_assert_eq(seen.tokens[1].params.kind, TP_OTP_HOTP);
    seen = (struct seen){.answer = TP_EXISTS};
    cr_assert_eq(read_with(file, TP_BYTES_NONE, NULL, &seen), TP_EXISTS);
    cr_assert_eq(seen.count, 1);
    free(a), free(b), free(both), free(file);
}

/* ---- XML ---- */

Test(pskc, that_is_hostile_or_broken_xml_is_refused)
{
    static const char *const files[] = {
        "",
        "x",
        "<KeyContainer/>",
        "<KeyContainer Version=\"1.0\" " NS ">",
        "<a " NS "/>",
        "<KeyContainer Version=\"1.0\" xmlns=\"urn:other\"/>",
        "<!DOCTYPE KeyContainer [<!ENTITY a \"b\">]><KeyContainer Version=\"1.0\" " NS "/>",
        "<!DOCTYPE KeyContainer SYSTEM \"file:///etc/passwd\"><KeyContainer Version=\"1.0\" " NS "/>",
        "<KeyContainer Version=\"1.0\" " NS "><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
    };
    struct seen seen;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        cr_assert_eq(read_plain(files[i], &seen), TP_MALFORMED, "file %zu", i);
    cr_assert_eq(read_plain("<KeyContainer Version=\"1.0\" " NS "/>", &seen), TP_NOT_FOUND);
}

/* libpskc 2.6.7 crashes at each of these. */
Test(pskc, with_empty_elements_and_attributes_is_judged_not_crashed_at)
{
    struct seen seen;
    char *file = container("", "<KeyPackage><DeviceInfo><Manufacturer/></DeviceInfo></KeyPackage>");
    cr_assert_eq(read_plain(file, &seen), TP_UNSUPPORTED);
    free(file);
    cr_assert_eq(read_one(URN "hotp", "<ResponseFormat Length=\"\" Encoding=\"\"/>", SECRET, &seen), TP_UNSUPPORTED);
}

Test(pskc, of_another_version_is_refused)
{
    char *one = package(URN "hotp", FORMAT, SECRET), *file = container("", one);
    struct seen seen;
    cr_assert_eq(read_plain(file, &seen), TP_OK);
    *strstr(file, "1.0") = '2';
    cr_assert_eq(read_plain(file, &seen), TP_UNSUPPORTED);
    free(one), free(file);
}

Test(pskc, with_values_or_a_size_past_the_limits_is_refused)
{
    char value[600], *data = NULL, *large = malloc((1 << 20) + 2);
    struct seen seen;
    memset(value, 'A', sizeof value);
    value[599] = '\0';
    cr_assert_gt(asprintf(&data, "<Secret><PlainValue>%s</PlainValue></Secret>", value), 0);
    cr_assert_eq(read_one(URN "hotp", FORMAT, data, &seen), TP_TOO_LARGE);
    free(data);
    memset(large, ' ', (1 << 20) + 1);
    large[(1 << 20) + 1] = '\0';
    cr_assert_eq(read_plain(large, &seen), TP_TOO_LARGE);
    free(large);
}

/* ---- encrypted ---- */

#define CIPHER(value)                                                                                                  \
    "<xenc:EncryptionMethod Algorithm=\"" AES128 "\"/><xenc:CipherData><xenc:CipherValue>\n  " value                   \
    "\n</xenc:CipherValue></xenc:CipherData>"

/* The values of RFC 6030 figures 6 (§6.1, pre-shared key) and 7 (§6.2, passphrase), in a file of our own. */
static char *encrypted(const char *key, const char *mac_key, const char *secret, const char *mac)
{
    char *file = NULL;
    cr_assert_gt(asprintf(&file,
                          "<KeyContainer Version=\"1.0\" " NS " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\""
                          " xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\""
                          " xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\""
                          " xmlns:pkcs5=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#\">"
                          "<EncryptionKey>%s</EncryptionKey>%s<KeyPackage><DeviceInfo><SerialNo>987654321</SerialNo>"
                          "</DeviceInfo><Key Id=\"1\" Algorithm=\"" URN "hotp\"><AlgorithmParameters>" FORMAT
                          "</AlgorithmParameters><Data><Secret><EncryptedValue>%s</EncryptedValue>%s</Secret></Data>"
                          "</Key></KeyPackage></KeyContainer>",
                          key, mac_key, secret, mac),
                 0);
    return file;
}

#define PSK_NAME   "<ds:KeyName>Pre-shared-key</ds:KeyName>"
#define MAC_OF(v)  "<MACMethod Algorithm=\"" HMAC1 "\"><MACKey>" CIPHER(v) "</MACKey></MACMethod>"
#define PSK_MACKEY MAC_OF("ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX")
#define PSK_SECRET CIPHER("AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv")
#define PSK_MAC    "<ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=\n</ValueMAC>"

static const uint8_t psk[] = {0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56,
                              0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12};

static enum tp_rc read_encrypted(const char *key, const char *mac_key, const char *secret, const char *mac,
                                 struct tp_bytes psk_given, const char *passphrase)
{
    char *file = encrypted(key, mac_key, secret, mac);
    struct seen seen = {.count = 0};
    const enum tp_rc rc = read_with(file, psk_given, passphrase, &seen);
    cr_assert_eq(seen.count, rc == TP_OK);
    free(file);
    return rc;
}

Test(pskc, encrypted_with_the_pre_shared_key_of_rfc_6030_figure_6_gives_its_seed)
{
    const struct tp_bytes key = TP_BYTES(psk, sizeof psk);
    cr_assert_eq(read_encrypted(PSK_NAME, PSK_MACKEY, PSK_SECRET, PSK_MAC, key, NULL), TP_OK);
    cr_assert_eq(read_encrypted(PSK_NAME, "", PSK_SECRET, "", key, NULL), TP_OK, "a file without any MAC");
}

Test(pskc, encrypted_with_a_pre_shared_key_is_refused_with_a_wrong_one_or_none)
{
    uint8_t wrong[sizeof psk];
    memcpy(wrong, psk, sizeof psk);
    wrong[15] ^= 1;
    cr_assert_eq(read_encrypted(PSK_NAME, PSK_MACKEY, PSK_SECRET, PSK_MAC, TP_BYTES(wrong, 16), NULL), TP_PIN_WRONG);
    cr_assert_eq(read_encrypted(PSK_NAME, PSK_MACKEY, PSK_SECRET, PSK_MAC, TP_BYTES(psk, 15), NULL), TP_BAD_ARGUMENT);
    cr_assert_eq(read_encrypted(PSK_NAME, PSK_MACKEY, PSK_SECRET, PSK_MAC, TP_BYTES_NONE, NULL), TP_BAD_ARGUMENT);
    cr_assert_eq(read_encrypted(PSK_NAME, PSK_MACKEY, PSK_SECRET, PSK_MAC, TP_BYTES_NONE, "qwerty"), TP_BAD_ARGUMENT);
}

Test(pskc, encrypted_and_changed_is_refused)
{
    static const struct {
        const char *mac_key, *secret, *mac;
        enum tp_rc rc;
    } rows[] = {
        /* one bit of the IV, and so of the seed: only the MAC notices */
        {PSK_MACKEY, CIPHER("AQECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv"), PSK_MAC, TP_PIN_WRONG},
        {PSK_MACKEY, PSK_SECRET, "<ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExY=</ValueMAC>", TP_PIN_WRONG},
        {PSK_MACKEY, PSK_SECRET, "<ValueMAC>Su+NvtQfmvfJzF6b</ValueMAC>", TP_PIN_WRONG},
        {PSK_MACKEY, PSK_SECRET, "", TP_MALFORMED}, /* the MAC taken away */
        {PSK_MACKEY, PSK_SECRET, "<ValueMAC>*</ValueMAC>", TP_MALFORMED},
        {"", PSK_SECRET, PSK_MAC, TP_UNSUPPORTED}, /* the method taken away */
        {"<MACMethod Algorithm=\"urn:x\"/>", PSK_SECRET, PSK_MAC, TP_UNSUPPORTED},
        {"<MACMethod Algorithm=\"" HMAC1 "\"><MACKeyReference>x</MACKeyReference></MACMethod>", PSK_SECRET, PSK_MAC,
         TP_UNSUPPORTED},
        {"<MACMethod Algorithm=\"" HMAC1 "\"/>", PSK_SECRET, PSK_MAC, TP_PIN_WRONG}, /* then the key itself is meant */
        {MAC_OF("*"), PSK_SECRET, PSK_MAC, TP_MALFORMED},
        {"", CIPHER("AAECAwQFBgcICQoLDA0OD+cI"), "", TP_MALFORMED},
        {"", CIPHER("AAECAwQFBgcICQoLDA0ODw=="), "", TP_MALFORMED}, /* an IV, and nothing */
        {"", CIPHER("*"), "", TP_MALFORMED},
        {"",
         "<xenc:EncryptionMethod "
         "Algorithm=\"urn:x\"/><xenc:CipherData><xenc:CipherValue>AAECAwQFBgcICQoLDA0OD+cIHItlB3Wr"
         "a1DUpxVvOx0=</xenc:CipherValue></xenc:CipherData>",
         "", TP_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(
            read_encrypted(PSK_NAME, rows[i].mac_key, rows[i].secret, rows[i].mac, TP_BYTES(psk, sizeof psk), NULL),
            rows[i].rc, "row %zu", i);
}

#define KDF(method, params)                                                                                            \
    "<xenc11:DerivedKey><xenc11:KeyDerivationMethod Algorithm=\"" method "\"><pkcs5:PBKDF2-params>" params             \
    "</pkcs5:PBKDF2-params></xenc11:KeyDerivationMethod></xenc11:DerivedKey>"
#define PBKDF2     "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2"
#define SALT       "<Salt><Specified>Ej7/PEpyEpw=</Specified></Salt>"
#define PBE_KEY    KDF(PBKDF2, SALT "<IterationCount>1000</IterationCount><KeyLength>16</KeyLength><PRF/>")
#define PBE_MACKEY MAC_OF("2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx")
#define PBE_SECRET CIPHER("oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f")
#define PBE_MAC    "<ValueMAC>LP6xMvjtypbfT9PdkJhBZ+D6O4w=\n</ValueMAC>"

Test(pskc, encrypted_with_the_passphrase_of_rfc_6030_figure_7_gives_its_seed)
{
    cr_assert_eq(read_encrypted(PBE_KEY, PBE_MACKEY, PBE_SECRET, PBE_MAC, TP_BYTES_NONE, "qwerty"), TP_OK);
    cr_assert_eq(read_encrypted(KDF("http://www.w3.org/2009/xmlenc11#pbkdf2",
                                    SALT "<IterationCount>1000</IterationCount><PRF Algorithm=\"" HMAC1 "\"/>"),
                                PBE_MACKEY, PBE_SECRET, PBE_MAC, TP_BYTES_NONE, "qwerty"),
                 TP_OK, "the same, spelt out");
}

Test(pskc, encrypted_with_a_passphrase_is_refused_with_a_wrong_one_or_other_parameters)
{
    static const struct {
        const char *key, *passphrase;
        enum tp_rc rc;
    } rows[] = {
        {PBE_KEY, "Qwerty", TP_PIN_WRONG},
        {PBE_KEY, NULL, TP_BAD_ARGUMENT},
        {KDF("urn:x#scrypt", SALT "<IterationCount>1000</IterationCount>"), "qwerty", TP_UNSUPPORTED},
        {KDF("pbkdf2", SALT "<IterationCount>1000</IterationCount>"), "qwerty", TP_UNSUPPORTED},
        {KDF(PBKDF2, SALT "<IterationCount>1000</IterationCount><PRF Algorithm=\"urn:x\"/>"), "qwerty", TP_UNSUPPORTED},
        {KDF(PBKDF2, SALT "<IterationCount>1001</IterationCount>"), "qwerty", TP_PIN_WRONG},
        {KDF(PBKDF2, SALT "<IterationCount>0</IterationCount>"), "qwerty", TP_MALFORMED},
        {KDF(PBKDF2, SALT "<IterationCount>10000001</IterationCount>"), "qwerty", TP_MALFORMED},
        {KDF(PBKDF2, SALT), "qwerty", TP_MALFORMED},
        {KDF(PBKDF2, "<IterationCount>1000</IterationCount>"), "qwerty", TP_MALFORMED},
        {KDF(PBKDF2, SALT "<IterationCount>1000</IterationCount><KeyLength>15</KeyLength>"), "qwerty", TP_MALFORMED},
        {KDF(PBKDF2, SALT "<IterationCount>1000</IterationCount><KeyLength>33</KeyLength>"), "qwerty", TP_MALFORMED},
        {KDF(PBKDF2, SALT "<IterationCount>1000</IterationCount><KeyLength>32</KeyLength>"), "qwerty", TP_BAD_ARGUMENT},
        {"<ds:X509Data/>", "qwerty", TP_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(read_encrypted(rows[i].key, PBE_MACKEY, PBE_SECRET, PBE_MAC, TP_BYTES_NONE, rows[i].passphrase),
                     rows[i].rc, "row %zu", i);
}
