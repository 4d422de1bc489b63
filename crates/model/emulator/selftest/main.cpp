// Drives the emulated device through the driver's interface: `selftest CASE` prints "PASS CASE", or "FAIL CASE: why" and ends with 1.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../api.h"
#include "arguments.h"

extern "C" {
CUresult cuInit(unsigned);
CUresult cuDriverGetVersion(int*);
CUresult cuDeviceGet(CUdevice*, int);
CUresult cuDeviceGetName(char*, int, CUdevice);
CUresult cuDeviceGetAttribute(int*, int, CUdevice);
CUresult cuDevicePrimaryCtxRetain(CUhandle*, CUdevice);
CUresult cuCtxSetCurrent(CUhandle);
CUresult cuCtxSynchronize();
CUresult cuMemAlloc_v2(CUdeviceptr*, size_t);
CUresult cuMemFree_v2(CUdeviceptr);
CUresult cuMemGetInfo_v2(size_t*, size_t*);
CUresult cuMemcpyHtoD_v2(CUdeviceptr, const void*, size_t);
CUresult cuMemcpyDtoH_v2(void*, CUdeviceptr, size_t);
CUresult cuMemsetD8_v2(CUdeviceptr, unsigned char, size_t);
CUresult cuMemsetD8Async(CUdeviceptr, unsigned char, size_t, CUhandle);
CUresult cuModuleLoadData(CUhandle*, const void*);
CUresult cuModuleGetFunction(CUhandle*, CUhandle, const char*);
CUresult cuFuncSetAttribute(CUhandle, int, int);
CUresult cuLaunchKernel(CUhandle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUhandle, void**, void**);
CUresult cuStreamCreate(CUhandle*, unsigned);
CUresult cuStreamDestroy_v2(CUhandle);
CUresult cuStreamSynchronize(CUhandle);
CUresult cuStreamWaitEvent(CUhandle, CUhandle, unsigned);
CUresult cuStreamBeginCapture_v2(CUhandle, int);
CUresult cuStreamEndCapture(CUhandle, CUhandle*);
CUresult cuEventCreate(CUhandle*, unsigned);
CUresult cuEventRecord(CUhandle, CUhandle);
CUresult cuGraphInstantiateWithFlags(CUhandle*, CUhandle, unsigned long long);
CUresult cuGraphLaunch(CUhandle, CUhandle);
CUresult cuGraphExecDestroy(CUhandle);
}

