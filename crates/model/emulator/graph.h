// Graphs of work.
#pragma once

#include "stream.h"

namespace driver {

// Whether each node is one of `tail`, or one that these follow.
bool reaches_all(const Nodes& nodes, const std::vector<unsigned>& tail);

CUhandle add_graph(Nodes nodes);

}  // namespace driver
