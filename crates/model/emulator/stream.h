// Streams, events and captures. Work on a stream is done at once, unless the stream is being captured.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "driver.h"

namespace driver {

// A piece of work, which may be done many times; it returns what the call that does it must return.
using Work = std::function<CUresult()>;

struct Node {
    Work work;
    // Nodes that must be done before.
    std::vector<unsigned> after;
};

using Nodes = std::vector<Node>;

struct Capture {
    CUhandle origin;
    int mode;
    std::thread::id thread;
    Nodes nodes;
    // Set by the first mistake; the capture then cannot end well.
    bool invalid;
};

struct Stream {
    Device* device;
    // Null unless it is being captured.
    std::shared_ptr<Capture> capture;
    // The nodes that the next one must follow.
    std::vector<unsigned> tail;
};

// The stream of a handle; null, with a message, if there is none. The default streams are those of the call's device.
Stream* find_stream(const Call& call, CUhandle handle);

// Does the work now, or adds it to the capture.
CUresult enqueue(const Call& call, CUhandle stream, Work work);

// What a call returns that may not be made while a stream is being captured, such as one that waits for the device.
CUresult check_no_capture();

}  // namespace driver