namespace {

std::string running;

[[noreturn]] void fail(const std::string& why) {
    printf("FAIL %s: %s\n", running.c_str(), why.c_str());
    exit(1);
}

void expect(CUresult got, CUresult wanted, const char* call) {
    if (got != wanted) fail(std::string(call) + " gave " + std::to_string(got) + " instead of " + std::to_string(wanted));
}

#define EXPECT(wanted, call) expect(call, wanted, #call)
#define DO(call) EXPECT(CUDA_SUCCESS, call)
#define CHECK(condition) \
    if (!(condition)) fail("not so: " #condition)

CUhandle module;

void begin() {
    CUdevice device;
    CUhandle context;
    DO(cuInit(0));
    DO(cuDeviceGet(&device, 0));
    DO(cuDevicePrimaryCtxRetain(&context, device));
    DO(cuCtxSetCurrent(context));
    if (running != "old-driver") DO(cuModuleLoadData(&module, ".version 8.2"));
}

template <typename T>
T* allocate(const std::vector<T>& values) {
    CUdeviceptr address;
    DO(cuMemAlloc_v2(&address, values.size() * sizeof(T)));
    DO(cuMemcpyHtoD_v2(address, values.data(), values.size() * sizeof(T)));
    return reinterpret_cast<T*>(address);
}

template <typename T>
std::vector<T> fetch(const T* from, size_t count) {
    std::vector<T> values(count);
    DO(cuMemcpyDtoH_v2(values.data(), reinterpret_cast<CUdeviceptr>(from), count * sizeof(T)));
    return values;
}

CUhandle function(const char* name) {
    CUhandle handle;
    DO(cuModuleGetFunction(&handle, module, name));
    return handle;
}

template <typename Args>
CUresult launch(const char* name, Args arguments, unsigned blocks, unsigned threads, unsigned dynamic_bytes = 0, CUhandle stream = nullptr) {
    void* parameters[] = {&arguments};
    return cuLaunchKernel(function(name), blocks, 1, 1, threads, 1, 1, dynamic_bytes, stream, parameters, nullptr);
}

std::vector<float> random_numbers(size_t count) {
    std::mt19937 random(7);
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random()) / 2147483648.0f - 1.0f;
    return values;
}

// Prints the bits, so that runs in several orders can be compared.
void print_bits(const std::vector<float>& values) {
    uint64_t hash = 14695981039346656037ull;
    for (float value : values) {
        uint32_t bits;
        memcpy(&bits, &value, 4);
        hash = (hash ^ bits) * 1099511628211ull;
    }
    printf("bits %016llx\n", static_cast<unsigned long long>(hash));
}

void sums() {
    auto in = random_numbers(1000);
    Numbers numbers{allocate(in), allocate(std::vector<float>(4)), 1000};
    DO(launch("sum_tiles", numbers, 4, 256));
    auto out = fetch(numbers.out, 4);
    for (size_t tile = 0; tile < 4; tile++) {
        double sum = 0.0;
        for (size_t at = 256 * tile; at < in.size() && at < 256 * (tile + 1); at++) sum += in[at];
        CHECK(std::abs(out[tile] - sum) < 256 * 1.2e-7 * 16);
    }
    print_bits(out);
}

void dynamic_memory() {
    auto in = random_numbers(2048);
    Numbers numbers{allocate(in), allocate(std::vector<float>(2048)), 2048};
    EXPECT(CUDA_ERROR_INVALID_VALUE, launch("reverse_tiles", numbers, 2, 1024, 49156));
    DO(cuFuncSetAttribute(function("reverse_tiles"), 8, 232448));
    EXPECT(CUDA_ERROR_INVALID_VALUE, cuFuncSetAttribute(function("reverse_tiles"), 8, 232449));
    DO(launch("reverse_tiles", numbers, 2, 1024, 232448));
    auto out = fetch(numbers.out, 2048);
    for (size_t at = 0; at < 1024; at++) CHECK(out[at] == in[1023 - at] && out[1024 + at] == in[2047 - at]);
    print_bits(out);
}

void copies() {
    auto in = random_numbers(256 * 5);
    Numbers numbers{allocate(in), allocate(std::vector<float>(32)), 256 * 5};
    DO(launch("sum_columns", numbers, 1, 32));
    auto out = fetch(numbers.out, 32);
    for (size_t column = 0; column < 32; column++) {
        float sum = 0.0f;
        for (size_t row = 0; row < 40; row++) sum += in[32 * row + column];
        CHECK(out[column] == sum);
    }
    DO(launch("sum_columns_early", numbers, 1, 32));
    for (float value : fetch(numbers.out, 32)) CHECK(value != value);
    print_bits(out);
}

// Nearest with 10 bits of fraction, ties away from zero.
float tf32(float x) {
    int exponent;
    double fraction = frexp(x, &exponent);
    return static_cast<float>(ldexp(round(ldexp(fraction, 11)), exponent - 11));
}

void products() {
    constexpr size_t DEPTH = 40;
    auto a = random_numbers(16 * DEPTH), b = random_numbers(DEPTH * 8);
    // A tie.
    a[0] = -1.00048828125f;
    CHECK(tf32(a[0]) == -1.0009765625f);
    Product16 product{allocate(a), allocate(b), allocate(std::vector<float>(128)), DEPTH};
    DO(launch("multiply", product, 1, 32));
    auto out = fetch(product.out, 128);
    unsigned biased = 0;
    for (size_t row = 0; row < 16; row++) {
        for (size_t column = 0; column < 8; column++) {
            double sum = 0.0, largest = 0.0;
            for (size_t k = 0; k < DEPTH; k++) {
                double term = static_cast<double>(tf32(a[row * DEPTH + k])) * tf32(b[k * 8 + column]);
                sum += term;
                largest = fmax(largest, fmax(fabs(term), fabs(sum)));
            }
            // Nine terms and a sum are cut in each of the steps, by less than a place each.
            double bound = DEPTH / 8 * (9 * ldexp(largest, -24) * 2 + ldexp(largest, -23) * 2);
            CHECK(fabs(out[row * 8 + column] - sum) <= bound);
            biased += fabs(out[row * 8 + column]) < fabs(sum);
        }
    }
    // Cut, not rounded: most come out smaller.
    CHECK(biased > 75);
    print_bits(out);
}

void counts() {
    Counters counters{allocate(std::vector<unsigned>{0}),      allocate(std::vector<unsigned long long>{0}), allocate(std::vector<unsigned>{1000}),
                      allocate(std::vector<unsigned>{0}), allocate(std::vector<unsigned>(3)),           allocate(std::vector<double>(3))};
    DO(launch("count", counters, 1, 96));
    CHECK(fetch(counters.total, 1)[0] == 95 * 96 / 2 + 31 + 63 + 95);
    CHECK(fetch(counters.wide, 1)[0] == 96ull << 33);
    CHECK(fetch(counters.least, 1)[0] == 100);
    CHECK(fetch(counters.most, 1)[0] == 195);
    for (unsigned ballot : fetch(counters.ballots, 3)) CHECK(ballot == (0xaaaaaaaau ^ 7u));
    auto prefixes = fetch(counters.sums, 3);
    CHECK(prefixes[0] == 496.0 && prefixes[1] == 496.0 + 1024.0 && prefixes[2] == 496.0 + 2048.0);
}

void race() {
    Numbers numbers{allocate(random_numbers(256)), allocate(std::vector<float>(256)), 256};
    DO(launch("rotate_without_barrier", numbers, 1, 256));
    print_bits(fetch(numbers.out, 256));
}

void race_of_blocks() {
    Numbers numbers{nullptr, allocate(std::vector<float>(8)), 8};
    DO(launch("chain_of_blocks", numbers, 8, 32));
    print_bits(fetch(numbers.out, 8));
}

// A kernel that is wrong: the launch fails, and so does all that follows.
void wrong(const char* name, unsigned threads, CUresult error, unsigned dynamic_bytes = 0) {
    Numbers numbers{allocate(random_numbers(64)), allocate(std::vector<float>(20)), 20};
    if (strcmp(name, "write_past") != 0) numbers.out = allocate(std::vector<float>(64));
    EXPECT(error, launch(name, numbers, 1, threads, dynamic_bytes));
    EXPECT(error, cuCtxSynchronize());
    CUdeviceptr address;
    EXPECT(error, cuMemAlloc_v2(&address, 4));
}

// Two streams, of which the second waits for the first, in a graph that runs twice.
void graphs(bool joined) {
    Numbers first{allocate(std::vector<float>{1, 2, 3, 4}), allocate(std::vector<float>(4)), 4};
    Numbers second{first.out, allocate(std::vector<float>(4)), 4};
    CUhandle origin, side, fork, join, graph, executable;
    DO(cuStreamCreate(&origin, 1));
    DO(cuStreamCreate(&side, 1));
    DO(cuEventCreate(&fork, 2));
    DO(cuEventCreate(&join, 2));
    DO(cuStreamBeginCapture_v2(origin, 1));
    DO(cuMemsetD8Async(reinterpret_cast<CUdeviceptr>(first.out), 0, 16, origin));
    DO(cuEventRecord(fork, origin));
    DO(cuStreamWaitEvent(side, fork, 0));
    DO(launch("add_one", first, 1, 32, 0, origin));
    if (joined) {
        DO(cuEventRecord(join, origin));
        DO(cuStreamWaitEvent(side, join, 0));
    }
    DO(launch("twice", second, 1, 32, 0, side));
    DO(cuEventRecord(join, side));
    DO(cuStreamWaitEvent(origin, join, 0));
    DO(cuStreamEndCapture(origin, &graph));
    DO(cuGraphInstantiateWithFlags(&executable, graph, 0));
    DO(cuGraphLaunch(executable, origin));
    DO(cuGraphLaunch(executable, origin));
    DO(cuStreamSynchronize(origin));
    auto out = fetch(second.out, 4);
    if (joined) CHECK(out == std::vector<float>({4, 6, 8, 10}));
    print_bits(out);
    DO(cuGraphExecDestroy(executable));
    EXPECT(CUDA_ERROR_INVALID_HANDLE, cuGraphExecDestroy(executable));
    // A capture whose side stream is left behind, and one that waits for the device.
    DO(cuStreamBeginCapture_v2(origin, 1));
    DO(cuEventRecord(fork, origin));
    DO(cuStreamWaitEvent(side, fork, 0));
    DO(launch("twice", second, 1, 32, 0, side));
    EXPECT(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, cuStreamEndCapture(origin, &graph));
    DO(cuStreamBeginCapture_v2(origin, 1));
    EXPECT(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuCtxSynchronize());
    EXPECT(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(origin, &graph));
    DO(cuStreamDestroy_v2(side));
    EXPECT(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize(side));
}

void memory() {
    size_t before, after, total;
    DO(cuMemGetInfo_v2(&before, &total));
    CUdeviceptr address, more;
    DO(cuMemAlloc_v2(&address, 1 << 20));
    DO(cuMemGetInfo_v2(&after, &total));
    CHECK(before - after == 1 << 20);
    EXPECT(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc_v2(&more, after + 1));
    auto fresh = fetch(reinterpret_cast<float*>(address), 4);
    CHECK(fresh[0] != fresh[0]);
    EXPECT(CUDA_ERROR_INVALID_VALUE, cuMemsetD8_v2(address, 0, (1 << 20) + 1));
    DO(cuMemFree_v2(address));
    EXPECT(CUDA_ERROR_INVALID_VALUE, cuMemFree_v2(address));
    EXPECT(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH_v2(&after, address, 8));
}

void launches() {
    Numbers numbers{nullptr, nullptr, 0};
    CUhandle handle;
    EXPECT(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(&handle, module, "no_such_kernel"));
    EXPECT(CUDA_ERROR_INVALID_PTX, cuModuleLoadData(&handle, ""));
    EXPECT(CUDA_ERROR_INVALID_VALUE, launch("add_one", numbers, 1, 33));
    EXPECT(CUDA_ERROR_INVALID_VALUE, launch("add_one", numbers, 0, 32));
    DO(launch("add_one", numbers, 3, 32));
}

void lost() {
    Numbers numbers{nullptr, nullptr, 0};
    DO(launch("add_one", numbers, 1, 32));
    DO(launch("add_one", numbers, 1, 32));
    EXPECT(CUDA_ERROR_LAUNCH_FAILED, launch("add_one", numbers, 1, 32));
    EXPECT(CUDA_ERROR_LAUNCH_FAILED, cuCtxSynchronize());
}

void old_driver() {
    int version;
    DO(cuDriverGetVersion(&version));
    CHECK(version == 11040);
    EXPECT(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, cuModuleLoadData(&module, ".version 8.2"));
}

void device() {
    char name[64];
    int major, processors, version;
    DO(cuDeviceGetName(name, sizeof name, 0));
    CHECK(strcmp(name, "Emulated SIMT device") == 0);
    DO(cuDeviceGetAttribute(&major, 75, 0));
    DO(cuDeviceGetAttribute(&processors, 16, 0));
    DO(cuDriverGetVersion(&version));
    CHECK(major == 9 && processors == 4 && version == 13000);
}

// To be timed: 16 million threads, each of which takes part in five shuffles and waits once or twice.
void speed() {
    auto in = random_numbers(256 * 64);
    Numbers numbers{allocate(in), allocate(std::vector<float>(64)), 256 * 64};
    for (int i = 0; i < 1000; i++) DO(launch("sum_tiles", numbers, 64, 256));
}

}  // namespace

