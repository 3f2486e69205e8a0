/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/operation.h"
#include "ipc/messages.pb-c.h"

/* protoc-c writes HelloRequest as hello_request in names of objects, which no macro can do. */
#define OF_AcceptRequest        (&tp__ipc__accept_request__descriptor)
#define OF_ApprovalListReply    (&tp__ipc__approval_list_reply__descriptor)
#define OF_ApprovalRequest      (&tp__ipc__approval_request__descriptor)
#define OF_AuditListReply       (&tp__ipc__audit_list_reply__descriptor)
#define OF_AuditListRequest     (&tp__ipc__audit_list_request__descriptor)
#define OF_AuthorisationReply   (&tp__ipc__authorisation_reply__descriptor)
#define OF_AuthorisationRequest (&tp__ipc__authorisation_request__descriptor)
#define OF_CertificateRequest   (&tp__ipc__certificate_request__descriptor)
#define OF_CheckpointReply      (&tp__ipc__checkpoint_reply__descriptor)
#define OF_CrlReply             (&tp__ipc__crl_reply__descriptor)
#define OF_CrlRequest           (&tp__ipc__crl_request__descriptor)
#define OF_CsrRequest           (&tp__ipc__csr_request__descriptor)
#define OF_DerReply             (&tp__ipc__der_reply__descriptor)
#define OF_DoctorReply          (&tp__ipc__doctor_reply__descriptor)
#define OF_Empty                (&tp__ipc__empty__descriptor)
#define OF_EnrolConfirmRequest  (&tp__ipc__enrol_confirm_request__descriptor)
#define OF_EnrolReply           (&tp__ipc__enrol_reply__descriptor)
#define OF_EnrolRequest         (&tp__ipc__enrol_request__descriptor)
#define OF_EventsReply          (&tp__ipc__events_reply__descriptor)
#define OF_EventsRequest        (&tp__ipc__events_request__descriptor)
#define OF_ExplainReply         (&tp__ipc__explain_reply__descriptor)
#define OF_ExplainRequest       (&tp__ipc__explain_request__descriptor)
#define OF_Factor               (&tp__ipc__factor__descriptor)
#define OF_FactorAddRequest     (&tp__ipc__factor_add_request__descriptor)
#define OF_FactorListReply      (&tp__ipc__factor_list_reply__descriptor)
#define OF_FactorRequest        (&tp__ipc__factor_request__descriptor)
#define OF_HelloReply           (&tp__ipc__hello_reply__descriptor)
#define OF_HelloRequest         (&tp__ipc__hello_request__descriptor)
#define OF_KeyChangeRequest     (&tp__ipc__key_change_request__descriptor)
#define OF_KeyGenerateRequest   (&tp__ipc__key_generate_request__descriptor)
#define OF_KeyImportRequest     (&tp__ipc__key_import_request__descriptor)
#define OF_KeyReply             (&tp__ipc__key_reply__descriptor)
#define OF_KeyRequest           (&tp__ipc__key_request__descriptor)
#define OF_ListRequest          (&tp__ipc__list_request__descriptor)
#define OF_LoginReply           (&tp__ipc__login_reply__descriptor)
#define OF_LoginRequest         (&tp__ipc__login_request__descriptor)
#define OF_LogoutRequest        (&tp__ipc__logout_request__descriptor)
#define OF_ObjectReply          (&tp__ipc__object_reply__descriptor)
#define OF_ObjectRequest        (&tp__ipc__object_request__descriptor)
#define OF_ObjectsReply         (&tp__ipc__objects_reply__descriptor)
#define OF_ObjectsRequest       (&tp__ipc__objects_request__descriptor)
#define OF_PinChangeRequest     (&tp__ipc__pin_change_request__descriptor)
#define OF_PinInitReply         (&tp__ipc__pin_init_reply__descriptor)
#define OF_PinInitRequest       (&tp__ipc__pin_init_request__descriptor)
#define OF_SettingsReply        (&tp__ipc__settings_reply__descriptor)
#define OF_SignReply            (&tp__ipc__sign_reply__descriptor)
#define OF_SignRequest          (&tp__ipc__sign_request__descriptor)
#define OF_StatusReply          (&tp__ipc__status_reply__descriptor)
#define OF_TimestampRequest     (&tp__ipc__timestamp_request__descriptor)
#define OF_TokenInitReply       (&tp__ipc__token_init_reply__descriptor)
#define OF_TokenInitRequest     (&tp__ipc__token_init_request__descriptor)
#define OF_TokenReply           (&tp__ipc__token_reply__descriptor)
#define OF_TokenRequest         (&tp__ipc__token_request__descriptor)
#define OF_TsaCertificateRequest (&tp__ipc__tsa_certificate_request__descriptor)
#define OF_TsaCsrRequest        (&tp__ipc__tsa_csr_request__descriptor)
#define OF_TsaKeyReply          (&tp__ipc__tsa_key_reply__descriptor)
#define OF_TsaKeyRequest        (&tp__ipc__tsa_key_request__descriptor)
#define OF_UserAddReply         (&tp__ipc__user_add_reply__descriptor)
#define OF_UserAddRequest       (&tp__ipc__user_add_request__descriptor)
#define OF_UserListReply        (&tp__ipc__user_list_reply__descriptor)
#define OF_UserRequest          (&tp__ipc__user_request__descriptor)

enum row {
#define ROW_ENUM(name, number, words, request, reply, most, secrets) ROW_##name,
    TP_IPC_OPERATIONS(ROW_ENUM)
#undef ROW_ENUM
        ROW_COUNT
};

static const struct tp_ipc_operation rows[ROW_COUNT] = {
#define ROW(name, number, words, request, reply, most, secrets)                                                        \
    {TP_OP_##name, words, OF_##request, OF_##reply, most, secrets},
    TP_IPC_OPERATIONS(ROW)
#undef ROW
};

/* Row of a number, plus one: 0 is none. */
static const unsigned char row_of_number[TP_IPC_OP_END] = {
#define ROW_NUMBER(name, number, words, request, reply, most, secrets) [number] = ROW_##name + 1,
    TP_IPC_OPERATIONS(ROW_NUMBER)
#undef ROW_NUMBER
};

_Static_assert(ROW_COUNT < 255, "a row's place fits in a byte");

const struct tp_ipc_operation *tp_ipc_operation(unsigned number)
{
    if (number >= TP_IPC_OP_END || row_of_number[number] == 0)
        return NULL;
    return &rows[row_of_number[number] - 1];
}

size_t tp_ipc_operations_len(void)
{
    return ROW_COUNT;
}

const struct tp_ipc_operation *tp_ipc_operation_at(size_t index)
{
    return index < ROW_COUNT ? &rows[index] : NULL;
}
