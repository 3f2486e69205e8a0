/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the page for people, in English and Japanese.
 */
#ifndef TP_PADES_REPORT_WORDS_H
#define TP_PADES_REPORT_WORDS_H

#include "pades/verify/verify.h"

/* clang-format off */
#define TP_PADES_WORDS(X) \
    X(title, "Verification of signatures", "署名の検証結果") \
    X(judged_at, "judged as of", "検証基準日時") \
    X(fingerprint, "SHA-256 of the file", "ファイルの SHA-256") \
    X(passed, "Valid", "有効") \
    X(failed, "Not valid", "無効") \
    X(indeterminate, "Cannot be decided", "判定できません") \
    X(not_signed, "Not signed", "署名されていません") \
    X(signature, "Signature", "署名") \
    X(certification, "Certification signature", "証明用署名（著者署名）") \
    X(document_stamp, "Document timestamp", "文書タイムスタンプ") \
    X(detached, "Detached signature", "分離署名") \
    X(signer, "Signed by", "署名者") \
    X(tsa, "Timestamp authority", "時刻認証局") \
    X(claimed, "Time, as the signer says", "署名日時（署名者の申告）") \
    X(stamped, "Time", "時刻") \
    X(proven, "Proven to have existed at", "存在が証明された日時") \
    X(reason, "Reason", "署名理由") \
    X(location, "Place", "署名場所") \
    X(contact, "Contact", "連絡先") \
    X(level, "Level reached", "到達レベル") \
    X(in_vain, "its timestamp is not proven", "タイムスタンプは証明されていません") \
    X(algorithm, "Algorithm", "アルゴリズム") \
    X(revision, "revision", "リビジョン") \
    X(signed_revision, "Signed revision", "署名対象のリビジョン") \
    X(page, "page", "ページ") \
    X(permission, "Later changes that it allows", "署名後に許可される変更") \
    X(docmdp_1, "none", "なし") \
    X(docmdp_2, "filling in forms, signing", "フォーム入力と署名") \
    X(docmdp_3, "comments, filling in forms, signing", "注釈、フォーム入力、署名") \
    X(locked, "Form fields that it locks", "この署名が固定するフォーム項目") \
    X(locked_all, "all", "すべて") \
    X(locked_but, "all but", "次を除くすべて") \
    X(changes, "Changes after signing", "署名後の変更") \
    X(nothing_after, "None: it covers the whole file.", "なし（ファイル全体が署名対象です）。") \
    X(no_changes, "None that anybody would see.", "表示に関わる変更はありません。") \
    X(allowed, "allowed", "許可されている") \
    X(allowed_warned, "allowed, but look at it", "許可されているが要確認") \
    X(not_allowed, "NOT allowed", "許可されていない") \
    X(nature_evidence, "evidence", "検証情報") \
    X(nature_timestamp, "timestamp", "タイムスタンプ") \
    X(nature_signature, "signature", "署名") \
    X(nature_form, "form", "フォーム") \
    X(nature_annotation, "comment", "注釈") \
    X(nature_metadata, "document properties", "文書のプロパティ") \
    X(nature_content, "content", "文書の内容") \
    X(stamps, "Timestamps over the signature", "署名タイムスタンプ") \
    X(chain, "Certificates", "証明書") \
    X(notes, "Notes", "備考") \
    X(footer, "Judged after ETSI EN 319 102-1. Times are UTC.", "ETSI EN 319 102-1 に基づく検証。時刻は協定世界時（UTC）です。")
/* clang-format on */

enum tp_pades_word {
#define TP_PADES_WORD_ENUM(name, english, japanese) TP_PADES_WORD_##name,
    TP_PADES_WORDS(TP_PADES_WORD_ENUM)
#undef TP_PADES_WORD_ENUM
        TP_PADES_WORD_COUNT
};
const char *tp_pades_word(enum tp_pades_word word, bool japanese);
enum tp_pades_word tp_pades_nature_word(enum tp_pades_nature nature);
/* tp_subindication_words in Japanese; "" for NONE. */
const char *tp_pades_sub_japanese(enum tp_subindication sub);

#endif
