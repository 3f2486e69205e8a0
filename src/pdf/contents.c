/* SPDX-License-Identifier: Apache-2.0
 *
 * /Contents of signatures in encrypted documents. It is not encrypted (ISO 32000-2 §7.6.2); QPDF knows that when /Type is Sig,
 * and decrypts it into nonsense when it is DocTimeStamp or, as is allowed, not there. So it is taken from where /ByteRange says
 * that it lies: who verifies the signature demands that anyway.
 */
#include "pdf/internal.h"
#include "pdf/reader.h"

static long long range_item(struct tp_pdf_reader *reader, qpdf_oh range, int index)
{
    qpdf_oh item = qpdf_oh_get_array_item(reader->qpdf, range, index);
    const long long number = qpdf_oh_is_integer(reader->qpdf, item) ? qpdf_oh_get_int_value(reader->qpdf, item) : -1;
    qpdf_oh_release(reader->qpdf, item);
    return number;
}

/* What /ByteRange leaves out, when that is a string in hex. */
static struct tp_bytes find_gap(struct tp_pdf_reader *reader, qpdf_oh range)
{
    if (!qpdf_oh_is_array(reader->qpdf, range) || qpdf_oh_get_array_n_items(reader->qpdf, range) != 4)
        return TP_BYTES_NONE;
    const long long from = range_item(reader, range, 1), to = range_item(reader, range, 2);
    if (from < 0 || to < from + 2 || (unsigned long long)to > reader->file.len)
        return TP_BYTES_NONE;
    const struct tp_bytes gap = TP_BYTES(reader->file.data + from, (size_t)(to - from));
    return gap.data[0] == '<' && gap.data[gap.len - 1] == '>' ? gap : TP_BYTES_NONE;
}

static bool is_signature(struct tp_pdf_reader *reader, qpdf_oh dictionary)
{
    return qpdf_is_encrypted(reader->qpdf) && qpdf_oh_has_key(reader->qpdf, dictionary, "/ByteRange") &&
           !qpdf_oh_is_dictionary_of_type(reader->qpdf, dictionary, "/Sig", "");
}

bool tp_pdf_reader_contents(struct tp_pdf_reader *reader, qpdf_oh dictionary, struct tp_buf *ret_contents)
{
    if (!is_signature(reader, dictionary))
        return false;
    qpdf_oh range = qpdf_oh_get_key(reader->qpdf, dictionary, "/ByteRange");
    const struct tp_bytes gap = find_gap(reader, range);
    qpdf_oh_release(reader->qpdf, range);
    return gap.len > 2 && tp_hex_decode((const char *)gap.data + 1, gap.len - 2, ret_contents) == TP_OK;
}
