/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/report/words.h"

const char *tp_pades_word(enum tp_pades_word word, bool japanese)
{
    static const char *const words[][2] = {
#define WORD(name, english, japanese) {english, japanese},
        TP_PADES_WORDS(WORD)
#undef WORD
    };
    return words[word][japanese];
}

enum tp_pades_word tp_pades_nature_word(enum tp_pades_nature nature)
{
    static const enum tp_pades_word words[] = {
        [TP_PADES_CHANGE_EVIDENCE] = TP_PADES_WORD_nature_evidence,     [TP_PADES_CHANGE_TIMESTAMP] = TP_PADES_WORD_nature_timestamp,
        [TP_PADES_CHANGE_SIGNATURE] = TP_PADES_WORD_nature_signature,   [TP_PADES_CHANGE_FORM] = TP_PADES_WORD_nature_form,
        [TP_PADES_CHANGE_ANNOTATION] = TP_PADES_WORD_nature_annotation, [TP_PADES_CHANGE_METADATA] = TP_PADES_WORD_nature_metadata,
        [TP_PADES_CHANGE_CONTENT] = TP_PADES_WORD_nature_content};
    return words[nature];
}

const char *tp_pades_sub_japanese(enum tp_subindication sub)
{
    static const char *const words[TP_SUB_COUNT] = {
        [TP_SUB_NONE] = "",
        [TP_SUB_FORMAT_FAILURE] = "署名の形式または署名後の変更が規定に反しています。",
        [TP_SUB_HASH_FAILURE] = "署名対象が改変されています。",
        [TP_SUB_SIG_CRYPTO_FAILURE] = "署名値が署名者の鍵と一致しません。",
        [TP_SUB_REVOKED] = "署名者の証明書は失効していました。",
        [TP_SUB_EXPIRED] = "証明書の有効期限後に署名されています。",
        [TP_SUB_NOT_YET_VALID] = "証明書の有効期間前に署名されています。",
        [TP_SUB_SIG_CONSTRAINTS_FAILURE] = "署名に必要な要素が欠けています。",
        [TP_SUB_CHAIN_CONSTRAINTS_FAILURE] = "証明書チェーンが規則に反しています。",
        [TP_SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE] = "証明書チェーンを検証できませんでした。",
        [TP_SUB_CRYPTO_CONSTRAINTS_FAILURE] = "アルゴリズムまたは鍵の強度が不足しています。",
        [TP_SUB_POLICY_PROCESSING_ERROR] = "署名ポリシーを処理できませんでした。",
        [TP_SUB_SIGNATURE_POLICY_NOT_AVAILABLE] = "署名ポリシーがありません。",
        [TP_SUB_TIMESTAMP_ORDER_FAILURE] = "タイムスタンプの順序が矛盾しています。",
        [TP_SUB_NO_SIGNING_CERTIFICATE_FOUND] = "署名者の証明書がありません。",
        [TP_SUB_NO_CERTIFICATE_CHAIN_FOUND] = "信頼する認証局までの証明書チェーンがありません。",
        [TP_SUB_REVOKED_NO_POE] = "証明書は失効しており、失効前の署名であることが証明されていません。",
        [TP_SUB_REVOKED_CA_NO_POE] = "認証局の証明書が失効しており、失効前の署名であることが証明されていません。",
        [TP_SUB_OUT_OF_BOUNDS_NOT_REVOKED] = "証明書は期限切れで、期限前の署名であることが証明されていません。",
        [TP_SUB_OUT_OF_BOUNDS_NO_POE] = "証明書は有効期間外で、署名日時が証明されていません。",
        [TP_SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE] = "失効情報が有効期間外です。",
        [TP_SUB_CRYPTO_CONSTRAINTS_FAILURE_NO_POE] = "アルゴリズムの強度が現在は不足しており、以前の署名であることが証明されていません。",
        [TP_SUB_NO_POE] = "当時存在していたことが証明されていません。",
        [TP_SUB_TRY_LATER] = "失効情報がないか、十分に新しくありません。",
        [TP_SUB_SIGNED_DATA_NOT_FOUND] = "署名対象がありません。",
        [TP_SUB_CUSTOM] = "説明をご覧ください。",
    };
    return words[sub] == NULL ? "" : words[sub];
}
