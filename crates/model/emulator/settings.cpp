#include "settings.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace settings {

namespace {

const char* text(const char* name, const char* otherwise) {
    const char* value = getenv(name);
    return value && *value ? value : otherwise;
}

// A setting that cannot be meant ends the process: a test must not pass because of it.
[[noreturn]] void refuse(const char* name, const char* value, const char* expected) {
    fprintf(stderr, "emulated GPU: %s is '%s', and must be %s\n", name, value, expected);
    exit(2);
}

unsigned long long number(const char* name, unsigned long long otherwise) {
    const char* value = text(name, nullptr);
    if (!value) return otherwise;
    char* end;
    unsigned long long parsed = strtoull(value, &end, 10);
    if (*end) refuse(name, value, "a number");
    return parsed;
}

const char* fault() {
    const char* name = "GRIDLAKE_EMULATED_FAULT";
    const char* value = text(name, "");
    for (const char* known : {"", "no-device", "driver-mismatch", "old-driver"}) {
        if (strcmp(value, known) == 0) return value;
    }
    if (strncmp(value, "lost:", 5) != 0) refuse(name, value, "no-device, driver-mismatch, old-driver or lost:N");
    return value;
}

}  // namespace

Order order() {
    const char* name = "GRIDLAKE_EMULATED_ORDER";
    const char* value = text(name, "forward");
    if (strcmp(value, "forward") == 0) return Order::Forward;
    if (strcmp(value, "reverse") == 0) return Order::Reverse;
    if (strcmp(value, "shuffle") == 0) return Order::Shuffle;
    refuse(name, value, "forward, reverse or shuffle");
}

Capability capability() {
    const char* name = "GRIDLAKE_EMULATED_CAPABILITY";
    const char* value = text(name, "9.0");
    Capability capability;
    char rest;
    if (sscanf(value, "%d.%d%c", &capability.major, &capability.minor, &rest) != 2) refuse(name, value, "like 9.0");
    return capability;
}

int multiprocessors() { return static_cast<int>(number("GRIDLAKE_EMULATED_MULTIPROCESSORS", 4)); }
size_t memory_bytes() { return number("GRIDLAKE_EMULATED_MEMORY", 4ull << 30); }
int devices() { return static_cast<int>(number("GRIDLAKE_EMULATED_DEVICES", 1)); }

bool no_device() { return devices() == 0 || strcmp(fault(), "no-device") == 0; }
bool driver_mismatch() { return strcmp(fault(), "driver-mismatch") == 0; }
bool old_driver() { return strcmp(fault(), "old-driver") == 0; }

unsigned long long lost_at() {
    const char* value = fault();
    if (strncmp(value, "lost:", 5) != 0) return 0;
    char* end;
    unsigned long long at = strtoull(value + 5, &end, 10);
    if (*end || at == 0) refuse("GRIDLAKE_EMULATED_FAULT", value, "lost:N with N from 1");
    return at;
}

const char* trace_file() { return text("GRIDLAKE_EMULATED_TRACE", nullptr); }

}  // namespace settings
