#include "stream.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "graph.h"
#include "handles.h"

namespace driver {

namespace {

constexpr unsigned EVENT_DISABLE_TIMING = 2;
constexpr int CAPTURE_GLOBAL = 0, CAPTURE_THREAD_LOCAL = 1;

struct Event {
    unsigned flags;
    bool recorded;
    std::chrono::steady_clock::time_point time;
    CUhandle stream;
    // Of the last record, if that was in a capture.
    std::weak_ptr<Capture> capture;
    bool captured;
    std::vector<unsigned> tail;
};

Handles<Stream> streams("stream");
Handles<Event> events("event");
// Those under way.
std::vector<std::shared_ptr<Capture>> captures;

bool is_default(CUhandle handle) { return reinterpret_cast<uintptr_t>(handle) <= 2; }

CUresult invalidate(Capture& capture, CUresult error) {
    capture.invalid = true;
    return error;
}

}  // namespace

Stream* find_stream(const Call& call, CUhandle handle) {
    // The default streams hold nothing: no capture can begin on them.
    static Stream standing[3];
    if (!is_default(handle)) return streams.find(handle);
    Stream& stream = standing[reinterpret_cast<uintptr_t>(handle)];
    stream.device = call.device;
    return &stream;
}

CUresult enqueue(const Call& call, CUhandle handle, Work work) {
    Stream* stream = find_stream(call, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!stream->capture) return work();
    if (stream->capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    Nodes& nodes = stream->capture->nodes;
    nodes.push_back({std::move(work), stream->tail});
    stream->tail = {static_cast<unsigned>(nodes.size() - 1)};
    return CUDA_SUCCESS;
}

CUresult check_no_capture() {
    for (const auto& capture : captures) {
        bool forbids = capture->mode == CAPTURE_GLOBAL || (capture->mode == CAPTURE_THREAD_LOCAL && capture->thread == std::this_thread::get_id());
        if (forbids) return invalidate(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    }
    return CUDA_SUCCESS;
}

}  // namespace driver

using namespace driver;

API CUresult cuStreamCreate(CUhandle* stream, unsigned) {
    Call call;
    if (call.problem) return call.problem;
    *stream = streams.add({call.device, nullptr, {}});
    return CUDA_SUCCESS;
}

API CUresult cuStreamCreateWithPriority(CUhandle* stream, unsigned flags, int) { return cuStreamCreate(stream, flags); }

API CUresult cuStreamDestroy_v2(CUhandle stream) {
    auto held = lock();
    return streams.remove(stream);
}

API CUresult cuStreamSynchronize(CUhandle handle) {
    Call call;
    if (call.problem) return call.problem;
    Stream* stream = find_stream(call, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    return stream->capture ? invalidate(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED) : CUDA_SUCCESS;
}

API CUresult cuStreamQuery(CUhandle stream) { return cuStreamSynchronize(stream); }

API CUresult cuCtxSynchronize() {
    Call call;
    return call.problem ? call.problem : check_no_capture();
}

API CUresult cuEventCreate(CUhandle* event, unsigned flags) {
    Call call;
    if (call.problem) return call.problem;
    Event made{};
    made.flags = flags;
    *event = events.add(std::move(made));
    return CUDA_SUCCESS;
}

API CUresult cuEventDestroy_v2(CUhandle event) {
    auto held = lock();
    return events.remove(event);
}

API CUresult cuEventRecord(CUhandle handle, CUhandle stream_handle) {
    Call call;
    if (call.problem) return call.problem;
    Event* event = events.find(handle);
    Stream* stream = find_stream(call, stream_handle);
    if (!event || !stream) return CUDA_ERROR_INVALID_HANDLE;
    event->recorded = true;
    event->time = std::chrono::steady_clock::now();
    event->stream = stream_handle;
    event->capture = stream->capture;
    event->captured = stream->capture != nullptr;
    event->tail = stream->tail;
    return CUDA_SUCCESS;
}

API CUresult cuEventQuery(CUhandle handle) {
    Call call;
    if (call.problem) return call.problem;
    Event* event = events.find(handle);
    if (!event) return CUDA_ERROR_INVALID_HANDLE;
    if (!event->captured) return CUDA_SUCCESS;
    auto capture = event->capture.lock();
    return capture ? invalidate(*capture, CUDA_ERROR_CAPTURED_EVENT) : CUDA_ERROR_CAPTURED_EVENT;
}

API CUresult cuEventSynchronize(CUhandle event) { return cuEventQuery(event); }

API CUresult cuEventElapsedTime(float* milliseconds, CUhandle start_handle, CUhandle end_handle) {
    Call call;
    if (call.problem) return call.problem;
    Event* start = events.find(start_handle);
    Event* end = events.find(end_handle);
    if (!start || !end || !start->recorded || !end->recorded) return CUDA_ERROR_INVALID_HANDLE;
    if ((start->flags | end->flags) & EVENT_DISABLE_TIMING) return CUDA_ERROR_INVALID_HANDLE;
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
    return CUDA_SUCCESS;
}

API CUresult cuEventElapsedTime_v2(float* milliseconds, CUhandle start, CUhandle end) { return cuEventElapsedTime(milliseconds, start, end); }

// A stream that waits for an event of a capture joins that capture. Outside captures there is nothing to wait for.
API CUresult cuStreamWaitEvent(CUhandle stream_handle, CUhandle event_handle, unsigned) {
    Call call;
    if (call.problem) return call.problem;
    Event* event = events.find(event_handle);
    Stream* stream = find_stream(call, stream_handle);
    if (!event || !stream) return CUDA_ERROR_INVALID_HANDLE;
    auto capture = event->capture.lock();
    if (stream->capture && stream->capture != capture) {
        // Work of the same stream from before the capture is waited for in any case.
        if (!event->recorded || (!capture && event->stream == stream_handle)) return CUDA_SUCCESS;
        return invalidate(*stream->capture, capture ? CUDA_ERROR_STREAM_CAPTURE_MERGE : CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    }
    if (!capture) return CUDA_SUCCESS;
    if (is_default(stream_handle)) return invalidate(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    stream->capture = capture;
    for (unsigned node : event->tail) {
        if (std::find(stream->tail.begin(), stream->tail.end(), node) == stream->tail.end()) stream->tail.push_back(node);
    }
    return CUDA_SUCCESS;
}

API CUresult cuStreamBeginCapture_v2(CUhandle handle, int mode) {
    Call call;
    if (call.problem) return call.problem;
    if (is_default(handle)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    Stream* stream = find_stream(call, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture) return invalidate(*stream->capture, CUDA_ERROR_ILLEGAL_STATE);
    stream->capture = std::make_shared<Capture>(Capture{handle, mode, std::this_thread::get_id(), {}, false});
    stream->tail.clear();
    captures.push_back(stream->capture);
    return CUDA_SUCCESS;
}

API CUresult cuStreamEndCapture(CUhandle handle, CUhandle* graph) {
    Call call;
    if (call.problem) return call.problem;
    Stream* stream = find_stream(call, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    auto capture = stream->capture;
    if (!capture) return CUDA_ERROR_ILLEGAL_STATE;
    if (capture->origin != handle) return invalidate(*capture, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    if (capture->mode != 2 && capture->thread != std::this_thread::get_id()) return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    bool joined = reaches_all(capture->nodes, stream->tail);
    streams.find_if([&](Stream& member) {
        if (member.capture == capture) {
            member.capture = nullptr;
            member.tail.clear();
        }
        return false;
    });
    captures.erase(std::find(captures.begin(), captures.end(), capture));
    *graph = nullptr;
    if (capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    if (!joined) return CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
    *graph = add_graph(std::move(capture->nodes));
    return CUDA_SUCCESS;
}

API CUresult cuStreamIsCapturing(CUhandle handle, int* status) {
    Call call;
    if (call.problem) return call.problem;
    Stream* stream = find_stream(call, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    *status = !stream->capture ? 0 : stream->capture->invalid ? 2 : 1;
    return CUDA_SUCCESS;
}

API CUresult cuLaunchHostFunc(CUhandle stream, void (*function)(void*), void* data) {
    Call call;
    if (call.problem) return call.problem;
    return enqueue(call, stream, [=] {
        function(data);
        return CUDA_SUCCESS;
    });
}