int main(int, char** arguments) {
    running = arguments[1];
    if (running == "no-device") EXPECT(CUDA_ERROR_NO_DEVICE, cuInit(0));
    else if (running == "driver-mismatch") EXPECT(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, cuInit(0));
    else begin();
    if (running == "sums") sums();
    if (running == "dynamic-memory") dynamic_memory();
    if (running == "copies") copies();
    if (running == "products") products();
    if (running == "counts") counts();
    if (running == "race") race();
    if (running == "race-of-blocks") race_of_blocks();
    if (running == "graphs") graphs(true);
    if (running == "race-of-nodes") graphs(false);
    if (running == "memory") memory();
    if (running == "launches") launches();
    if (running == "lost") lost();
    if (running == "old-driver") old_driver();
    if (running == "device") device();
    if (running == "speed") speed();
    if (running == "write-past") wrong("write_past", 32, CUDA_ERROR_ILLEGAL_ADDRESS);
    if (running == "share-past") wrong("share_past", 32, CUDA_ERROR_ILLEGAL_ADDRESS, 31 * 16);
    if (running == "wait-by-half") wrong("wait_by_half", 64, CUDA_ERROR_LAUNCH_FAILED);
    if (running == "shuffle-by-half") wrong("shuffle_by_half", 32, CUDA_ERROR_LAUNCH_FAILED);
    if (running == "shuffle-or-vote") wrong("shuffle_or_vote", 32, CUDA_ERROR_LAUNCH_FAILED);
    if (running == "copy-unaligned") wrong("copy_unaligned", 32, CUDA_ERROR_MISALIGNED_ADDRESS);
    if (running == "overflow-stack") wrong("overflow_stack", 32, CUDA_ERROR_LAUNCH_FAILED);
    printf("PASS %s\n", running.c_str());
    return 0;
}
