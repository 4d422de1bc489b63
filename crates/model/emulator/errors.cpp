// Names and explanations of errors.
#include "api.h"

namespace {

struct Explained {
    CUresult error;
    const char* name;
    const char* text;
};

#define EXPLAINED(error, text) {error, #error, text}
constexpr Explained ERRORS[] = {
    EXPLAINED(CUDA_SUCCESS, "no error"),
    EXPLAINED(CUDA_ERROR_INVALID_VALUE, "invalid argument"),
    EXPLAINED(CUDA_ERROR_OUT_OF_MEMORY, "out of memory"),
    EXPLAINED(CUDA_ERROR_NOT_INITIALIZED, "initialization error"),
    EXPLAINED(CUDA_ERROR_NO_DEVICE, "no CUDA-capable device is detected"),
    EXPLAINED(CUDA_ERROR_INVALID_DEVICE, "invalid device ordinal"),
    EXPLAINED(CUDA_ERROR_INVALID_CONTEXT, "invalid device context"),
    EXPLAINED(CUDA_ERROR_INVALID_PTX, "a PTX JIT compilation failed"),
    EXPLAINED(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "the provided PTX was compiled with an unsupported toolchain."),
    EXPLAINED(CUDA_ERROR_FILE_NOT_FOUND, "file not found"),
    EXPLAINED(CUDA_ERROR_INVALID_HANDLE, "invalid resource handle"),
    EXPLAINED(CUDA_ERROR_ILLEGAL_STATE, "the operation cannot be performed in the present state"),
    EXPLAINED(CUDA_ERROR_NOT_FOUND, "named symbol not found"),
    EXPLAINED(CUDA_ERROR_NOT_READY, "device not ready"),
    EXPLAINED(CUDA_ERROR_ILLEGAL_ADDRESS, "an illegal memory access was encountered"),
    EXPLAINED(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "too many resources requested for launch"),
    EXPLAINED(CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned address"),
    EXPLAINED(CUDA_ERROR_LAUNCH_FAILED, "unspecified launch failure"),
    EXPLAINED(CUDA_ERROR_NOT_SUPPORTED, "operation not supported"),
    EXPLAINED(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, "system has unsupported display driver / cuda driver combination"),
    EXPLAINED(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"),
    EXPLAINED(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "operation failed due to a previous error during capture"),
    EXPLAINED(CUDA_ERROR_STREAM_CAPTURE_MERGE, "operation would result in a merge of separate capture sequences"),
    EXPLAINED(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "capture was not ended in the same stream as it began"),
    EXPLAINED(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "capturing stream has unjoined work"),
    EXPLAINED(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "dependency created on uncaptured work in another stream"),
    EXPLAINED(CUDA_ERROR_CAPTURED_EVENT, "operation not permitted on an event last recorded in a capturing stream"),
    EXPLAINED(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "attempt to terminate a thread-local capture sequence from another thread"),
};
#undef EXPLAINED

const Explained* find(CUresult error) {
    for (const Explained& explained : ERRORS) {
        if (explained.error == error) return &explained;
    }
    return nullptr;
}

}  // namespace

API CUresult cuGetErrorName(CUresult error, const char** name) {
    const Explained* explained = find(error);
    *name = explained ? explained->name : nullptr;
    return explained ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

API CUresult cuGetErrorString(CUresult error, const char** text) {
    const Explained* explained = find(error);
    *text = explained ? explained->text : nullptr;
    return explained ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
