#include "graph.h"

#include "handles.h"
#include "order.h"

namespace driver {

namespace {

using Shared = std::shared_ptr<const Nodes>;

Handles<Shared> graphs("graph");
Handles<Shared> executables("executable graph");

// Does all nodes, each after those it must follow. Nodes of which neither follows the other are done in the order of the settings,
// so that a missing dependency shows.
CUresult run(const Nodes& nodes) {
    settings::Order order = settings::order();
    std::vector<unsigned> missing(nodes.size());
    std::vector<std::vector<unsigned>> followers(nodes.size());
    std::vector<unsigned> ready;
    for (unsigned node = 0; node < nodes.size(); node++) {
        missing[node] = static_cast<unsigned>(nodes[node].after.size());
        for (unsigned before : nodes[node].after) followers[before].push_back(node);
        if (missing[node] == 0) ready.push_back(node);
    }
    while (!ready.empty()) {
        size_t at = 0;
        for (size_t other = 1; other < ready.size(); other++) {
            if ((ready[other] < ready[at]) == (order != settings::Order::Reverse)) at = other;
        }
        if (order == settings::Order::Shuffle) at = simt::next_random(static_cast<unsigned>(ready.size()));
        unsigned node = ready[at];
        ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(at));
        if (CUresult error = nodes[node].work()) return error;
        for (unsigned follower : followers[node]) {
            if (--missing[follower] == 0) ready.push_back(follower);
        }
    }
    return CUDA_SUCCESS;
}

}  // namespace

bool reaches_all(const Nodes& nodes, const std::vector<unsigned>& tail) {
    std::vector<bool> reached(nodes.size());
    for (unsigned node : tail) reached[node] = true;
    size_t count = 0;
    // A node comes after those that it must follow.
    for (size_t node = nodes.size(); node-- > 0;) {
        if (!reached[node]) continue;
        count++;
        for (unsigned before : nodes[node].after) reached[before] = true;
    }
    return count == nodes.size();
}

CUhandle add_graph(Nodes nodes) { return graphs.add(std::make_shared<const Nodes>(std::move(nodes))); }

}  // namespace driver

using namespace driver;

API CUresult cuGraphInstantiateWithFlags(CUhandle* executable, CUhandle handle, unsigned long long) {
    Call call;
    if (call.problem) return call.problem;
    Shared* graph = graphs.find(handle);
    if (!graph) return CUDA_ERROR_INVALID_HANDLE;
    *executable = executables.add(*graph);
    return CUDA_SUCCESS;
}

API CUresult cuGraphGetNodes(CUhandle handle, CUhandle* nodes, size_t* count) {
    Call call;
    if (call.problem) return call.problem;
    Shared* graph = graphs.find(handle);
    if (!graph) return CUDA_ERROR_INVALID_HANDLE;
    // Nodes have no handles here, but can be counted.
    if (nodes) return CUDA_ERROR_NOT_SUPPORTED;
    *count = (*graph)->size();
    return CUDA_SUCCESS;
}

API CUresult cuGraphLaunch(CUhandle handle, CUhandle stream_handle) {
    Call call;
    if (call.problem) return call.problem;
    Shared* found = executables.find(handle);
    if (!found) return CUDA_ERROR_INVALID_HANDLE;
    return enqueue(call, stream_handle, [graph = *found] { return run(*graph); });
}

API CUresult cuGraphUpload(CUhandle handle, CUhandle) {
    Call call;
    if (call.problem) return call.problem;
    return executables.find(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

API CUresult cuGraphExecDestroy(CUhandle executable) {
    auto held = lock();
    return executables.remove(executable);
}

API CUresult cuGraphDestroy(CUhandle graph) {
    auto held = lock();
    return graphs.remove(graph);
}
