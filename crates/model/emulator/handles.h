// Objects that a program knows by handles, which find those that were destroyed, or never were.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include "api.h"

namespace driver {

// Small numbers stand for the streams that always exist.
inline uintptr_t last_handle = 0x1000;

template <typename T>
class Handles {
   public:
    explicit Handles(const char* noun) : noun_(noun) {}

    CUhandle add(T object) {
        last_handle += 16;
        objects_.emplace(last_handle, std::make_unique<T>(std::move(object)));
        return reinterpret_cast<CUhandle>(last_handle);
    }

    // Null, with a message, if there is no such object.
    T* find(CUhandle handle) const {
        auto found = objects_.find(reinterpret_cast<uintptr_t>(handle));
        if (found != objects_.end()) return found->second.get();
        complain(handle);
        return nullptr;
    }

    CUresult remove(CUhandle handle) {
        if (objects_.erase(reinterpret_cast<uintptr_t>(handle))) return CUDA_SUCCESS;
        complain(handle);
        return CUDA_ERROR_INVALID_HANDLE;
    }

    template <typename Condition>
    void remove_if(Condition condition) {
        for (auto at = objects_.begin(); at != objects_.end();) at = condition(*at->second) ? objects_.erase(at) : std::next(at);
    }

    // Null if no object meets the condition.
    template <typename Condition>
    CUhandle find_if(Condition condition) const {
        for (const auto& object : objects_) {
            if (condition(*object.second)) return reinterpret_cast<CUhandle>(object.first);
        }
        return nullptr;
    }

   private:
    void complain(CUhandle handle) const { fprintf(stderr, "emulated GPU: %p is no %s, or one that was destroyed\n", handle, noun_); }

    const char* noun_;
    std::map<uintptr_t, std::unique_ptr<T>> objects_;
};

}  // namespace driver
